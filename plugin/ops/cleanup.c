/* Disks of an instance that is gone: what reconcile would take of it goes, and the rest is told. */
#include "ops/destroy.h"
#include "ops/find.h"
#include "ops/inquiry.h"
#include "ops/mend.h"

#include <string.h>

#define DISKS_AT_ONCE 4
#define MAX_SHOWN     200

#define NOT_OURS N_("no mark says that an operation of ours has left it")
#define AT_WORK  N_("the operation that made it may still be at work")

typedef struct {
    XdInquiry head;
    char *instance;
    GPtrArray *mends; /* (element-type XdMend) */
    GPtrArray *left;  /* (element-type utf8): each with the reason */
} Cleanup;

static void
cleanup_clear(gpointer data)
{
    Cleanup *cleanup = data;

    g_ptr_array_unref(cleanup->mends);
    g_ptr_array_unref(cleanup->left);
    g_free(cleanup->instance);
    xd_inquiry_clear(&cleanup->head);
}

static void
tell(Cleanup *cleanup, const char *uuid, const char *name, const char *reason)
{
    g_autofree char *shown = xd_escape(name, -1, MAX_SHOWN);

    g_ptr_array_add(cleanup->left, g_strdup_printf("VDI %s (%s): %s", uuid, shown, reason));
}

/* While a spawn makes it its disks are there, and no VM. */
static void
take_turn(XdOp *op, gpointer data)
{
    xd_op_take_turn(op, ((Cleanup *) data)->instance);
}

/* Who has the turn knows that no spawn of this process is at work; of a snapshot nobody says so. */
static void
look_at_disk(Cleanup *cleanup, const XdVDI *vdi)
{
    const XdConnection *connection = cleanup->head.base.connection;
    const XdRemainSearch search = {.mirror = connection->mirror,
                                   .arena = connection->arena,
                                   .owner = connection->owner,
                                   .epoch = vdi->is_a_snapshot ? connection->epoch : NULL,
                                   .found = cleanup->head.remains};

    if (!vdi->managed || xd_disk_is_used(connection->mirror, vdi))
        return;
    if (xd_remains_look_at_disk(&search, vdi) == NULL)
        tell(cleanup, vdi->uuid, vdi->name_label, NOT_OURS);
}

static void
find_orphans(XdOp *op, gpointer data)
{
    Cleanup *cleanup = data;
    const XdMirror *mirror = cleanup->head.base.connection->mirror;
    const GPtrArray *marked = xd_mirror_find(mirror, XD_BY_VDI_INSTANCE, cleanup->instance);
    GError *error = NULL;

    if (xd_look_for_instance(mirror, cleanup->instance, &error) != NULL)
        error = xd_error_new(HVD_ERROR_STATE, "the instance is still there: destroy it");
    if (error != NULL) {
        xd_op_fail(op, error);
        return;
    }
    for (guint i = 0; i < marked->len; i++)
        look_at_disk(cleanup, g_ptr_array_index(marked, i));
    xd_op_next(op);
}

static gboolean
is_abandoned(const Cleanup *cleanup, const XdRemain *remain)
{
    const XdConnection *connection = cleanup->head.base.connection;

    return (strcmp(remain->tag.epoch, connection->epoch) == 0 ||
            xd_inquiry_is_abandoned(&cleanup->head, remain)) &&
           !xd_remains_is_busy(connection->mirror, &remain->tag);
}

static void
judge(Cleanup *cleanup)
{
    for (guint i = 0; i < cleanup->head.remains->len; i++) {
        XdRemain *remain = g_ptr_array_index(cleanup->head.remains, i);

        if (!is_abandoned(cleanup, remain))
            tell(cleanup, remain->uuid, remain->name, AT_WORK);
        else if (remain->doubt != NULL)
            tell(cleanup, remain->uuid, remain->name, remain->doubt);
        else
            g_ptr_array_add(cleanup->mends, xd_mend_new(&cleanup->head.base, remain));
    }
}

/* ---- one that cannot go does not keep the others ---- */

static void
note_end(XdOp *op, gpointer data)
{
    const XdMend *mend = data;

    if (mend->error != NULL)
        tell(xd_op_get_state(op), mend->remain->uuid, mend->remain->name, mend->error->message);
    xd_op_next(op);
}

static void
destroy_disks(XdOp *op, gpointer data)
{
    static const XdStep steps[] = {
        {"destroy-disk", xd_step_mend, NULL, 1, 1800},
        {"note", note_end, NULL, 0, 5},
        {0},
    };
    Cleanup *cleanup = data;

    judge(cleanup);
    xd_op_each(op, cleanup->mends, steps, DISKS_AT_ONCE);
}

static void
tell_left(XdOp *op, gpointer data)
{
    const Cleanup *cleanup = data;
    GError *error;

    if (cleanup->left->len == 0 || xd_op_get_plan(op) != NULL) {
        xd_op_next(op);
        return;
    }
    error = xd_error_new(HVD_ERROR_LEFTOVERS, "disks that carry its mark stay");
    xd_error_set_advice(error, N_("they may be clones, or kept on purpose: see each one's reason"));
    for (guint i = 0; i < cleanup->left->len; i++)
        xd_error_add_leftover(error, g_ptr_array_index(cleanup->left, i));
    xd_op_fail(op, error);
}

static const XdStep cleanup_steps[] = {
    XD_STEP_SEE_POOL,
    {"take-turn", take_turn, NULL, 0, 7200},
    {"find-orphans", find_orphans, NULL, 0, 5},
    XD_STEPS_INQUIRE,
    {"point-of-no-return", xd_op_point_of_no_return, NULL, 0, 1},
    {"destroy-disks", destroy_disks, NULL, 10, 3600},
    {"tell", tell_left, NULL, 0, 5},
    {0},
};

void
xd_cleanup_async(XdConnection *connection, const char *instance, const HvdCall *call,
                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    static const XdOperationClass klass = {"cleanup", cleanup_steps, cleanup_clear};
    Cleanup *cleanup = g_new0(Cleanup, 1);

    xd_inquiry_init(&cleanup->head);
    cleanup->instance = g_strdup(instance);
    cleanup->mends = g_ptr_array_new_with_free_func((GDestroyNotify) xd_mend_free);
    cleanup->left = g_ptr_array_new_with_free_func(g_free);
    xd_operation_run(&klass, cleanup, connection, instance, NULL, call, cancellable, callback,
                     user_data);
}
