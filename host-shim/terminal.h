/* Questions to the person at the terminal. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Somebody sees questions and can answer them. */
gboolean terminal_is_there(void);

/* A yes or no; no where the answer is anything else. The main context goes on meanwhile.
 * @question: safe text, e.g. "Destroy web-1?" */
gboolean terminal_confirm(const char *question, GCancellable *cancellable, GError **error);

/* A line without echo into @buffer and nowhere else; its length, or -1. Blocks. Errors: G_IO_ERROR
 * CANCELLED where a signal came, FAILURE SECRET. */
gssize terminal_read_secret(const char *prompt, char *buffer, gsize size, GError **error);

G_END_DECLS
