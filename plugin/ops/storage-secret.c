#include "ops/storage-secret.h"

static gboolean
is_needed(const XdStorageAccess *access)
{
    return access->password != NULL && xd_storage_access_needs_pbd(access);
}

void
xd_step_create_secret(XdOp *op, gpointer data)
{
    XdStorageAccess *access = data;
    XdStepCall call = {.method = "secret.create",
                       .kind = "secret",
                       .index = ++access->operation->n_calls,
                       .secrets = &access->password,
                       .n_secrets = 1,
                       .out = &access->secret};

    if (!is_needed(access)) {
        xd_op_next(op);
        return;
    }
    access->secret_tag = xd_operation_tag(access->operation, "secret", call.index);
    call.parameters = g_variant_new_parsed(
        "({'value': <handle 0>, 'other_config': <{'hvd': %s}>},)", access->secret_tag);
    /* secrets are in no event: a lost reply is found by its task alone */
    xd_op_task(op, &call);
}

void
xd_step_name_secret(XdOp *op, gpointer data)
{
    XdStorageAccess *access = data;
    XdStepCall call = {.method = "secret.get_uuid", .out = &access->secret_uuid};

    if (!is_needed(access)) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", access->secret);
    xd_op_call(op, &call);
}

void
xd_step_destroy_secret(XdOp *op, gpointer data)
{
    static const char *const done[] = {"HANDLE_INVALID", NULL};
    XdStorageAccess *access = data;
    XdStepCall call = {.method = "secret.destroy", .done = done};

    if (access->secret == NULL && access->secret_tag != NULL)
        access->secret = xd_operation_made(access->operation, access->secret_tag);
    if (access->secret == NULL) {
        xd_op_next(op);
        return;
    }
    call.parameters = g_variant_new("(s)", access->secret);
    xd_op_call(op, &call);
}
