/* A toolstack of the smallest kind, that answers one call as no toolstack should. */
#pragma once

#include "server.h"

#include "xenapi/call.h"
#include "xenapi/connection.h"

G_BEGIN_DECLS

#define TOOLSTACK_PASSWORD "canary-5d0c7a"

typedef struct _Toolstack Toolstack;
typedef void (*ToolstackFunc)(TestRequest *request, guint id, gpointer data);

/* @certificate: (nullable) */
Toolstack *toolstack_new(GTlsCertificate *certificate);
Toolstack *toolstack_new_at(const char *address, guint16 port, GTlsCertificate *certificate);
void toolstack_free(Toolstack *toolstack);
TestServer *toolstack_get_server(Toolstack *toolstack);

/* The next @times requests of @method ("*": of all) from the @nth on (1: the first) are answered by @func. */
void toolstack_plant(Toolstack *toolstack, const char *method, guint nth, guint times,
                     ToolstackFunc func, gpointer data);
guint toolstack_count(Toolstack *toolstack, const char *method);
gboolean toolstack_heard_password(Toolstack *toolstack);

/* A whole answer: the head of a good one, then @body. */
void toolstack_reply(TestRequest *request, const char *body, gsize length);
/* A good answer, in the encoding of the request, with @value: JSON or the inside of <value>. */
void toolstack_answer(TestRequest *request, guint id, const char *value);
void toolstack_fail(TestRequest *request, guint id, const char *code, const char *parameter);

XdClock *toolstack_get_clock(Toolstack *toolstack);
/* Its clock runs by itself, and fast, unless it is stopped. */
void toolstack_stop_clock(Toolstack *toolstack);
void toolstack_start_clock(Toolstack *toolstack);
/* Opens a connection to it and waits. Its clock runs fast: nobody waits for a pause between two tries.
 * @settings: (nullable): further ones */
XdConnection *toolstack_open(Toolstack *toolstack, const char *const *settings, GError **error);
/* The same, and life-cycle events are told. @watch: xd_lifecycle_watch() */
XdConnection *toolstack_open_watched(Toolstack *toolstack, const char *const *settings,
                                     const HvdHostCallbacks *callbacks,
                                     void (*watch)(XdConnection *), GError **error);
void toolstack_close(XdConnection *connection);

/* ---- calls: one that may be repeated, and one that may not ---- */

#define REPEATABLE   "secret.get_uuid"
#define UNREPEATABLE "task.create"

typedef struct {
    gboolean ended;
    gboolean unknown; /* what became of it */
    char *value;
    GError *error;
} ToolstackAnswer;

void toolstack_answer_clear(ToolstackAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ToolstackAnswer, toolstack_answer_clear)

/* An XdCallDone, whose data is a ToolstackAnswer. */
void toolstack_on_called(XdConnection *connection, const XdReply *reply, const GError *error,
                         gpointer answer);
/* Calls one of the two and waits; a former answer is freed. */
void toolstack_call(XdConnection *connection, const char *method, ToolstackAnswer *answer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Toolstack, toolstack_free)

G_END_DECLS
