/* Tokens as data, for sinks that treat most of them alike: one function instead of eight. */
#pragma once

#include "base/secret.h"
#include "wire/sink.h"

G_BEGIN_DECLS

typedef enum {
    XD_TOKEN_MAP, /* where it begins */
    XD_TOKEN_LIST,
    XD_TOKEN_END, /* of either */
    XD_TOKEN_KEY,
    XD_TOKEN_STRING,
    XD_TOKEN_INTEGER,
    XD_TOKEN_REAL,
    XD_TOKEN_BOOLEAN,
    XD_TOKEN_NULL,
} XdTokenKind;

/* @text and @length: of keys and strings; the text lives as long as that of a sink's arguments */
typedef struct {
    XdTokenKind kind;
    gsize length;
    union {
        const char *text;
        gint64 integer;
        double real;
        gboolean boolean;
    };
} XdToken;

XdVerdict xd_token_tell(const XdToken *token, XdSink *sink);
/* (transfer full): for errors: "an object", "12", "\"text\"", shortened and escaped */
char *xd_token_describe(const XdToken *token);

/**
 * XdTokenSink: the head of a sink that takes tokens as data; set @take and xd_token_sink_class.
 */
typedef struct _XdTokenSink XdTokenSink;
struct _XdTokenSink {
    XdSink sink;
    XdVerdict (*take)(XdTokenSink *sink, const XdToken *token);
};

extern const XdSinkClass xd_token_sink_class;

/**
 * XdTape: tokens kept for later; in an arena, because there may be secrets among them.
 */
typedef struct {
    XdVault tokens;
} XdTape;

void xd_tape_init(XdTape *tape, XdArena *arena);
void xd_tape_clear(XdTape *tape);
void xd_tape_record(XdTape *tape, const XdToken *token);
/* Tells @sink all that was recorded, but for values that it skips. */
XdVerdict xd_tape_play(const XdTape *tape, XdSink *sink);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(XdTape, xd_tape_clear)

G_END_DECLS
