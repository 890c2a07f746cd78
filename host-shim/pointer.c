#include "pointer.h"

#include "failure.h"

#include <string.h>

typedef struct {
    char *head;    /* what was done: "spawn", "spawn web-1: check-parts" */
    char *pointer; /* "/networks/0/mac" */
    char *tail;    /* "expected a MAC address" */
} Parts;

static void
parts_clear(Parts *parts)
{
    g_free(parts->head);
    g_free(parts->pointer);
    g_free(parts->tail);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Parts, parts_clear)

static gboolean
is_pointed(const GError *error)
{
    return failure_is(error, HVD_ERROR_INVALID) || failure_is(error, HVD_ERROR_NOT_FOUND) ||
           failure_is(error, HVD_ERROR_AMBIGUOUS) || failure_is(error, HVD_ERROR_UNSUPPORTED);
}

static gboolean
split(const GError *error, Parts *parts)
{
    const char *before = is_pointed(error) ? strstr(error->message, ": /") : NULL;
    const char *pointer = before != NULL ? before + strlen(": ") : NULL;
    const char *after = pointer != NULL ? strstr(pointer, ": ") : NULL;

    if (after == NULL)
        return FALSE;
    parts->head = g_strndup(error->message, (gsize) (before - error->message));
    parts->pointer = g_strndup(pointer, (gsize) (after - pointer));
    parts->tail = g_strdup(after + strlen(": "));
    return TRUE;
}

/* One word in front says what the operator has just typed: that goes. */
static void
join(GError *error, const Parts *parts, const char *place)
{
    const char *head = strchr(parts->head, ' ') != NULL ? parts->head : "";

    g_free(error->message);
    error->message = g_strconcat(head, head[0] != '\0' ? ": " : "", place, ": ", parts->tail, NULL);
}

void
pointer_tell_file(GError *error, const char *path)
{
    g_auto(Parts) parts = {0};
    g_autofree char *place = NULL;

    if (error == NULL || !split(error, &parts))
        return;
    place = g_strconcat(path, ": ", parts.pointer, NULL);
    join(error, &parts, place);
}

void
pointer_tell_option(GError *error, const PointerOption *options)
{
    g_auto(Parts) parts = {0};

    if (error == NULL || !split(error, &parts))
        return;
    for (; options->pattern != NULL; options++) {
        g_autofree char *place = g_strconcat("--", options->option, NULL);

        if (!g_pattern_match_simple(options->pattern, parts.pointer))
            continue;
        join(error, &parts, place);
        return;
    }
}
