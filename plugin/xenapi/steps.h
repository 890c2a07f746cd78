/* The tail calls that operations are made of, beside those of the sequencer. */
#pragma once

#include "base/sequencer.h"
#include "http/stream.h"
#include "xenapi/mirror.h"

G_BEGIN_DECLS

/**
 * XdOperation: the head of every operation's state.
 * @klass: (unowned): what the layer above knows of it
 * @id: of this run; begins all its marks
 * @n_calls: the last number in a mark, for calls that nothing else tells apart
 * @turn: (nullable): see xd_op_take_turn()
 * @unsure: nobody knows what an optional call has done
 */
typedef struct {
    const struct _XdOperationClass *klass;
    XdConnection *connection;
    char *id;
    guint n_calls;
    char *turn;
    gboolean unsure;
} XdOperation;

void xd_operation_init(XdOperation *operation, XdConnection *connection);
void xd_operation_clear(XdOperation *operation);
/* The mark of what this operation makes, for its record's other_config. */
char *xd_operation_tag(const XdOperation *operation, const char *kind, guint index);

/* Does it hold now? Asked of the mirror; @data is the step's. */
typedef gboolean (*XdPredicate)(XdOperation *operation, gpointer data);

/**
 * XdStepCall: one call, as a step makes it.
 * @method: without "Async."
 * @parameters: (nullable) (transfer floating): a tuple, without the session
 * @kind: (nullable): of the mark that goes with the request; the record that it creates carries the
 *   same one. NULL: the method and a number, for calls that create nothing
 * @out: (nullable): gets the result, a reference or text; a former value is freed
 * @out_time: (nullable): gets the result, a point in time, as seconds since 1970
 * @out_secret: (nullable): gets a result that is a secret; a former one is released
 * @out_secrets: (nullable): gets a result that is a map of secrets
 * @out_value: (nullable): gets any other result; a former one is released
 * @session: (nullable): instead of the connection's own
 * @done: (nullable) (array zero-terminated=1): failure codes that say that it is so already
 * @already: (nullable): a power state, in small letters: VM_BAD_POWER_STATE with it as the actual one
 *   says that it is so already
 * @retry: (nullable) (array zero-terminated=1): failure codes after which it is tried again,
 * @attempts times in all, @delay_s apart
 * @gate: (nullable): reference of the storage that it works on
 * @about: (nullable): what it works on, in words, for its error; taken
 * @holds: (nullable): is what the call is for the case? Asked when its outcome is not known
 * @concludes: it is what the operation is for: once it is done, it is too late to stop
 * @whole: half of it is worse than either end: cancelling comes too late for it, and where the time is over
 *   its outcome is unknown
 * @optional: a failure is logged and the operation goes on
 * @asks: it changes nothing, and what there is to do depends on its answer: a plan makes it as well
 */
typedef struct {
    const char *method;
    GVariant *parameters;
    XdSecret *const *secrets;
    guint n_secrets;
    const char *kind;
    guint index;
    char **out;
    gint64 *out_time;
    XdSecret **out_secret;
    GHashTable **out_secrets;
    GVariant **out_value;
    const XdSecret *session;
    const char *const *done;
    const char *already;
    const char *const *retry;
    guint attempts;
    guint delay_s;
    const char *gate;
    char *about;
    XdPredicate holds;
    gpointer data;
    gboolean concludes;
    gboolean whole;
    gboolean optional;
    gboolean asks;
} XdStepCall;

/* A plain call: answered when it is done. */
void xd_op_call(XdOp *op, const XdStepCall *call);
/* An Async. call, followed to the end of its task. */
void xd_op_task(XdOp *op, const XdStepCall *call);

/* Waits until @holds does, in a plan as well: for what no call of the operation brings about. @ref: (nullable):
 * the object whose changes matter. */
void xd_op_wait(XdOp *op, const char *ref, XdPredicate holds, gpointer data);
/* The same for what is done already, so that whoever is told of the end finds it in the mirror: the
 * step's time limit is no failure, and a plan has nothing to wait for. */
void xd_op_see(XdOp *op, const char *ref, XdPredicate holds, gpointer data);

/**
 * XdStepTransfer: a disk's bytes in or out, through a node that has its storage.
 * @vdi, @sr: references
 * @source: of an upload, or @drain: of a download of @size bytes
 */
typedef struct {
    const char *vdi;
    const char *sr;
    XdSource *source;
    XdDrain *drain;
    guint64 size;
    const char *kind;
} XdStepTransfer;

/* Ends when the last byte has gone, the task of the server has ended well, and the count is
 * right. The bytes have XD_TRANSFER_S, or longer where there are so many. */
#define XD_TRANSFER_S 21600
void xd_op_transfer(XdOp *op, const XdStepTransfer *transfer);

/* Waits until no other operation has the turn for @key, and keeps it until this one ends. */
void xd_op_take_turn(XdOp *op, const char *key);

/* (transfer full) (nullable): what the finished task of the call with @tag has made: its reference. */
char *xd_operation_made(XdOperation *operation, const char *tag);

/* XdRunOptions.settle: what this operation has started is over, or cancelled, and in the
 * mirror. */
void xd_op_settle(XdOp *op, gpointer data);

/* XdRunOptions.catch_up: the mirror has all that has happened, if the pool answers at all. */
void xd_op_catch_up(XdOp *op, gpointer data);

/* The node that can move the bytes of a disk in @sr, or NULL: live, enabled first, PBD plugged.
 */
const XdHost *xd_node_of_storage(const XdMirror *mirror, const char *sr);

G_END_DECLS
