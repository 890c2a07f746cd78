/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * hvd-driver.h: what a compute service and a hypervisor driver say to each other.
 *
 * A driver is one shared object in the directory that `pkg-config --variable=driverdir hvd-0`
 * names. The host loads it with dlopen() (RTLD_NOW | RTLD_LOCAL), looks up the one exported symbol,
 * hvd_query(), and gets a constant table of functions. This header is all that a host needs; it
 * compiles alone as C11 and as C++.
 *
 * Rules that hold for every slot:
 *
 * - Slots come in pairs, NAME_async and NAME_finish; both or neither are NULL, and NULL means that
 *   the driver cannot do it. Ask with HVD_HAS() before the first use of a slot.
 * - The callback is called exactly once, never before NAME_async has returned, in the
 *   thread-default main context of open_async. A connection belongs to that context: all its slots
 *   are called from there. Only g_cancellable_cancel() may come from another thread. A callback may
 *   call any slot, but has to return before the driver can go on: it does not iterate the context
 *   itself until another call has ended.
 * - Arguments are borrowed until NAME_async returns. Results belong to the caller: g_free() for
 *   text. NAME_finish gives a result or an error, never both and never neither.
 * - Cancelling asks an operation to stop. Its callback then comes after everything that it did has
 *   been undone, or with success where it was too late to stop.
 * - What is said of a slot's errors are those that tell a host what to do. Every slot that asks the
 *   pool can also fail with AUTH, the TLS codes, NOT_REACHABLE, DENIED, BUSY, UNSUPPORTED, PROTOCOL and
 *   FAILED, and one that changes something with TIMED_OUT, UNKNOWN_OUTCOME and LEFTOVERS.
 * - An instance is named by the uuid that its orchestrator gave it (VM.other_config:nova_uuid), which is
 *   not the VM's own. Other identifiers are the pool's.
 * - Identifiers are UUIDs in lower case. Text is UTF-8. What has structure crosses as JSON that a
 *   schema of schemas/ describes; sizes are bytes; times are seconds unless a name says otherwise.
 * - Structures that the host hands in begin with their size, so that either side may be older.
 * - The driver starts no thread, iterates no main context, touches no environment variable, signal,
 *   locale or process flag, and stays loaded once it is.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Major 0 makes no promise between minor versions; from 1 on slots are only appended. */
#define HVD_DRIVER_MAJOR 0u
#define HVD_DRIVER_MINOR 1u

/* The name of the one symbol that a driver exports; see #HvdQuery. */
#define HVD_QUERY_SYMBOL "hvd_query"

/**
 * HvdError: what the host can do now.
 * @HVD_ERROR_FAILED: nothing better is known; the message and the failure list say what happened
 * @HVD_ERROR_INVALID: the request is wrong: mend it
 * @HVD_ERROR_NOT_FOUND: no such instance, node, volume, network, storage
 * @HVD_ERROR_EXISTS: it is there already, made by another request
 * @HVD_ERROR_AMBIGUOUS: several objects answer to this name or key
 * @HVD_ERROR_STATE: the object is in a state that does not allow it
 * @HVD_ERROR_BUSY: try again later
 * @HVD_ERROR_NO_RESOURCES: this node or storage has no room: choose another
 * @HVD_ERROR_DENIED: the account's role is too small, or an administrator has blocked it
 * @HVD_ERROR_AUTH: user name or password are wrong
 * @HVD_ERROR_NOT_REACHABLE: the pool does not answer; nothing of this call was done
 * @HVD_ERROR_TIMED_OUT: it took longer than was allowed and has been undone
 * @HVD_ERROR_UNKNOWN_OUTCOME: look at the instance before trying again
 * @HVD_ERROR_UNSUPPORTED: the pool or this driver cannot do it
 * @HVD_ERROR_PROTOCOL: the other side does not speak XenAPI as it should
 * @HVD_ERROR_INTEGRITY: bytes are missing, too many, or not those that were announced
 * @HVD_ERROR_LEFTOVERS: failed, and not all could be undone; the error document lists what is left
 * @HVD_ERROR_CONFIG: the configuration is wrong: unknown key, bad value
 * @HVD_ERROR_SECRET: a secret could not be had from where the configuration says
 * @HVD_ERROR_SECRET_LITERAL: a password stands where only a reference to one may stand
 * @HVD_ERROR_PLAINTEXT: plain http is refused beyond loopback
 * @HVD_ERROR_TLS: no TLS connection could be made (version, ciphers)
 * @HVD_ERROR_TLS_UNTRUSTED: the certificate was not issued by an authority that is trusted
 * @HVD_ERROR_TLS_EXPIRED: the certificate is expired or not valid yet
 * @HVD_ERROR_TLS_NAME: the certificate is for another name
 * @HVD_ERROR_TLS_PIN: the server's public key is none of the pinned ones
 * @HVD_ERROR_REDIRECTED: the server points somewhere that is not allowed
 *
 * A cancelled call fails with %G_IO_ERROR, %G_IO_ERROR_CANCELLED.
 */
typedef enum {
    HVD_ERROR_FAILED,
    HVD_ERROR_INVALID,
    HVD_ERROR_NOT_FOUND,
    HVD_ERROR_EXISTS,
    HVD_ERROR_AMBIGUOUS,
    HVD_ERROR_STATE,
    HVD_ERROR_BUSY,
    HVD_ERROR_NO_RESOURCES,
    HVD_ERROR_DENIED,
    HVD_ERROR_AUTH,
    HVD_ERROR_NOT_REACHABLE,
    HVD_ERROR_TIMED_OUT,
    HVD_ERROR_UNKNOWN_OUTCOME,
    HVD_ERROR_UNSUPPORTED,
    HVD_ERROR_PROTOCOL,
    HVD_ERROR_INTEGRITY,
    HVD_ERROR_LEFTOVERS,
    HVD_ERROR_CONFIG,
    HVD_ERROR_SECRET,
    HVD_ERROR_SECRET_LITERAL,
    HVD_ERROR_PLAINTEXT,
    HVD_ERROR_TLS,
    HVD_ERROR_TLS_UNTRUSTED,
    HVD_ERROR_TLS_EXPIRED,
    HVD_ERROR_TLS_NAME,
    HVD_ERROR_TLS_PIN,
    HVD_ERROR_REDIRECTED,
} HvdError;

/* The domain of every error at this border, but for cancellation. */
#define HVD_ERROR (hvd_error_quark())

static inline GQuark
hvd_error_quark(void)
{
    return g_quark_from_static_string("hvd-error-quark");
}

/**
 * HvdCapability: bits of HvdDriver.capabilities, beyond what the presence of a slot says.
 * @HVD_CAPABILITY_PLAN: %HVD_CALL_PLAN_ONLY is honoured by every operation
 * @HVD_CAPABILITY_IDEMPOTENT_SPAWN: a spawn with the request id of an earlier one has its result
 * @HVD_CAPABILITY_RECONCILE: what a killed process left behind can be found and removed
 * @HVD_CAPABILITY_LIFECYCLE_EVENTS: HvdHostCallbacks.lifecycle is called
 * @HVD_CAPABILITY_CHAP: volumes may need CHAP
 */
typedef enum {
    HVD_CAPABILITY_PLAN = 1 << 0,
    HVD_CAPABILITY_IDEMPOTENT_SPAWN = 1 << 1,
    HVD_CAPABILITY_RECONCILE = 1 << 2,
    HVD_CAPABILITY_LIFECYCLE_EVENTS = 1 << 3,
    HVD_CAPABILITY_CHAP = 1 << 4,
} HvdCapability;

/* One opened pool. Opaque; made by open, ended by close. */
typedef struct _HvdConnection HvdConnection;

/* Power state of an instance, as Nova numbers them. */
typedef enum {
    HVD_STATE_NONE = 0,
    HVD_STATE_RUNNING = 1,
    HVD_STATE_PAUSED = 3,
    HVD_STATE_SHUTDOWN = 4,
    HVD_STATE_SUSPENDED = 7,
} HvdState;

/**
 * HvdProgress: how far an operation is.
 * @operation: its name, e.g. "spawn"
 * @step: name of the running step, e.g. "import-image"; a rollback has "undo" in front
 * @subject: uuid of the instance
 * @step_index: from 0; in a rollback that of the step that is taken back: it falls
 * @n_steps: of the whole operation
 * @fraction: of the whole operation, 0 to 1, never falling
 * @bytes_done: moved by the running transfer, 0 without one
 * @bytes_total: of the running transfer, 0 where there is none
 */
typedef struct {
    gsize struct_size;
    const char *operation;
    const char *step;
    const char *subject;
    guint step_index;
    guint n_steps;
    double fraction;
    guint64 bytes_done;
    guint64 bytes_total;
} HvdProgress;

typedef void (*HvdProgressFunc)(const HvdProgress *progress, gpointer user_data);

/**
 * HvdCallFlags:
 * @HVD_CALL_PLAN_ONLY: change nothing; the result is a document of schemas/plan.schema.json that says
 *   which steps and calls there would be. The pool is asked only where it is asked before anything
 *   is done: whether there is anybody behind what reconcile has found
 * @HVD_CALL_ALLOW_STALE: reads only: take what is known, however old, and say how old it is
 * @HVD_CALL_ASK: list_nodes only: ask the pool for what no event tells, "login" of the coordinator's
 *   document: the account, its role, and the clock
 * @HVD_CALL_DIGEST: snapshot only: the result has sha256 of the bytes, which the connection's thread
 *   makes, byte by byte: it can be slower than all the rest
 */
typedef enum {
    HVD_CALL_PLAN_ONLY = 1 << 0,
    HVD_CALL_ALLOW_STALE = 1 << 1,
    HVD_CALL_ASK = 1 << 2,
    HVD_CALL_DIGEST = 1 << 3,
} HvdCallFlags;

/**
 * HvdCall: what goes with a call beside its subject. NULL means all defaults.
 * @struct_size: sizeof(HvdCall)
 * @timeout_ms: for the operation as a whole; 0: as configured, step by step. Where there is no way
 *   back any more (destroy and cleanup once they remove something), the steps' own limits count
 * @request_id: (nullable): of a spawn: the same id on a repeated call gives the same result; the
 *   other slots make nothing of it. 1 to 64 of A-Z a-z 0-9 . _ : -
 * @trace_parent: (nullable): a W3C trace parent; goes into the log's fields
 * @progress: (nullable): called in the connection's context, when a step begins and at most 20 times
 *   a second while it lasts
 */
typedef struct {
    gsize struct_size;
    guint timeout_ms;
    HvdCallFlags flags;
    const char *request_id;
    const char *trace_parent;
    HvdProgressFunc progress;
    gpointer progress_data;
} HvdCall;

/**
 * HvdInstanceState: the hot read, as plain data.
 * @struct_size: set by the caller to sizeof(HvdInstanceState)
 * @uuid: of the instance
 * @node: uuid of the node that it runs on, "" where it runs on none
 * @memory_bytes: what it may use at most
 * @vcpus: how many it has
 * @stale_since: 0 for a fresh value, else seconds since 1970 when contact with the pool was lost
 */
typedef struct {
    gsize struct_size;
    char uuid[37];
    char node[37];
    HvdState state;
    guint64 memory_bytes;
    guint vcpus;
    gint64 stale_since;
} HvdInstanceState;

/**
 * HvdLifecycle: an instance has changed; told once it has come to rest. One that is new is told of when
 *   it first runs.
 * @uuid: of the instance, or "" for a VM that is not one
 * @name: of the VM
 * @state: the new state
 * @node: as in #HvdInstanceState
 * @gone: the VM was destroyed
 */
typedef struct {
    gsize struct_size;
    const char *uuid;
    const char *name;
    HvdState state;
    const char *node;
    gboolean gone;
} HvdLifecycle;

/**
 * HvdHostCallbacks: what the host does for the driver. Every member may be NULL. All are called in
 * the connection's context.
 * @log: takes a log record: @level, @domain ("xd-http", "xd-xenapi", "xd-ops"), @message and
 *   @fields as pairs of strings (XD_OP, XD_STEP, XD_METHOD, XD_MS, ...), NULL-terminated. Without it
 *   records go to GLib's structured log. No secret is ever in one.
 * @lifecycle: see #HvdLifecycle
 * @read_secret: writes the secret that the configuration calls "host:NAME" into @buffer, which is
 *   the driver's locked memory of @size bytes, and returns its length, or -1 with @error set
 * @log_levels: those that @log is called for, or'ed; 0: all. What nobody wants costs nothing: each call
 *   to the pool has a record of G_LOG_LEVEL_DEBUG
 */
typedef struct {
    gsize struct_size;
    gpointer user_data;
    void (*log)(GLogLevelFlags level, const char *domain, const char *message,
                const char *const *fields, gpointer user_data);
    void (*lifecycle)(const HvdLifecycle *event, gpointer user_data);
    gssize (*read_secret)(const char *name, char *buffer, gsize size, gpointer user_data,
                          GError **error);
    GLogLevelFlags log_levels;
} HvdHostCallbacks;

/**
 * HvdOpen: where and how to open a connection.
 * @config_file: (nullable): a key file; NULL: the driver's own, where it exists
 * @settings: (nullable) (array zero-terminated=1): "group.key=value", win over the file
 * @callbacks: (nullable): copied
 */
typedef struct {
    gsize struct_size;
    const char *config_file;
    const char *const *settings;
    const HvdHostCallbacks *callbacks;
} HvdOpen;

/* The forms that slots have. */
typedef void (*HvdCallAsync)(HvdConnection *connection, const HvdCall *call,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
typedef void (*HvdInstanceAsync)(HvdConnection *connection, const char *instance,
                                 const HvdCall *call, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
typedef void (*HvdDocumentAsync)(HvdConnection *connection, const char *instance,
                                 const char *document, const HvdCall *call,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data);
/* (transfer full): JSON text, or NULL with @error set */
typedef char *(*HvdDocumentFinish)(HvdConnection *connection, GAsyncResult *result, GError **error);

/**
 * HvdDriver: the table. Constant and valid for the life of the process.
 */
typedef struct {
    guint32 major;
    guint32 minor;
    gsize struct_size;    /* at the driver's compile time: slots beyond it do not exist */
    const char *name;     /* "xenapi" */
    const char *version;  /* of the driver, e.g. "0.1.0" */
    guint64 capabilities; /* #HvdCapability */

    /* ---- the driver itself ---- */

    /**
     * describe_config: (transfer full): JSON text: an array of the configuration's keys, each with
     * group, key, type, summary, description and, where there are such, default, minimum and
     * maximum, or choices. Since: 0.1
     */
    char *(*describe_config)(void);

    /**
     * describe_error: (transfer full): the document (error.schema.json) of an error that a finish
     * function gave for @result: code, message, the untouched XenAPI failure, advice, leftovers.
     * NULL where @result did not fail. Since: 0.1
     */
    char *(*describe_error)(GAsyncResult *result);

    /* ---- connection ---- */

    /**
     * open: reads the configuration, logs in, and waits for the first complete picture of the pool.
     * Errors: CONFIG, SECRET, SECRET_LITERAL, PLAINTEXT, the TLS codes, REDIRECTED, AUTH,
     * NOT_REACHABLE, PROTOCOL, TIMED_OUT. Since: 0.1
     */
    void (*open_async)(const HvdOpen *open, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data);
    HvdConnection *(*open_finish)(GAsyncResult *result, GError **error);

    /**
     * close: cancels what is under way, waits for its end, logs out and frees @connection, which
     * must not be used from the call on. Never fails. Since: 0.1
     */
    void (*close_async)(HvdConnection *connection, GAsyncReadyCallback callback,
                        gpointer user_data);
    void (*close_finish)(GAsyncResult *result);

    /* ---- what there is: answered from the mirror, no request travels ---- */

    /**
     * list_instances: all instances of the pool, stopped and suspended ones too. Templates,
     * snapshots and control domains are none.
     *
     * Result: an array of instance-info documents (instance-list.schema.json), sorted by name.
     * Errors: NOT_REACHABLE where the picture is older than `mirror.stale-limit`, or the call's
     * timeout_ms is over before there is a fresh one. Since: 0.1
     */
    HvdCallAsync list_instances_async;
    HvdDocumentFinish list_instances_finish;

    /**
     * list_nodes: the nodes of the pool, the coordinator first. With HVD_CALL_ASK three requests
     * travel, and HVD_CALL_ALLOW_STALE says nothing.
     *
     * Result: an array of node documents (node-list.schema.json). Errors: as list_instances; with
     * HVD_CALL_ASK also NOT_FOUND, DENIED, TIMED_OUT. Since: 0.1
     */
    HvdCallAsync list_nodes_async;
    HvdDocumentFinish list_nodes_finish;

    /**
     * get_instance: one instance, with its disks and networks.
     *
     * Result: its instance-info document (instance-info.schema.json). Errors: NOT_FOUND,
     * AMBIGUOUS, NOT_REACHABLE. Since: 0.1
     */
    HvdInstanceAsync get_instance_async;
    HvdDocumentFinish get_instance_finish;

    /**
     * get_state: the hot read.
     *
     * Result: @state, filled by finish; the caller sets its struct_size. Errors: NOT_FOUND,
     * AMBIGUOUS, NOT_REACHABLE. Since: 0.1
     */
    HvdInstanceAsync get_state_async;
    gboolean (*get_state_finish)(HvdConnection *connection, GAsyncResult *result,
                                 HvdInstanceState *state, GError **error);

    /**
     * exists: is there such an instance?
     *
     * Result: @exists, set by finish. Errors: AMBIGUOUS, NOT_REACHABLE. Since: 0.1
     */
    HvdInstanceAsync exists_async;
    gboolean (*exists_finish)(HvdConnection *connection, GAsyncResult *result, gboolean *exists,
                              GError **error);

    /* ---- instances ---- */

    /**
     * spawn: makes an instance (instance.schema.json) and starts it.
     * @image: (nullable): where the document says "stream": the image's bytes, read asynchronously
     *   and exactly once, `image.size_bytes` of them, after which it has to end: the last byte leaves
     *   when that is known. One that gives nothing for ten minutes is given up.
     *
     * A repeated call with the same HvdCall.request_id has the same result; another spawn of a
     * uuid that is there fails with EXISTS. On any failure all that was made is removed again.
     *
     * Result: its instance-info document. Errors: INVALID, EXISTS, NOT_FOUND and AMBIGUOUS (node,
     * network, storage), NO_RESOURCES, INTEGRITY, STATE, UNSUPPORTED, DENIED, TIMED_OUT,
     * LEFTOVERS. Since: 0.1
     */
    void (*spawn_async)(HvdConnection *connection, const char *document, GInputStream *image,
                        const HvdCall *call, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data);
    HvdDocumentFinish spawn_finish;

    /**
     * destroy: stops an instance and removes it with the disks that are its own. Volumes, inserted
     * media and disks that another VM uses stay. An instance that is gone is success.
     *
     * Result: {}. Errors: AMBIGUOUS, BUSY, DENIED, TIMED_OUT, LEFTOVERS. Since: 0.1
     */
    HvdInstanceAsync destroy_async;
    HvdDocumentFinish destroy_finish;

    /**
     * cleanup: removes disks that an instance which is no longer there has left. They carry the
     * instance's mark, no VM uses them, and this owner's operations have left them beyond doubt, as
     * reconcile would have it: the process is gone, the mark is old enough and no other disk has
     * it, and the disk was to be destroyed or was never complete. Others may be clones, or kept on
     * purpose: they stay. It waits for a spawn of the instance that is under way.
     *
     * Result: {}: no such disk is left. Errors: STATE where the instance is still there, AMBIGUOUS,
     * TIMED_OUT, LEFTOVERS: each disk that stays is listed, with the reason. Since: 0.1
     */
    HvdInstanceAsync cleanup_async;
    HvdDocumentFinish cleanup_finish;

    /* ---- power: the state that is asked for already there is success, without a request ---- */

    /**
     * power_on: starts a halted instance on its node, where that can take it. That is the one that
     * spawn was told, or that it was last moved to; if it cannot take it, or none was ever named,
     * the pool chooses: the result says which.
     *
     * Result: its instance-info document. Errors: NOT_FOUND, AMBIGUOUS, STATE, NO_RESOURCES, BUSY,
     * DENIED (blocked), TIMED_OUT. Since: 0.1
     */
    HvdInstanceAsync power_on_async;
    HvdDocumentFinish power_on_finish;

    /**
     * power_off: asks the guest to shut down where it can, for `power.shutdown-timeout` or
     * @timeout_s seconds, then stops it hard. 0: hard at once; -1: as configured.
     *
     * Result: its instance-info document. Errors: NOT_FOUND, AMBIGUOUS, STATE, BUSY, DENIED,
     * TIMED_OUT. Since: 0.1
     */
    void (*power_off_async)(HvdConnection *connection, const char *instance, int timeout_s,
                            const HvdCall *call, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data);
    HvdDocumentFinish power_off_finish;

    /**
     * reboot: through the guest, or @hard like a reset button. One that is shut down is started, as
     * power_on does.
     *
     * Result: its instance-info document. Errors: as power_on, and STATE (paused, suspended),
     * UNSUPPORTED (the guest cannot: it has no tools). Since: 0.1
     */
    void (*reboot_async)(HvdConnection *connection, const char *instance, gboolean hard,
                         const HvdCall *call, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data);
    HvdDocumentFinish reboot_finish;

    /**
     * pause: stops the vCPUs and keeps the memory.
     *
     * Result: its instance-info document. Errors: NOT_FOUND, AMBIGUOUS, STATE, BUSY, DENIED,
     * TIMED_OUT. Since: 0.1
     */
    HvdInstanceAsync pause_async;
    HvdDocumentFinish pause_finish;

    /**
     * unpause: lets the vCPUs go on.
     *
     * Result: its instance-info document. Errors: as pause. Since: 0.1
     */
    HvdInstanceAsync unpause_async;
    HvdDocumentFinish unpause_finish;

    /**
     * suspend: saves the memory to storage.
     *
     * Result: its instance-info document. Errors: NOT_FOUND, AMBIGUOUS, STATE (not running),
     * UNSUPPORTED (the guest cannot: it has no tools), NO_RESOURCES (no storage for it), BUSY,
     * DENIED, TIMED_OUT, LEFTOVERS. Since: 0.1
     */
    HvdInstanceAsync suspend_async;
    HvdDocumentFinish suspend_finish;

    /**
     * resume: on its node, where that can take it, as power_on.
     *
     * Result: its instance-info document. Errors: as power_on. Since: 0.1
     */
    HvdInstanceAsync resume_async;
    HvdDocumentFinish resume_finish;

    /**
     * soft_delete: stops it and forbids every kind of start, until restore.
     *
     * Result: its instance-info document. Errors: NOT_FOUND, AMBIGUOUS, STATE, BUSY, DENIED,
     * TIMED_OUT, LEFTOVERS. Since: 0.1
     */
    HvdInstanceAsync soft_delete_async;
    HvdDocumentFinish soft_delete_finish;

    /**
     * restore: allows starts again and starts it.
     *
     * Result: its instance-info document. Errors: as power_on; STATE also where it was made not
     * bootable: it stays as it is until set_bootable allows it. Since: 0.1
     */
    HvdInstanceAsync restore_async;
    HvdDocumentFinish restore_finish;

    /**
     * set_bootable: allows or forbids every kind of start.
     *
     * Result: its instance-info document. Errors: NOT_FOUND, AMBIGUOUS, BUSY, DENIED, TIMED_OUT.
     * Since: 0.1
     */
    void (*set_bootable_async)(HvdConnection *connection, const char *instance, gboolean bootable,
                               const HvdCall *call, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);
    HvdDocumentFinish set_bootable_finish;

    /* ---- snapshot ---- */

    /**
     * snapshot: a consistent copy of the root disk, as raw bytes, while the instance goes on.
     * Nothing stays in the pool.
     * @sink: takes the disk's bytes; written asynchronously, not closed
     *
     * Result: a snapshot-info document (snapshot-info.schema.json): size_bytes of what was
     * written, with HVD_CALL_DIGEST sha256, too. Errors: NOT_FOUND, AMBIGUOUS, UNSUPPORTED (the
     * root disk is a volume), BUSY, NO_RESOURCES, INTEGRITY, TIMED_OUT, LEFTOVERS. Since: 0.1
     */
    void (*snapshot_async)(HvdConnection *connection, const char *instance, GOutputStream *sink,
                           const HvdCall *call, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data);
    HvdDocumentFinish snapshot_finish;

    /* ---- volumes ---- */

    /**
     * get_volume_connector: what storage needs to know of @node (a uuid; NULL: the coordinator) to
     * export a volume to it.
     *
     * Result: a connector document (connector.schema.json): initiator, ip, host, multipath.
     * Errors: NOT_FOUND, NOT_REACHABLE, STATE (a node without an initiator's name). Since: 0.1
     */
    void (*get_volume_connector_async)(HvdConnection *connection, const char *node,
                                       const HvdCall *call, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer user_data);
    HvdDocumentFinish get_volume_connector_finish;

    /**
     * attach_volume: connects a volume (connection-info.schema.json) and gives it to the instance.
     * A volume that is attached there already is success. What was there before is never removed.
     * One that another instance has, a suspended one too, is BUSY, unless both only read; so is a
     * start of an instance whose disk another one has got meanwhile. A read-only one is for an
     * instance that is shut down (or runs paravirtualized), and there from its next start on.
     * @mountpoint: (nullable): "/dev/xvdb", "sdb", "1" or NULL for the first that is free
     *
     * Result: a volume-info document (volume-info.schema.json): device and the uuids of SR, VDI
     * and VBD. Errors: INVALID, NOT_FOUND, AMBIGUOUS, EXISTS (device taken), STATE (paused,
     * suspended; running, where it is read-only), UNSUPPORTED, BUSY, DENIED, TIMED_OUT, LEFTOVERS.
     * Since: 0.1
     */
    void (*attach_volume_async)(HvdConnection *connection, const char *instance,
                                const char *connection_info, const char *mountpoint,
                                const HvdCall *call, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
    HvdDocumentFinish attach_volume_finish;

    /**
     * detach_volume: takes a volume from the instance, and drops its storage repository where this
     * driver introduced it and nothing uses it any more. A volume that is not attached is success.
     * While the instance is being stopped, suspended or paused nothing can be unplugged: it waits for
     * the end of that, five minutes at the most (BUSY), and goes by what the instance is then. Of an
     * instance that is gone what is left of its storage is dropped; NOT_FOUND where nothing is.
     *
     * Result: {}. Errors: as attach_volume; DENIED also for a disk of the instance's own.
     * Since: 0.1
     */
    HvdDocumentAsync detach_volume_async;
    HvdDocumentFinish detach_volume_finish;

    /* ---- live migration inside a pool, in Nova's nine parts ---- */

    /**
     * check_can_live_migrate_destination: may @instance move to the node that @document
     * (migration.schema.json, at least "destination") names?
     *
     * Result: the completed document, which every following part takes. Errors: INVALID,
     * NOT_FOUND, AMBIGUOUS, STATE, NO_RESOURCES, UNSUPPORTED. Since: 0.1
     */
    HvdDocumentAsync check_can_live_migrate_destination_async;
    HvdDocumentFinish check_can_live_migrate_destination_finish;

    /**
     * cleanup_live_migration_destination_check: drops what the check made.
     *
     * Result: the document. Errors: INVALID. Since: 0.1
     */
    HvdDocumentAsync cleanup_live_migration_destination_check_async;
    HvdDocumentFinish cleanup_live_migration_destination_check_finish;

    /**
     * check_can_live_migrate_source: can it leave? The guest, its devices, its disks.
     *
     * Result: the document. Errors: as check_can_live_migrate_destination, and those that the pool
     * gives when it is asked, BUSY above all. Since: 0.1
     */
    HvdDocumentAsync check_can_live_migrate_source_async;
    HvdDocumentFinish check_can_live_migrate_source_finish;

    /**
     * pre_live_migration: makes the destination ready: its access to storage.
     *
     * Result: the document with "prepared", which the following parts need, rollback above all.
     * Errors: INVALID, NOT_FOUND, STATE (storage that it has no way to), NO_RESOURCES, BUSY, DENIED,
     * TIMED_OUT, LEFTOVERS. Since: 0.1
     */
    HvdDocumentAsync pre_live_migration_async;
    HvdDocumentFinish pre_live_migration_finish;

    /**
     * live_migration: moves it. Succeeds when the instance runs at the destination, whatever else
     * happened; fails only while it still runs at the source.
     *
     * Result: its instance-info document. Errors: INVALID, NOT_FOUND, STATE, NO_RESOURCES,
     * UNSUPPORTED, BUSY, DENIED, TIMED_OUT, UNKNOWN_OUTCOME. Since: 0.1
     */
    HvdDocumentAsync live_migration_async;
    HvdDocumentFinish live_migration_finish;

    /**
     * post_live_migration: at the source, once it has left.
     *
     * Result: its instance-info document. Errors: INVALID, NOT_FOUND, STATE where it still runs
     * there. Since: 0.1
     */
    HvdDocumentAsync post_live_migration_async;
    HvdDocumentFinish post_live_migration_finish;

    /**
     * post_live_migration_at_source: the last that is done there.
     *
     * Result: its instance-info document. Errors: as post_live_migration. Since: 0.1
     */
    HvdDocumentAsync post_live_migration_at_source_async;
    HvdDocumentFinish post_live_migration_at_source_finish;

    /**
     * post_live_migration_at_destination: checks that all of it has arrived.
     *
     * Result: its instance-info document. Errors: as post_live_migration, and INTEGRITY where a disk
     * or a network of it is not connected there. Since: 0.1
     */
    HvdDocumentAsync post_live_migration_at_destination_async;
    HvdDocumentFinish post_live_migration_at_destination_finish;

    /**
     * rollback_live_migration_at_destination: undoes pre_live_migration, of which @document has
     * "prepared", be the instance still there or not.
     *
     * Result: {}. Errors: INVALID, STATE where the instance already runs there, DENIED, TIMED_OUT,
     * LEFTOVERS. Since: 0.1
     */
    HvdDocumentAsync rollback_live_migration_at_destination_async;
    HvdDocumentFinish rollback_live_migration_at_destination_finish;

    /* ---- after a crash ---- */

    /**
     * reconcile: finds what operations of processes that are gone have left half-done, ends or
     * removes it, and reports what cannot be attributed to anybody. Once something is done, a
     * failure or a stop ends with the report so far: its "ended_early" says why, and what was under
     * way then is a leftover in it.
     *
     * Result: a report (reconcile-report.schema.json) with "completed", "removed" and "leftovers".
     * Errors: NOT_REACHABLE, DENIED. Since: 0.1
     */
    HvdCallAsync reconcile_async;
    HvdDocumentFinish reconcile_finish;
} HvdDriver;

/**
 * HvdQuery: the type of hvd_query().
 * @host_major: HVD_DRIVER_MAJOR of the host
 * @host_minor: HVD_DRIVER_MINOR of the host
 *
 * Returns: (transfer none): the table, or NULL with @error (HVD_ERROR_UNSUPPORTED) naming both
 * versions.
 */
typedef const HvdDriver *(*HvdQuery)(guint32 host_major, guint32 host_minor, GError **error);

/* Does this driver have this slot, e.g. spawn_async? Slots beyond its size, and NULL ones, are absent. */
#define HVD_HAS(driver, slot)                                                                      \
    (G_STRUCT_OFFSET(HvdDriver, slot) + sizeof((driver)->slot) <= (driver)->struct_size &&         \
     (driver)->slot != NULL)

G_END_DECLS
