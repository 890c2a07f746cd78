/* One HTTP exchange at a time, inside our main loop: libcurl as a GSource, without a thread of ours. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FetchWire FetchWire;

typedef struct {
    /* A line of the head. FALSE: nothing more of this answer */
    gboolean (*line)(const char *line, gsize length, gpointer data);
    /* Takes all of them; FALSE: not now, again after fetch_wire_go_on() */
    gboolean (*bytes)(const char *bytes, gsize length, gpointer data);
    /* libcurl is no longer on the stack: what came can be handed on, even the wire be freed */
    void (*turned)(gpointer data);
} FetchWireClass;

typedef struct {
    const char *url;
    gint64 offset;         /* > 0: from there on */
    const char *validator; /* (nullable): only where it is still that */
} FetchRequest;

/* How it ended. */
typedef enum {
    FETCH_END_WHOLE,       /* the answer is complete */
    FETCH_END_UNREACHABLE, /* there was no connection */
    FETCH_END_BROKEN,      /* it was lost */
    FETCH_END_NONSENSE,    /* that is no HTTP */
    FETCH_END_UNTRUSTED,   /* the error tells */
} FetchEnd;

/* @ca_file: (nullable) */
FetchWire *fetch_wire_new(const FetchWireClass *klass, gpointer data, const char *ca_file);
void fetch_wire_free(FetchWire *wire);

/* Whatever was under way is dropped. */
void fetch_wire_get(FetchWire *wire, const FetchRequest *request);
void fetch_wire_stop(FetchWire *wire);

gboolean fetch_wire_is_paused(const FetchWire *wire);
void fetch_wire_go_on(FetchWire *wire);

/* Has it ended since it was last asked? @shown: how the URL is called in messages; @error: what is
 * wrong, but for FETCH_END_WHOLE */
gboolean fetch_wire_take_end(FetchWire *wire, const char *shown, FetchEnd *end, GError **error);

G_END_DECLS
