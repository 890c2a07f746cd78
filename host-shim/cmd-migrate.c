/* migrate: the parts of a live migration, as a compute service calls them on both sides. */
#include "act.h"
#include "cmd.h"
#include "failure.h"
#include "resolve.h"

#include <glib/gi18n.h>
#include <string.h>

#define MUST_BE_MS (60 * 1000)

typedef struct {
    Shim *shim;
    char *uuid;
    char *who;
    char *document;   /* migration.schema.json: what the parts hand on to each other */
    char *info;       /* (nullable): instance-info, of the last part */
    JsonArray *steps; /* with --plan: of all parts */
    gint64 ends_us;   /* 0: it may take as long as it takes */
    gboolean must_be; /* nothing keeps the next part from being called */
} Move;

static void
move_clear(Move *move)
{
    g_free(move->uuid);
    g_free(move->who);
    g_free(move->document);
    g_free(move->info);
    g_clear_pointer(&move->steps, json_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Move, move_clear)

/* ---- where to ---- */

static gboolean
is_candidate(JsonObject *node, const char *here)
{
    return document_flag(node, "live") && document_flag(node, "enabled") &&
           document_text(node, "uuid") != NULL && g_strcmp0(document_text(node, "uuid"), here) != 0;
}

/* The one with the most free memory, of those that take instances. */
static char *
choose_among(const GPtrArray *nodes, const char *here, GError **error)
{
    JsonObject *best = NULL;

    for (guint i = 0; i < nodes->len; i++) {
        JsonObject *node = g_ptr_array_index(nodes, i);

        if (is_candidate(node, here) &&
            (best == NULL || document_number(node, "memory_free_bytes", 0) >
                                 document_number(best, "memory_free_bytes", 0)))
            best = node;
    }
    if (best != NULL)
        return g_strdup(document_text(best, "uuid"));
    failure_set(error, HVD_ERROR_NO_RESOURCES, _("see \"hvd nodes\""), "%s",
                _("there is no other node that takes instances"));
    return NULL;
}

static char *
choose_node(Move *move, GError **error)
{
    const char *word = arguments_get(move->shim->arguments, "to");
    g_autoptr(JsonNode) info = NULL;
    g_autoptr(JsonNode) list = NULL;
    g_autoptr(GPtrArray) nodes = NULL;

    if (word != NULL)
        return resolve_node(move->shim, word, error);
    info = resolve_read(move->shim, "get_instance", move->uuid, error);
    list = info != NULL ? resolve_read(move->shim, "list_nodes", NULL, error) : NULL;
    if (list == NULL)
        return NULL;
    nodes = document_elements(list);
    return choose_among(
        nodes, document_text(document_member(document_object(info), "node"), "uuid"), error);
}

static gboolean
begin(Move *move, GError **error)
{
    gint64 begun_us = g_get_monotonic_time();
    g_autofree char *node = NULL;

    move->uuid = act_begin(move->shim, error);
    node = move->uuid != NULL ? choose_node(move, error) : NULL;
    if (node == NULL)
        return FALSE;
    if (arguments_has(move->shim->arguments, "timeout"))
        move->ends_us =
            begun_us + arguments_number(move->shim->arguments, "timeout", 0) * G_USEC_PER_SEC;
    move->who = act_describe(move->shim, move->uuid);
    move->document = g_strdup_printf("{\"destination\":\"%s\"}", node);
    if (arguments_has(move->shim->arguments, "plan"))
        move->steps = json_array_new();
    return TRUE;
}

/* ---- parts ---- */

/* Steps are called alike in several parts. */
static JsonObject *
copy_step(JsonObject *step, const char *part)
{
    JsonObject *copy = document_copy(step);
    const char *name = document_text(step, "name");
    g_autofree char *full = g_strdup_printf("%s: %s", part, name != NULL ? name : "");

    json_object_set_string_member(copy, "name", full);
    return copy;
}

static void
add_plan(Move *move, const char *text)
{
    g_autoptr(JsonNode) plan = document_parse(text);
    const char *part = document_text(document_object(plan), "operation");
    g_autoptr(GPtrArray) steps = document_objects(document_object(plan), "steps");

    for (guint i = 0; i < steps->len; i++)
        json_array_add_object_element(move->steps, copy_step(g_ptr_array_index(steps, i), part));
}

/* How far each takes the whole, in percent. The way back takes it nowhere. */
static const struct {
    const char *slot;
    guint from, to;
} parts[] = {
    {"check_can_live_migrate_destination", 0, 2},
    {"check_can_live_migrate_source", 2, 4},
    {"cleanup_live_migration_destination_check", 4, 5},
    {"pre_live_migration", 5, 15},
    {"live_migration", 15, 95},
    {"post_live_migration", 95, 97},
    {"post_live_migration_at_source", 97, 98},
    {"post_live_migration_at_destination", 98, 100},
};

static void
begin_part(Move *move, const char *slot)
{
    Progress *progress = move->shim->progress;

    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (strcmp(parts[i].slot, slot) != 0)
            continue;
        progress_part(progress, "migrate", parts[i].from / 100.0, parts[i].to / 100.0);
        return;
    }
    progress_stay(progress);
}

/* --timeout is for the whole; but the way back, and what follows the move, have to be: they get a
 * while of their own. */
static gboolean
share_time(Move *move, GError **error)
{
    HvdCall *call = runner_get_call(move->shim->runner);
    gint64 left_ms;

    if (move->ends_us == 0)
        return TRUE;
    left_ms = (move->ends_us - g_get_monotonic_time()) / 1000;
    call->timeout_ms = (guint) MAX(left_ms, move->must_be ? MUST_BE_MS : 1);
    if (left_ms > 0 || move->must_be)
        return TRUE;
    failure_set(error, HVD_ERROR_TIMED_OUT, _("try again with a longer --timeout"),
                _("migrate %s: it took longer than --timeout allows, and was undone"), move->who);
    return FALSE;
}

/* (nullable): what it gave; a plan is added to the others */
static char *
call_part(Move *move, const char *slot, GError **error)
{
    char *answer;

    if (!share_time(move, error))
        return NULL;
    begin_part(move, slot);
    answer = runner_document(move->shim->runner, slot, move->uuid, move->document, error);

    if (answer != NULL && move->steps != NULL)
        add_plan(move, answer);
    return answer;
}

/* A part whose answer is the document for those that follow. */
static gboolean
hand_on(Move *move, const char *slot, GError **error)
{
    char *answer = call_part(move, slot, error);

    if (answer == NULL)
        return FALSE;
    if (move->steps != NULL)
        g_free(answer);
    else {
        g_free(move->document);
        move->document = answer;
    }
    return TRUE;
}

/* What follows is called whatever comes: no signal and no --timeout keeps it back. */
static void
insist(Move *move, gboolean on)
{
    runner_shield(move->shim->runner, on);
    move->must_be = on;
}

/* What the check has made goes, whatever came of it, and whoever has lost patience meanwhile. */
static void
clean_up_check(Move *move)
{
    g_autoptr(GError) problem = NULL;
    g_autofree char *answer = NULL;

    insist(move, TRUE);
    answer = call_part(move, "cleanup_live_migration_destination_check", &problem);
    insist(move, FALSE);
    if (answer == NULL)
        output_tell(move->shim->output, _("the check of the destination left something: %s"),
                    problem->message);
}

static gboolean
check(Move *move, GError **error)
{
    gboolean can;

    if (!hand_on(move, "check_can_live_migrate_destination", error))
        return FALSE;
    can = hand_on(move, "check_can_live_migrate_source", error);
    clean_up_check(move);
    return can;
}

/* No signal stops it: it is what a signal asks for. */
static void
roll_back(Move *move)
{
    g_autoptr(GError) problem = NULL;
    g_autofree char *answer = NULL;

    insist(move, TRUE);
    answer = call_part(move, "rollback_live_migration_at_destination", &problem);
    if (answer == NULL)
        output_tell(move->shim->output, _("the destination was not put back: %s"),
                    problem->message);
}

static gboolean
go(Move *move, GError **error)
{
    g_autofree char *answer = NULL;

    if (hand_on(move, "pre_live_migration", error))
        answer = call_part(move, "live_migration", error);
    if (answer == NULL && move->steps == NULL)
        roll_back(move);
    return answer != NULL;
}

/* It is there: what fails now is told, and stops nothing (SEC-22). */
static gboolean
finish(Move *move, GError **error)
{
    static const char *const slots[] = {"post_live_migration", "post_live_migration_at_source",
                                        "post_live_migration_at_destination"};
    g_autoptr(GError) first = NULL;

    insist(move, TRUE);
    for (gsize i = 0; i < G_N_ELEMENTS(slots); i++) {
        g_autoptr(GError) problem = NULL;

        g_free(move->info);
        move->info = call_part(move, slots[i], &problem);
        if (problem != NULL && first == NULL)
            first = g_steal_pointer(&problem);
    }
    if (first == NULL)
        return TRUE;
    g_prefix_error(&first, _("%s has moved, but: "), move->who);
    g_propagate_error(error, g_steal_pointer(&first));
    return FALSE;
}

/* ---- the command ---- */

static char *
print_plan(const Move *move)
{
    g_autoptr(JsonObject) plan = json_object_new();

    json_object_set_string_member(plan, "operation", "migrate");
    json_object_set_string_member(plan, "subject", move->uuid);
    json_object_set_array_member(plan, "steps", json_array_ref(move->steps));
    return document_print_object(plan);
}

gboolean
cmd_migrate(Shim *shim, GError **error)
{
    g_auto(Move) move = {.shim = shim};
    char *answer;

    if (!begin(&move, error) || !check(&move, error) || !go(&move, error) || !finish(&move, error))
        return FALSE;
    answer = move.steps != NULL ? print_plan(&move) : g_strdup(move.info);
    return present(shim, answer, act_show_instance);
}
