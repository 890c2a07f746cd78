/* What stands bare in JSON: numbers, true, false, null. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
    XD_JSON_WORD_NULL,
    XD_JSON_WORD_BOOLEAN,
    XD_JSON_WORD_INTEGER,
    XD_JSON_WORD_REAL,
} XdJsonWordKind;

typedef struct {
    XdJsonWordKind kind;
    union {
        gboolean boolean;
        gint64 integer;
        double real;
    };
} XdJsonWord;

/* @text is NUL-terminated at @length; @strict as in XdJsonLimits. Returns NULL, or what is wrong.
 */
const char *xd_json_word_parse(const char *text, gsize length, gboolean strict, XdJsonWord *word);

G_END_DECLS
