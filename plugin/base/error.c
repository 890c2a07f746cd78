#include "base/error.h"

#include <string.h>

/* One line of a log at the most: names and texts from outside have their own, smaller bounds. */
#define MAX_MESSAGE 4096

typedef struct {
    char **failure;
    char *advice;
    GPtrArray *leftovers; /* (element-type utf8), NULL-terminated */
} XdErrorPrivate;

static void
xd_error_private_init(XdErrorPrivate *self G_GNUC_UNUSED)
{
}

static void
add_leftover(XdErrorPrivate *self, const char *description)
{
    if (self->leftovers == NULL)
        self->leftovers = g_ptr_array_new_null_terminated(1, g_free, TRUE);
    g_ptr_array_add(self->leftovers, g_strdup(description));
}

static void
xd_error_private_copy(const XdErrorPrivate *from, XdErrorPrivate *to)
{
    to->failure = g_strdupv(from->failure);
    to->advice = g_strdup(from->advice);
    for (guint i = 0; from->leftovers != NULL && i < from->leftovers->len; i++)
        add_leftover(to, g_ptr_array_index(from->leftovers, i));
}

static void
xd_error_private_clear(XdErrorPrivate *self)
{
    g_strfreev(self->failure);
    g_free(self->advice);
    g_clear_pointer(&self->leftovers, g_ptr_array_unref);
}

/* The plugin stays loaded for good, so the clear function stays valid: see -z nodelete. */
G_DEFINE_EXTENDED_ERROR(XdError, xd_error)

static G_GNUC_PRINTF(2, 0) GError *error_new_valist(HvdError code, const char *format,
                                                    va_list arguments)
{
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    g_autofree char *line = xd_escape(message, -1, MAX_MESSAGE);

    return g_error_new_literal(XD_ERROR, (int) code, line);
}

GError *
xd_error_new(HvdError code, const char *format, ...)
{
    GError *error;
    va_list arguments;

    va_start(arguments, format);
    error = error_new_valist(code, format, arguments);
    va_end(arguments);
    return error;
}

void
xd_set_error(GError **error, HvdError code, const char *format, ...)
{
    va_list arguments;

    if (error == NULL)
        return;
    va_start(arguments, format);
    g_assert(*error == NULL);
    *error = error_new_valist(code, format, arguments);
    va_end(arguments);
}

static XdErrorPrivate *
details(const GError *error)
{
    return error->domain == XD_ERROR ? xd_error_get_private(error) : NULL;
}

void
xd_error_set_failure(GError *error, const char *const *failure)
{
    XdErrorPrivate *self = details(error);

    g_return_if_fail(self != NULL);
    g_strfreev(self->failure);
    self->failure = g_strdupv((char **) failure);
}

const char *const *
xd_error_get_failure(const GError *error)
{
    XdErrorPrivate *self = details(error);

    return self != NULL ? (const char *const *) self->failure : NULL;
}

void
xd_error_set_advice(GError *error, const char *advice)
{
    XdErrorPrivate *self = details(error);

    g_return_if_fail(self != NULL);
    g_free(self->advice);
    self->advice = g_strdup(advice);
}

const char *
xd_error_get_advice(const GError *error)
{
    XdErrorPrivate *self = details(error);

    return self != NULL ? self->advice : NULL;
}

void
xd_error_add_leftover(GError *error, const char *description)
{
    XdErrorPrivate *self = details(error);

    g_return_if_fail(self != NULL);
    add_leftover(self, description);
}

const char *const *
xd_error_get_leftovers(const GError *error)
{
    XdErrorPrivate *self = details(error);

    if (self == NULL || self->leftovers == NULL)
        return NULL;
    return (const char *const *) self->leftovers->pdata;
}

const char *
xd_error_get_failure_code(const GError *error)
{
    const char *const *failure = error != NULL ? xd_error_get_failure(error) : NULL;

    return failure != NULL ? failure[0] : NULL;
}

gboolean
xd_error_is(const GError *error, HvdError code)
{
    return g_error_matches(error, XD_ERROR, (int) code);
}

static const char *const code_names[] = {
    [HVD_ERROR_FAILED] = "FAILED",
    [HVD_ERROR_INVALID] = "INVALID",
    [HVD_ERROR_NOT_FOUND] = "NOT_FOUND",
    [HVD_ERROR_EXISTS] = "EXISTS",
    [HVD_ERROR_AMBIGUOUS] = "AMBIGUOUS",
    [HVD_ERROR_STATE] = "STATE",
    [HVD_ERROR_BUSY] = "BUSY",
    [HVD_ERROR_NO_RESOURCES] = "NO_RESOURCES",
    [HVD_ERROR_DENIED] = "DENIED",
    [HVD_ERROR_AUTH] = "AUTH",
    [HVD_ERROR_NOT_REACHABLE] = "NOT_REACHABLE",
    [HVD_ERROR_TIMED_OUT] = "TIMED_OUT",
    [HVD_ERROR_UNKNOWN_OUTCOME] = "UNKNOWN_OUTCOME",
    [HVD_ERROR_UNSUPPORTED] = "UNSUPPORTED",
    [HVD_ERROR_PROTOCOL] = "PROTOCOL",
    [HVD_ERROR_INTEGRITY] = "INTEGRITY",
    [HVD_ERROR_LEFTOVERS] = "LEFTOVERS",
    [HVD_ERROR_CONFIG] = "CONFIG",
    [HVD_ERROR_SECRET] = "SECRET",
    [HVD_ERROR_SECRET_LITERAL] = "SECRET_LITERAL",
    [HVD_ERROR_PLAINTEXT] = "PLAINTEXT",
    [HVD_ERROR_TLS] = "TLS",
    [HVD_ERROR_TLS_UNTRUSTED] = "TLS_UNTRUSTED",
    [HVD_ERROR_TLS_EXPIRED] = "TLS_EXPIRED",
    [HVD_ERROR_TLS_NAME] = "TLS_NAME",
    [HVD_ERROR_TLS_PIN] = "TLS_PIN",
    [HVD_ERROR_REDIRECTED] = "REDIRECTED",
};

const char *
xd_error_code_name(HvdError code)
{
    return (guint) code < G_N_ELEMENTS(code_names) ? code_names[code] : "FAILED";
}

/* Bidi controls can make a log line read as another one (U+202A..202E, U+2066..2069, marks). */
static gboolean
is_inert(gunichar c)
{
    if (g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029)
        return FALSE;
    return !(c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
             (c >= 0x2066 && c <= 0x2069));
}

gsize
xd_plain_length(const char *text, gsize length)
{
    gsize n = 0;

    while (n < length && text[n] >= 0x20 && text[n] < 0x7f)
        n++;
    return n;
}

char *
xd_escape(const char *text, gssize length, gsize max)
{
    gsize size = length < 0 ? strlen(text) : (gsize) length;
    GString *out = g_string_sized_new(MIN(size, max) + 1);
    const char *p = text;
    const char *end = text + size;

    while (p < end) {
        gunichar c;
        gsize plain;

        if (out->len >= max) {
            g_string_append(out, "\xe2\x80\xa6");
            break;
        }
        plain = xd_plain_length(p, MIN((gsize) (end - p), max - out->len));
        if (plain > 0) {
            g_string_append_len(out, p, (gssize) plain);
            p += plain;
            continue;
        }
        c = g_utf8_get_char_validated(p, end - p);
        if (c == (gunichar) -1 || c == (gunichar) -2) {
            g_string_append_printf(out, "\\x%02x", (guchar) *p);
            p++;
            continue;
        }
        if (is_inert(c))
            g_string_append_unichar(out, c);
        else
            g_string_append_printf(out, "\\u%04x", c);
        p = g_utf8_next_char(p);
    }
    return g_string_free(out, FALSE);
}
