#include "ops/block.h"

#include <string.h>

#define SEPARATOR "; "

/* Each is a key of its own: blocking "start" alone does not stop start_on (verified-sequences 3.3). */
static const char *const start_operations[] = {"start", "start_on", "resume", "resume_on", NULL};

char *
xd_block_new(const XdOperation *operation, const char *reason)
{
    g_autofree char *tag = xd_operation_tag(operation, "block", 0);

    return g_strjoin(" ", reason, tag, NULL);
}

/* (nullable): where in @value, a list of reasons, @reason stands with its mark */
static const char *
find_reason(const char *value, const char *reason)
{
    const char *part = value;

    while (!g_str_has_prefix(part, reason) || strchr(" ;", part[strlen(reason)]) == NULL) {
        part = strstr(part, SEPARATOR);
        if (part == NULL)
            return NULL;
        part += strlen(SEPARATOR);
    }
    return part;
}

static const char *
end_of(const char *part)
{
    const char *end = strstr(part, SEPARATOR);

    return end != NULL ? end : part + strlen(part);
}

char *
xd_block_get_tag(const XdVM *vm, const char *reason)
{
    for (guint i = 0; i < vm->blocked_operations.n; i++) {
        const char *part = find_reason(vm->blocked_operations.pairs[i].value, reason);
        const char *tag = part != NULL ? part + strlen(reason) : NULL;

        if (tag != NULL)
            return tag[0] == ' ' ? g_strndup(tag + 1, (gsize) (end_of(part) - tag - 1))
                                 : g_strdup("");
    }
    return NULL;
}

gboolean
xd_is_blocked(const XdVM *vm, const char *reason)
{
    for (guint i = 0; i < vm->blocked_operations.n; i++) {
        if (find_reason(vm->blocked_operations.pairs[i].value, reason) != NULL)
            return TRUE;
    }
    return FALSE;
}

gboolean
xd_is_wholly_blocked(const XdVM *vm, const char *reason)
{
    for (guint i = 0; start_operations[i] != NULL; i++) {
        const char *value = xd_map_get(&vm->blocked_operations, start_operations[i]);

        if (value == NULL || find_reason(value, reason) == NULL)
            return FALSE;
    }
    return TRUE;
}

/* (nullable): what is left of @value; to the letter, since it is others' */
static char *
without(const char *value, const char *reason)
{
    const char *part = find_reason(value, reason);
    const char *end;

    if (part == NULL)
        return g_strdup(value);
    end = end_of(part);
    if (part == value && end[0] == '\0')
        return NULL;
    if (end[0] != '\0')
        end += strlen(SEPARATOR);
    else
        part -= strlen(SEPARATOR);
    return g_strdup_printf("%.*s%s", (int) (part - value), value, end);
}

static void
add_operation(GVariantBuilder *map, const char *operation, const char *others, const char *block)
{
    g_autofree char *both =
        others != NULL && block != NULL ? g_strconcat(others, SEPARATOR, block, NULL) : NULL;
    const char *one = others != NULL ? others : block;

    if (one != NULL)
        g_variant_builder_add(map, "{ss}", operation, both != NULL ? both : one);
}

GVariant *
xd_blocked_operations(const XdVM *vm, const char *reason, const char *block)
{
    GVariantBuilder map;

    g_variant_builder_init(&map, G_VARIANT_TYPE("a{ss}"));
    for (guint i = 0; i < vm->blocked_operations.n; i++) {
        const XdPair *pair = &vm->blocked_operations.pairs[i];
        g_autofree char *others = without(pair->value, reason);

        add_operation(&map, pair->key, others,
                      g_strv_contains(start_operations, pair->key) ? block : NULL);
    }
    for (guint i = 0; start_operations[i] != NULL; i++) {
        if (xd_map_get(&vm->blocked_operations, start_operations[i]) == NULL)
            add_operation(&map, start_operations[i], NULL, block);
    }
    return g_variant_builder_end(&map);
}
