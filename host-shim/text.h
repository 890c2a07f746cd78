/* Text for a terminal: inert, measured, cut; words that are near each other; sizes. Pure. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * text_escape: what may come from anywhere, made fit for one line on a terminal: control and format
 * characters (bidi, zero width), line separators and invalid UTF-8 become \xNN or \uNNNN.
 */
char *text_escape(const char *text);
/* The same inside JSON text, whose value stays what it is. */
char *text_escape_json(const char *json);

/* Columns on a terminal; of text that is escaped already. */
guint text_width(const char *text);
/* Cut to @columns, the last of them an ellipsis where something is missing. */
char *text_fit(const char *text, guint columns);
/* Appends @text and spaces, @columns in all. */
void text_pad(GString *line, const char *text, guint columns, gboolean to_the_right);

/* Appends @text in lines of @columns at most, each behind @indent blanks; "\n" in it ends a line. */
void text_wrap(GString *out, const char *text, guint indent, guint columns);

/* (nullable): the one of @words that was meant, where one is near enough */
const char *text_nearest(const char *word, const char *const *words);

/* "512 MiB", "1.5 GiB" */
char *text_size(guint64 bytes);
/* "512M", "1.5GiB", "1073741824" */
gboolean text_parse_size(const char *text, guint64 *bytes);
/* "0:07", "12:03", "1:00:12" */
char *text_duration(gint64 seconds);

G_END_DECLS
