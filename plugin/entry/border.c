#include "entry/border.h"

#include "wire/json-write.h"
#include "xd-documents.h"

#include <string.h>

/* Where a finish function keeps what describe_error() will be asked for. */
#define ERROR_DATA "xd-error"

/* ---- errors ---- */

/* Inside there is XD_ERROR with its details; the host gets the same code and message in its own
 * domain, and the details on request. Cancellation stays what it is. */
static void
give_error(GAsyncResult *result, GError *inner, GError **error)
{
    g_object_set_data_full(G_OBJECT(result), ERROR_DATA, inner, (GDestroyNotify) g_error_free);
    if (error == NULL)
        return;
    if (inner->domain == XD_ERROR)
        *error = g_error_new_literal(HVD_ERROR, inner->code, inner->message);
    else if (g_error_matches(inner, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        *error = g_error_copy(inner);
    else
        *error = g_error_new_literal(HVD_ERROR, HVD_ERROR_FAILED, inner->message);
}

static gpointer
propagate(GAsyncResult *result, GError **error)
{
    GError *inner = NULL;
    gpointer value = g_task_propagate_pointer(G_TASK(result), &inner);

    if (inner != NULL)
        give_error(result, inner, error);
    return value;
}

static GPtrArray *
copy_texts(const char *const *texts)
{
    GPtrArray *copy = g_ptr_array_new();

    for (guint i = 0; texts != NULL && texts[i] != NULL; i++)
        g_ptr_array_add(copy, g_strdup(texts[i]));
    return copy;
}

char *
xd_border_describe_error(GAsyncResult *result)
{
    const GError *error = g_object_get_data(G_OBJECT(result), ERROR_DATA);
    g_auto(XdErrorDocument) document = {0};
    gboolean cancelled;

    if (error == NULL)
        return NULL;
    cancelled = g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    document.code =
        g_strdup(cancelled                   ? "CANCELLED"
                 : error->domain == XD_ERROR ? xd_error_code_name((HvdError) error->code)
                                             : "FAILED");
    document.message = g_strdup(error->message);
    document.advice = g_strdup(xd_error_get_advice(error));
    if (xd_error_get_failure(error) != NULL)
        document.failure = copy_texts(xd_error_get_failure(error));
    if (xd_error_get_leftovers(error) != NULL)
        document.leftovers = copy_texts(xd_error_get_leftovers(error));
    return xd_error_document_print(&document, XD_PRINT_MASKED);
}

/* ---- finish functions ---- */

HvdConnection *
xd_border_open_finish(GAsyncResult *result, GError **error)
{
    return propagate(result, error);
}

char *
xd_border_finish(HvdConnection *connection G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
    return propagate(result, error);
}

gboolean
xd_border_get_state_finish(HvdConnection *connection G_GNUC_UNUSED, GAsyncResult *result,
                           HvdInstanceState *state, GError **error)
{
    g_autofree HvdInstanceState *answer = propagate(result, error);
    gsize size = state->struct_size;

    if (answer == NULL)
        return FALSE;
    memcpy(state, answer, MIN(size, sizeof *answer));
    state->struct_size = size;
    return TRUE;
}

gboolean
xd_border_exists_finish(HvdConnection *connection G_GNUC_UNUSED, GAsyncResult *result,
                        gboolean *exists, GError **error)
{
    g_autofree gboolean *answer = propagate(result, error);

    if (answer == NULL)
        return FALSE;
    *exists = *answer;
    return TRUE;
}

/* ---- the configuration ---- */

static const char *const type_names[] = {
    [XD_CONFIG_STRING] = "string",   [XD_CONFIG_SECRET] = "secret reference",
    [XD_CONFIG_CHOICE] = "choice",   [XD_CONFIG_LIST] = "list",
    [XD_CONFIG_BOOLEAN] = "boolean", [XD_CONFIG_INTEGER] = "integer",
};

static void
write_text(XdSink *sink, const char *key, const char *value)
{
    if (value == NULL)
        return;
    sink->klass->key(sink, key, strlen(key));
    sink->klass->string(sink, value, strlen(value));
}

static void
write_number(XdSink *sink, const char *key, gint64 value)
{
    sink->klass->key(sink, key, strlen(key));
    sink->klass->integer(sink, value);
}

static void
write_key(XdSink *sink, const XdConfigKey *key)
{
    sink->klass->begin(sink, TRUE);
    write_text(sink, "group", key->group);
    write_text(sink, "key", key->name);
    write_text(sink, "type", type_names[key->type]);
    if (key->type == XD_CONFIG_INTEGER) {
        write_number(sink, "default", key->default_number);
        write_number(sink, "minimum", key->least);
        write_number(sink, "maximum", key->most);
    } else if (key->type != XD_CONFIG_LIST) {
        write_text(sink, "default",
                   key->type != XD_CONFIG_BOOLEAN ? key->default_text
                   : key->default_number          ? "true"
                                                  : "false");
    }
    if (key->choices != NULL) {
        sink->klass->key(sink, "choices", strlen("choices"));
        sink->klass->begin(sink, FALSE);
        for (guint i = 0; key->choices[i] != NULL; i++)
            sink->klass->string(sink, key->choices[i], strlen(key->choices[i]));
        sink->klass->end(sink);
    }
    write_text(sink, "summary", key->summary);
    write_text(sink, "description", key->description);
    sink->klass->end(sink);
}

char *
xd_border_describe_config(void)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdVault) text = {0};
    XdJsonWriter writer;

    xd_vault_init(&text, arena);
    xd_json_writer_init(&writer, &text, FALSE);
    writer.parent.klass->begin(&writer.parent, FALSE);
    for (guint i = 0; i < XD_N_CONFIG_KEYS; i++)
        write_key(&writer.parent, &xd_config_keys[i]);
    writer.parent.klass->end(&writer.parent);
    return g_strdup(text.data);
}
