/* The one error domain inside the plugin; entry/ turns it into HVD_ERROR at the border. */
#pragma once

#include "hvd-driver.h"

G_BEGIN_DECLS

/* Marks advice: the host that shows it translates it. */
#define N_(text) text

/* Codes are those of #HvdError. */
#define XD_ERROR (xd_error_quark())
GQuark xd_error_quark(void);

/**
 * xd_error_new: an error whose message reads as a path from intent to cause: lower case, one line,
 * no full stop, no secret. Control characters in arguments are escaped.
 */
GError *xd_error_new(HvdError code, const char *format, ...) G_GNUC_PRINTF(2, 3);
void xd_set_error(GError **error, HvdError code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* What travels with an error beside its message; getters give NULL for other domains. */
void xd_error_set_failure(GError *error, const char *const *failure); /* of XenAPI, untouched */
const char *const *xd_error_get_failure(const GError *error);
void xd_error_set_advice(GError *error, const char *advice);
const char *xd_error_get_advice(const GError *error);
void xd_error_add_leftover(GError *error, const char *description);
const char *const *xd_error_get_leftovers(const GError *error);

/* The first element of the failure list, or NULL. */
const char *xd_error_get_failure_code(const GError *error);
gboolean xd_error_is(const GError *error, HvdError code);

/* "NOT_FOUND" and the like: the words of the error document. */
const char *xd_error_code_name(HvdError code);

/**
 * xd_escape: text from outside made fit for a message or a log line: control characters, bidi
 * controls and invalid UTF-8 escaped, cut at @max bytes with an ellipsis.
 */
char *xd_escape(const char *text, gssize length, gsize max);

/* How many bytes at @text are printable ASCII: nearly all of what is ever shown or sent. */
gsize xd_plain_length(const char *text, gsize length);

G_END_DECLS
