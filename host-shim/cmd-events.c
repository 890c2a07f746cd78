/* events: the state of each instance, and with --follow each change of it. */
#include "cmd.h"
#include "failure.h"
#include "resolve.h"
#include "state.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <unistd.h>

/* Changes come while the driver runs; they are shown when it does not. */
typedef struct {
    Shim *shim;
    GQueue news;       /* of JsonObject */
    GHashTable *nodes; /* uuid -> name */
} Watch;

static const char *
state_word(HvdState state)
{
    static const struct {
        HvdState state;
        const char *word;
    } words[] = {
        {HVD_STATE_RUNNING, "running"},
        {HVD_STATE_PAUSED, "paused"},
        {HVD_STATE_SHUTDOWN, "shutdown"},
        {HVD_STATE_SUSPENDED, "suspended"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        if (words[i].state == state)
            return words[i].word;
    }
    return "none";
}

/* ---- one change, as it is printed ---- */

static JsonObject *
new_event(const char *uuid, const char *name, const char *state, const char *node, gboolean gone)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *time = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
    JsonObject *event = json_object_new();

    json_object_set_string_member(event, "time", time);
    json_object_set_string_member(event, "uuid", uuid);
    json_object_set_string_member(event, "name", name != NULL ? name : "");
    json_object_set_string_member(event, "state", state);
    if (node != NULL && node[0] != '\0')
        json_object_set_string_member(event, "node", node);
    json_object_set_boolean_member(event, "gone", gone);
    return event;
}

/* In the driver: nothing may be called here. A VM that is no instance has no uuid. */
static void
on_lifecycle(const HvdLifecycle *event, gpointer data)
{
    Watch *watch = data;

    if (event->uuid == NULL || event->uuid[0] == '\0')
        return;
    g_queue_push_tail(&watch->news, new_event(event->uuid, event->name, state_word(event->state),
                                              event->node, event->gone));
}

/* ---- printing ---- */

static void
learn_nodes(Watch *watch)
{
    g_autoptr(JsonNode) list = resolve_read(watch->shim, "list_nodes", NULL, NULL);
    g_autoptr(GPtrArray) nodes = document_elements(list);

    for (guint i = 0; i < nodes->len; i++) {
        const char *uuid = document_text(g_ptr_array_index(nodes, i), "uuid");
        const char *name = document_text(g_ptr_array_index(nodes, i), "name");

        if (uuid != NULL && name != NULL)
            g_hash_table_insert(watch->nodes, g_strdup(uuid), g_strdup(name));
    }
}

/* (nullable) */
static const char *
node_name(Watch *watch, const char *uuid)
{
    const char *name;

    if (uuid == NULL)
        return NULL;
    if (!g_hash_table_contains(watch->nodes, uuid))
        learn_nodes(watch);
    name = g_hash_table_lookup(watch->nodes, uuid);
    return name != NULL ? name : uuid;
}

static void
print_line(Watch *watch, JsonObject *event)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    g_autofree char *time = g_date_time_format(now, "%H:%M:%S");
    const char *name = document_text(event, "name");
    const char *uuid = document_text(event, "uuid");
    const char *node = node_name(watch, document_text(event, "node"));
    const char *state = state_get_word(document_text(event, "state"), NULL);

    if (document_flag(event, "gone"))
        output_line(watch->shim->output, _("%s  %s (%s) is gone"), time, name, uuid);
    else if (node != NULL)
        output_line(watch->shim->output, _("%s  %s (%s) is %s on %s"), time, name, uuid, state,
                    node);
    else
        output_line(watch->shim->output, _("%s  %s (%s) is %s"), time, name, uuid, state);
}

/* Takes @event. Each is seen at once, also through a pipe. */
static gboolean
print_event(Watch *watch, JsonObject *event, GError **error)
{
    g_autoptr(JsonObject) taken = event;
    g_autofree char *text = NULL;

    if (watch->shim->output->json) {
        text = document_print_object(taken);
        output_json(watch->shim->output, text);
    } else {
        print_line(watch, taken);
    }
    return output_flush(error);
}

static gboolean
print_present(Watch *watch, GError **error)
{
    g_autoptr(JsonNode) list = resolve_read(watch->shim, "list_instances", NULL, error);
    g_autoptr(GPtrArray) infos = document_elements(list);

    for (guint i = 0; i < infos->len; i++) {
        JsonObject *info = g_ptr_array_index(infos, i);
        const char *node = document_text(document_member(info, "node"), "uuid");
        JsonObject *event = new_event(document_text(info, "uuid"), document_text(info, "name"),
                                      document_text(info, "state"), node, FALSE);

        if (!print_event(watch, event, error))
            return FALSE;
    }
    return list != NULL;
}

/* ---- following ---- */

static gboolean
print_news(Watch *watch, GError **error)
{
    JsonObject *event;

    while ((event = g_queue_pop_head(&watch->news)) != NULL) {
        if (!print_event(watch, event, error))
            return FALSE;
    }
    return TRUE;
}

/* Until a signal comes, which is how it is meant to end. */
static gboolean
follow(Watch *watch, GError **error)
{
    GCancellable *cancellable = runner_get_cancellable(watch->shim->runner);

    while (print_news(watch, error)) {
        if (g_cancellable_is_cancelled(cancellable))
            return TRUE;
        g_main_context_iteration(NULL, TRUE);
    }
    return FALSE;
}

static gboolean
check_events(Shim *shim, gboolean go_on, GError **error)
{
    const HvdDriver *driver = shim_load(shim, error);

    if (driver == NULL)
        return FALSE;
    if (!go_on || (driver->capabilities & HVD_CAPABILITY_LIFECYCLE_EVENTS) != 0)
        return TRUE;
    failure_set(error, HVD_ERROR_UNSUPPORTED, NULL, _("the driver %s does not tell of changes"),
                driver->name);
    return FALSE;
}

static gboolean
watch_pool(Watch *watch, gboolean go_on, GError **error)
{
    Shim *shim = watch->shim;

    if (shim_connect(shim, error) == NULL)
        return FALSE;
    learn_nodes(watch);
    /* what came until now is in the list that follows */
    g_queue_clear_full(&watch->news, (GDestroyNotify) json_object_unref);
    if (!print_present(watch, error))
        return FALSE;
    if (!go_on)
        return TRUE;
    interrupt_expect(shim->interrupt, TRUE);
    return follow(watch, error);
}

static gboolean
run(Shim *shim, gboolean go_on, GError **error)
{
    Watch watch = {.shim = shim, .news = G_QUEUE_INIT};
    gboolean done;

    if (!check_events(shim, go_on, error))
        return FALSE;
    watch.nodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    shim->on_lifecycle = on_lifecycle;
    shim->lifecycle_data = &watch;
    done = watch_pool(&watch, go_on, error);
    shim->on_lifecycle = NULL;
    g_queue_clear_full(&watch.news, (GDestroyNotify) json_object_unref);
    g_hash_table_unref(watch.nodes);
    return done;
}

gboolean
cmd_events(Shim *shim, GError **error)
{
    return run(shim, arguments_has(shim->arguments, "follow"), error);
}

gboolean
cmd_events_follow(Shim *shim, GError **error)
{
    return run(shim, TRUE, error);
}
