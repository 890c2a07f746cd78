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

/* "UUID  running on node-1", "UUID  10.0.0.2" */
static char *
describe_candidate(JsonObject *object)
{
    const char *state = document_text(object, "state");
    const char *address = document_text(object, "address");
    const char *node = document_text(document_member(object, "node"), "name");
    const char *told = state != NULL ? state : address != NULL ? address : "";

    return node != NULL
               ? g_strdup_printf(_("%s  %s on %s"), document_text(object, "uuid"), told, node)
               : g_strdup_printf("%s  %s", document_text(object, "uuid"), told);
}

static GError *
ambiguous(const Kind *kind, const GPtrArray *found, const char *word)
{
    GError *error;

    error = failure_new(HVD_ERROR_AMBIGUOUS, NULL,
                        kind == &nodes ? _("%u nodes are called \"%s\": use a uuid")
                                       : _("%u instances are called \"%s\": use a uuid"),
                        found->len, word);
    for (guint i = 0; i < found->len; i++) {
        g_autofree char *candidate = describe_candidate(g_ptr_array_index(found, i));

        failure_add_candidate(error, candidate);
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
        advice = g_strdup_printf(_("did you mean \"%s%s\"?"), "", nearest);
    return failure_new(
        HVD_ERROR_NOT_FOUND, advice,
        kind == &nodes ? _("there is no node \"%s\"") : _("there is no instance \"%s\""), word);
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
        return g_strdup(document_text(g_ptr_array_index(found, 0), "uuid"));
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
