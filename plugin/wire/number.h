/* Numbers as text, the same in every locale. */
#pragma once

#include "base/secret.h"

G_BEGIN_DECLS

/* "0", "-1", "9223372036854775807": no sign but '-', no blank, no leading zero, no overflow */
gboolean xd_integer_parse(const char *text, gsize length, gint64 *value);
/* what the toolstack prints for a float: "0.5", "1e+20", "1.", "nan", "-inf" */
gboolean xd_real_parse(const char *text, gsize length, double *value);

void xd_integer_append(XdVault *out, gint64 value);
/* the shortest text that reads back as @value, always with a point or an exponent: older servers
 * refuse an integer where they expect a float */
void xd_real_append(XdVault *out, double value);

G_END_DECLS
