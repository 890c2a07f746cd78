#include "failure.h"

#include "advice.h"
#include "document.h"
#include "state.h"
#include "table.h"
#include "text.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>

typedef struct {
    char *advice;
    char *document;
    GPtrArray *candidates;
} FailurePrivate;

static void
failure_private_init(FailurePrivate *private)
{
    private->candidates = g_ptr_array_new_with_free_func((GDestroyNotify) json_object_unref);
}

static void
failure_private_copy(const FailurePrivate *from, FailurePrivate *to)
{
    to->advice = g_strdup(from->advice);
    to->document = g_strdup(from->document);
    for (guint i = 0; i < from->candidates->len; i++)
        g_ptr_array_add(to->candidates, json_object_ref(g_ptr_array_index(from->candidates, i)));
}

static void
failure_private_clear(FailurePrivate *private)
{
    g_free(private->advice);
    g_free(private->document);
    g_ptr_array_unref(private->candidates);
}

G_DEFINE_EXTENDED_ERROR(Failure, failure)

/* ---- codes ---- */

typedef struct {
    int code;
    int exit_status;
    const char *name;
    const char *meaning;
} Code;

/* Exit statuses are a promise: none ever changes its meaning. */
static const Code codes[] = {
    {HVD_ERROR_FAILED, 1, "FAILED", N_("nothing better is known; the message says what happened")},
    {FAILURE_USAGE, 2, "USAGE", N_("the command line is wrong")},
    {HVD_ERROR_INVALID, 3, "INVALID", N_("the request is wrong: mend it")},
    {HVD_ERROR_NOT_FOUND, 4, "NOT_FOUND", N_("no such instance, node, volume, network, storage")},
    {HVD_ERROR_EXISTS, 5, "EXISTS", N_("it is there already")},
    {HVD_ERROR_AMBIGUOUS, 6, "AMBIGUOUS", N_("several objects answer to this name")},
    {HVD_ERROR_STATE, 7, "STATE", N_("the object is in a state that does not allow it")},
    {HVD_ERROR_BUSY, 8, "BUSY", N_("try again later")},
    {HVD_ERROR_NO_RESOURCES, 9, "NO_RESOURCES", N_("no room there: choose another")},
    {HVD_ERROR_DENIED, 10, "DENIED", N_("not allowed: a role, a block, a file's permissions")},
    {HVD_ERROR_AUTH, 11, "AUTH", N_("user name or password are wrong")},
    {HVD_ERROR_NOT_REACHABLE, 12, "NOT_REACHABLE",
     N_("the pool does not answer, or the server of an image")},
    {HVD_ERROR_TIMED_OUT, 13, "TIMED_OUT", N_("it took too long and has been undone")},
    {HVD_ERROR_UNKNOWN_OUTCOME, 14, "UNKNOWN_OUTCOME", N_("look before trying again")},
    {HVD_ERROR_UNSUPPORTED, 15, "UNSUPPORTED", N_("the pool or the driver cannot do it")},
    {HVD_ERROR_PROTOCOL, 16, "PROTOCOL", N_("the other side does not keep to the rules")},
    {HVD_ERROR_INTEGRITY, 17, "INTEGRITY", N_("bytes are missing, too many, or others")},
    {HVD_ERROR_LEFTOVERS, 18, "LEFTOVERS", N_("failed, and not all could be undone")},
    {HVD_ERROR_CONFIG, 19, "CONFIG", N_("the configuration is wrong")},
    {HVD_ERROR_SECRET, 20, "SECRET", N_("a secret could not be had")},
    {HVD_ERROR_SECRET_LITERAL, 21, "SECRET_LITERAL",
     N_("a password where only a reference may be")},
    {HVD_ERROR_PLAINTEXT, 22, "PLAINTEXT", N_("plain http is refused")},
    {HVD_ERROR_TLS, 23, "TLS", N_("no TLS connection could be made")},
    {HVD_ERROR_TLS_UNTRUSTED, 24, "TLS_UNTRUSTED", N_("the certificate's issuer is not trusted")},
    {HVD_ERROR_TLS_EXPIRED, 25, "TLS_EXPIRED", N_("the certificate is not valid now")},
    {HVD_ERROR_TLS_NAME, 26, "TLS_NAME", N_("the certificate is for another name")},
    {HVD_ERROR_TLS_PIN, 27, "TLS_PIN", N_("the server's key is none of the pinned ones")},
    {HVD_ERROR_REDIRECTED, 28, "REDIRECTED", N_("the server points somewhere else")},
    {FAILURE_PROBLEMS, 29, "PROBLEMS", N_("doctor has found problems")},
    {FAILURE_CANCELLED, 130, "CANCELLED",
     N_("a signal or a \"no\" stopped it; what was done has been undone")},
};

static const Code *
code_of(const GError *error)
{
    int code = HVD_ERROR_FAILED;

    if (error->domain == FAILURE || error->domain == HVD_ERROR)
        code = error->code;
    else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        code = FAILURE_CANCELLED;
    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
        if (codes[i].code == code)
            return &codes[i];
    }
    return &codes[0];
}

const char *
failure_get_name(const GError *error)
{
    return code_of(error)->name;
}

int
failure_get_exit_status(const GError *error)
{
    return code_of(error)->exit_status;
}

gboolean
failure_is(const GError *error, int code)
{
    return error != NULL && code_of(error)->code == code;
}

char *
failure_print_table(gboolean colours, guint width)
{
    static const Column columns[] = {{N_("EXIT"), TRUE, FALSE}, {N_("CODE")}, {N_("MEANING")}};
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));

    table_row(table);
    table_cell(table, "0");
    table_cell(table, "");
    table_cell(table, _("done"));
    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
        table_row(table);
        table_take(table, g_strdup_printf("%d", codes[i].exit_status));
        table_cell(table, codes[i].name);
        table_cell(table, _(codes[i].meaning));
    }
    return table_print(table, width, colours);
}

static void
add_code(JsonArray *array, int exit_status, const char *name, const char *meaning)
{
    JsonObject *object = json_object_new();

    json_object_set_int_member(object, "exit", exit_status);
    json_object_set_string_member(object, "code", name);
    json_object_set_string_member(object, "meaning", meaning);
    json_array_add_object_element(array, object);
}

JsonArray *
failure_describe_codes(void)
{
    JsonArray *array = json_array_new();

    add_code(array, 0, "", _("done"));
    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++)
        add_code(array, codes[i].exit_status, codes[i].name, _(codes[i].meaning));
    return array;
}

/* ---- making ---- */

G_GNUC_PRINTF(3, 0)
static GError *
new_valist(int code, const char *advice, const char *format, va_list arguments)
{
    GError *error = g_error_new_valist(FAILURE, code, format, arguments);

    failure_get_private(error)->advice = g_strdup(advice);
    return error;
}

GError *
failure_new(int code, const char *advice, const char *format, ...)
{
    va_list arguments;
    GError *error;

    va_start(arguments, format);
    error = new_valist(code, advice, format, arguments);
    va_end(arguments);
    return error;
}

void
failure_set(GError **error, int code, const char *advice, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_propagate_error(error, new_valist(code, advice, format, arguments));
    va_end(arguments);
}

void
failure_set_file(GError **error, const char *path, int system_error)
{
    static const struct {
        int system_error;
        int code;
    } meanings[] = {
        {ENOENT, HVD_ERROR_NOT_FOUND}, {ENOTDIR, HVD_ERROR_NOT_FOUND},
        {EACCES, HVD_ERROR_DENIED},    {EPERM, HVD_ERROR_DENIED},
        {EROFS, HVD_ERROR_DENIED},     {ENOSPC, HVD_ERROR_NO_RESOURCES},
        {EEXIST, HVD_ERROR_EXISTS},    {EISDIR, HVD_ERROR_INVALID},
    };
    g_autofree char *name = g_filename_display_name(path);
    int code = HVD_ERROR_FAILED;

    for (gsize i = 0; i < G_N_ELEMENTS(meanings); i++) {
        if (meanings[i].system_error == system_error)
            code = meanings[i].code;
    }
    failure_set(error, code, NULL, "%s: %s", name, g_strerror(system_error));
}

void
failure_add_candidate(GError *error, JsonObject *candidate)
{
    g_ptr_array_add(failure_get_private(error)->candidates, candidate);
}

/* What came from the driver, with an advice where ours is the better one. */
static char *
advise(JsonObject *document, int code)
{
    const char *given = document_text(document, "advice");
    const char *advice = advice_find(code, given);
    g_autoptr(JsonObject) copy = document_copy(document);

    if (advice != given)
        json_object_set_string_member(copy, "advice", advice);
    return document_print_object(copy);
}

GError *
failure_from_driver(GError *given, char *document)
{
    GError *error = g_error_new_literal(FAILURE, code_of(given)->code, given->message);
    g_autoptr(JsonNode) node = document != NULL ? document_parse(document) : NULL;
    const char *advice = advice_find(error->code, NULL);

    if (document_object(node) != NULL)
        failure_get_private(error)->document = advise(document_object(node), error->code);
    else if (advice != NULL)
        failure_get_private(error)->advice = g_strdup(_(advice));
    g_free(document);
    g_error_free(given);
    return error;
}

void
failure_rename(GError *error, const char *uuid, const char *word)
{
    const char *found = strstr(error->message, uuid);
    g_autofree char *before = NULL;
    char *message;

    /* "web-1 (UUID)" says it already */
    if (found == NULL || (found > error->message && found[-1] == '('))
        return;
    before = g_strndup(error->message, (gsize) (found - error->message));
    message = g_strdup_printf("%s%s (%s)%s", before, word, uuid, found + strlen(uuid));
    g_free(error->message);
    error->message = message;
}

/* ---- showing ---- */

static const FailurePrivate *
private_of(const GError *error)
{
    return error->domain == FAILURE ? failure_get_private(error) : NULL;
}

char *
failure_dup_advice(const GError *error)
{
    const FailurePrivate *private = private_of(error);
    g_autoptr(JsonNode) document =
        private != NULL && private->document != NULL ? document_parse(private->document) : NULL;
    const char *given = document_text(document_object(document), "advice");

    if (given != NULL && given[0] != '\0')
        return g_strdup(_(given));
    return private != NULL ? g_strdup(private->advice) : NULL;
}

static void
add_candidates(JsonObject *object, const GPtrArray *candidates)
{
    JsonArray *array;

    if (candidates->len == 0)
        return;
    array = json_array_new();
    for (guint i = 0; i < candidates->len; i++)
        json_array_add_object_element(array, json_object_ref(g_ptr_array_index(candidates, i)));
    json_object_set_array_member(object, "candidates", array);
}

char *
failure_print_json(const GError *error)
{
    const FailurePrivate *private = private_of(error);
    g_autofree char *message = g_utf8_make_valid(error->message, -1);
    g_autoptr(JsonNode) document =
        private != NULL && private->document != NULL ? document_parse(private->document) : NULL;
    g_autoptr(JsonObject) object =
        document != NULL ? document_copy(document_object(document)) : json_object_new();
    g_autofree char *advice = failure_dup_advice(error);

    if (document == NULL)
        json_object_set_string_member(object, "code", code_of(error)->name);
    json_object_set_string_member(object, "message", message);
    if (advice != NULL)
        json_object_set_string_member(object, "advice", advice);
    if (private != NULL)
        add_candidates(object, private->candidates);
    return document_print_object(object);
}

static void
append_line(GString *out, const char *label, const char *text)
{
    g_autofree char *safe = text_escape(text);

    g_string_append_printf(out, "  %s: %s\n", label, safe);
}

static void
append_lines(GString *out, const char *label, const GPtrArray *texts)
{
    for (guint i = 0; i < texts->len; i++)
        append_line(out, label, g_ptr_array_index(texts, i));
}

/* "UUID  running on node-1", "UUID  10.0.0.2" */
static void
append_candidates(GString *out, const GPtrArray *candidates)
{
    static const char *const members[] = {"address", "type"};

    for (guint i = 0; i < candidates->len; i++) {
        JsonObject *candidate = g_ptr_array_index(candidates, i);
        const char *node = document_text(candidate, "node");
        const char *state = document_text(candidate, "state");
        g_autoptr(GString) line = g_string_new(document_text(candidate, "uuid"));

        if (state != NULL)
            g_string_append_printf(line, "  %s", state_get_word(state, NULL));
        for (gsize k = 0; k < G_N_ELEMENTS(members); k++) {
            if (document_text(candidate, members[k]) != NULL)
                g_string_append_printf(line, "  %s", document_text(candidate, members[k]));
        }
        if (node != NULL)
            /* behind the state or the type: "running on node-1" */
            g_string_append_printf(line, _(" on %s"), node);
        append_line(out, _("candidate"), line->str);
    }
}

/* What the driver's document says beside the message. Its advice is translated here: the driver
 * marks it and has no locale of its own. */
static void
append_document(GString *out, const char *document)
{
    g_autoptr(JsonNode) node = document_parse(document);
    JsonObject *object = document_object(node);
    const char *advice = document_text(object, "advice");
    g_autoptr(GPtrArray) leftovers = document_texts(object, "leftovers");

    if (advice != NULL && advice[0] != '\0')
        append_line(out, _("advice"), _(advice));
    append_lines(out, _("left behind"), leftovers);
}

char *
failure_print(const GError *error, gboolean colours)
{
    const FailurePrivate *private = private_of(error);
    g_autofree char *message = text_escape(error->message);
    GString *out = g_string_new(NULL);

    g_string_append_printf(out, "hvd: %s%s%s: %s\n", style_begin(STYLE_BAD, colours),
                           code_of(error)->name, style_end(STYLE_BAD, colours), message);
    if (private == NULL)
        return g_string_free(out, FALSE);
    append_candidates(out, private->candidates);
    if (private->advice != NULL)
        append_line(out, _("advice"), private->advice);
    if (private->document != NULL)
        append_document(out, private->document);
    return g_string_free(out, FALSE);
}
