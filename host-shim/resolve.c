#include "resolve.h"

#include "failure.h"
#include "text.h"

#include <glib/gi18n.h>
#include <string.h>

typedef struct {
    const char *slot;
    const char *names[3]; /* members that the word may be */
} Kind;

static const Kind instances = {
    "list_instances",
    {"name", NULL},
};

static const Kind nodes = {
    "list_nodes",
    {"name", "address", NULL},
};

JsonNode *
resolve_read(Shim *shim, const char *slot, const char *instance, GError **error)
{
    HvdCall *call = runner_get_call(shim->runner);
    HvdCallFlags flags = call->flags;
    g_autofree char *text = NULL;

    call->flags = 0; /* what is read is no part of a plan */
    text = instance != NULL ? runner_instance(shim->runner, slot, instance, error)
                            : runner_call(shim->runner, slot, error);
    call->flags = flags;
    return text != NULL ? document_parse(text) : NULL;
}

static gboolean
is_called(const Kind *kind, JsonObject *object, const char *word)
{
    for (guint i = 0; kind->names[i] != NULL; i++) {
        if (g_strcmp0(document_text(object, kind->names[i]), word) == 0)
            return document_text(object, "uuid") != NULL;
    }
    return FALSE;
}

static void
copy_text(JsonObject *from, const char *member, JsonObject *to)
{
    if (document_text(from, member) != NULL)
        json_object_set_string_member(to, member, document_text(from, member));
}

JsonObject *
resolve_make_candidate(JsonObject *object, const char *node)
{
    static const char *const members[] = {"uuid", "name", "state", "address", "type"};
    JsonObject *candidate = json_object_new();

    for (gsize i = 0; i < G_N_ELEMENTS(members); i++)
        copy_text(object, members[i], candidate);
    if (node != NULL)
        json_object_set_string_member(candidate, "node", node);
    return candidate;
}

static GError *
ambiguous(const Kind *kind, const GPtrArray *found, const char *word)
{
    GError *error;

    error = failure_new(HVD_ERROR_AMBIGUOUS, NULL,
                        kind == &nodes
                            ? ngettext("%u node is called \"%s\": use a uuid",
                                       "%u nodes are called \"%s\": use a uuid", found->len)
                            : ngettext("%u instance is called \"%s\": use a uuid",
                                       "%u instances are called \"%s\": use a uuid", found->len),
                        found->len, word);
    for (guint i = 0; i < found->len; i++) {
        JsonObject *object = g_ptr_array_index(found, i);
        const char *node = document_text(document_member(object, "node"), "name");

        failure_add_candidate(error, resolve_make_candidate(object, node));
    }
    return error;
}

static GError *
missing(const Kind *kind, const GPtrArray *all, const char *word)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *advice = NULL;
    const char *nearest;

    for (guint i = 0; i < all->len; i++) {
        const char *name = document_text(g_ptr_array_index(all, i), "name");

        if (name != NULL)
            g_ptr_array_add(names, (gpointer) name);
    }
    g_ptr_array_add(names, NULL);
    nearest = text_nearest(word, (const char *const *) names->pdata);
    if (nearest != NULL)
        advice = g_strdup_printf(_("did you mean \"%s\"?"), nearest);
    else
        advice = g_strdup(kind == &nodes ? _("\"hvd nodes\" lists the nodes")
                                         : _("\"hvd list\" lists the instances"));
    return failure_new(
        HVD_ERROR_NOT_FOUND, advice,
        kind == &nodes ? _("there is no node \"%s\"") : _("there is no instance \"%s\""), word);
}

/* The uuid of the one that was found; errors will have the word beside it. */
static char *
take(Shim *shim, JsonObject *object, const char *word)
{
    const char *uuid = document_text(object, "uuid");

    shim_name(shim, uuid, word);
    return g_strdup(uuid);
}

static char *
resolve(Shim *shim, const Kind *kind, const char *word, GError **error)
{
    g_autoptr(GPtrArray) all = NULL;
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    g_autoptr(JsonNode) list = NULL;

    if (g_uuid_string_is_valid(word))
        return g_ascii_strdown(word, -1);
    list = resolve_read(shim, kind->slot, NULL, error);
    if (list == NULL)
        return NULL;
    all = document_elements(list);
    for (guint i = 0; i < all->len; i++) {
        if (is_called(kind, g_ptr_array_index(all, i), word))
            g_ptr_array_add(found, g_ptr_array_index(all, i));
    }
    if (found->len == 1)
        return take(shim, g_ptr_array_index(found, 0), word);
    g_propagate_error(error,
                      found->len == 0 ? missing(kind, all, word) : ambiguous(kind, found, word));
    return NULL;
}

char *
resolve_instance(Shim *shim, const char *word, GError **error)
{
    return resolve(shim, &instances, word, error);
}

char *
resolve_node(Shim *shim, const char *word, GError **error)
{
    return resolve(shim, &nodes, word, error);
}
