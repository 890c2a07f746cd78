#include "ops/block.h"

#include <string.h>

/* Each is a key of its own: blocking "start" alone does not stop start_on (verified-sequences 3.3). */
static const char *const start_operations[] = {"start", "start_on", "resume", "resume_on", NULL};

char *
xd_block_new(const XdOperation *operation, const char *reason)
{
    g_autofree char *tag = xd_operation_tag(operation, "block", 0);

    return g_strjoin(" ", reason, tag, NULL);
}

/* (nullable): what stands behind the reason */
static const char *
rest_of(const char *text, const char *reason)
{
    gsize length = strlen(reason);

    if (!g_str_has_prefix(text, reason) || (text[length] != '\0' && text[length] != ' '))
        return NULL;
    return text[length] == ' ' ? text + length + 1 : "";
}

const char *
xd_block_get_tag(const XdVM *vm, const char *reason)
{
    for (guint i = 0; i < vm->blocked_operations.n; i++) {
        const char *rest = rest_of(vm->blocked_operations.pairs[i].value, reason);

        if (rest != NULL)
            return rest;
    }
    return NULL;
}

gboolean
xd_is_blocked(const XdVM *vm, const char *reason)
{
    return xd_block_get_tag(vm, reason) != NULL;
}

GVariant *
xd_blocked_operations(const XdVM *vm, const char *reason, const char *block, gboolean comes)
{
    GVariantBuilder map;

    g_variant_builder_init(&map, G_VARIANT_TYPE("a{ss}"));
    for (guint i = 0; i < vm->blocked_operations.n; i++) {
        const XdPair *pair = &vm->blocked_operations.pairs[i];

        if (rest_of(pair->value, reason) == NULL)
            g_variant_builder_add(&map, "{ss}", pair->key, pair->value);
    }
    for (guint i = 0; comes && start_operations[i] != NULL; i++) {
        const char *there = xd_map_get(&vm->blocked_operations, start_operations[i]);

        if (there == NULL || rest_of(there, reason) != NULL)
            g_variant_builder_add(&map, "{ss}", start_operations[i], block);
    }
    return g_variant_builder_end(&map);
}
