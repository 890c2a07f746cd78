#include "wire/token.h"

#include "base/error.h"

#include <string.h>

/* What of a wrong value is repeated in an error. */
#define MAX_DESCRIBED 64

XdVerdict
xd_token_tell(const XdToken *token, XdSink *sink)
{
    switch (token->kind) {
    case XD_TOKEN_MAP: return sink->klass->begin(sink, TRUE);
    case XD_TOKEN_LIST: return sink->klass->begin(sink, FALSE);
    case XD_TOKEN_END: return sink->klass->end(sink);
    case XD_TOKEN_KEY: return sink->klass->key(sink, token->text, token->length);
    case XD_TOKEN_STRING: return sink->klass->string(sink, token->text, token->length);
    case XD_TOKEN_INTEGER: return sink->klass->integer(sink, token->integer);
    case XD_TOKEN_REAL: return sink->klass->real(sink, token->real);
    case XD_TOKEN_BOOLEAN: return sink->klass->boolean(sink, token->boolean);
    case XD_TOKEN_NULL:
    default: return sink->klass->null(sink);
    }
}

char *
xd_token_describe(const XdToken *token)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    g_autofree char *text = NULL;

    switch (token->kind) {
    case XD_TOKEN_MAP: return g_strdup("an object");
    case XD_TOKEN_LIST: return g_strdup("an array");
    case XD_TOKEN_KEY:
    case XD_TOKEN_STRING:
        text = xd_escape(token->text, (gssize) token->length, MAX_DESCRIBED);
        return g_strdup_printf("\"%s\"", text);
    case XD_TOKEN_INTEGER: return g_strdup_printf("%" G_GINT64_FORMAT, token->integer);
    case XD_TOKEN_REAL: return g_strdup(g_ascii_dtostr(number, sizeof number, token->real));
    case XD_TOKEN_BOOLEAN: return g_strdup(token->boolean ? "true" : "false");
    case XD_TOKEN_NULL: return g_strdup("null");
    case XD_TOKEN_END:
    default: return g_strdup("nothing");
    }
}

/* ---- the sink ---- */

static XdVerdict
take(XdSink *sink, XdToken token)
{
    XdTokenSink *self = (XdTokenSink *) sink;

    return self->take(self, &token);
}

static XdVerdict
token_begin(XdSink *sink, gboolean is_map)
{
    return take(sink, (XdToken){.kind = is_map ? XD_TOKEN_MAP : XD_TOKEN_LIST});
}

static XdVerdict
token_end(XdSink *sink)
{
    return take(sink, (XdToken){.kind = XD_TOKEN_END});
}

static XdVerdict
token_key(XdSink *sink, const char *text, gsize length)
{
    return take(sink, (XdToken){.kind = XD_TOKEN_KEY, .text = text, .length = length});
}

static XdVerdict
token_string(XdSink *sink, const char *text, gsize length)
{
    return take(sink, (XdToken){.kind = XD_TOKEN_STRING, .text = text, .length = length});
}

static XdVerdict
token_integer(XdSink *sink, gint64 value)
{
    return take(sink, (XdToken){.kind = XD_TOKEN_INTEGER, .integer = value});
}

static XdVerdict
token_real(XdSink *sink, double value)
{
    return take(sink, (XdToken){.kind = XD_TOKEN_REAL, .real = value});
}

static XdVerdict
token_boolean(XdSink *sink, gboolean value)
{
    return take(sink, (XdToken){.kind = XD_TOKEN_BOOLEAN, .boolean = value});
}

static XdVerdict
token_null(XdSink *sink)
{
    return take(sink, (XdToken){.kind = XD_TOKEN_NULL});
}

const XdSinkClass xd_token_sink_class = {
    .begin = token_begin,
    .end = token_end,
    .key = token_key,
    .string = token_string,
    .integer = token_integer,
    .real = token_real,
    .boolean = token_boolean,
    .null = token_null,
};

/* ---- the tape: tokens one behind another, each before the bytes of its text ---- */

void
xd_tape_init(XdTape *tape, XdArena *arena)
{
    xd_vault_init(&tape->tokens, arena);
}

void
xd_tape_clear(XdTape *tape)
{
    xd_vault_clear(&tape->tokens);
}

void
xd_tape_record(XdTape *tape, const XdToken *token)
{
    xd_vault_append(&tape->tokens, (const char *) token, sizeof *token);
    if (token->length > 0)
        xd_vault_append(&tape->tokens, token->text, token->length);
}

static gsize
read_token(const XdTape *tape, gsize at, XdToken *token)
{
    memcpy(token, tape->tokens.data + at, sizeof *token);
    at += sizeof *token;
    if (token->kind == XD_TOKEN_KEY || token->kind == XD_TOKEN_STRING)
        token->text = tape->tokens.data + at;
    return at + token->length;
}

/* Where the value that begins at @at ends. */
static gsize
pass_value(const XdTape *tape, gsize at)
{
    guint depth = 0;
    XdToken token;

    do {
        at = read_token(tape, at, &token);
        if (token.kind == XD_TOKEN_MAP || token.kind == XD_TOKEN_LIST)
            depth++;
        else if (token.kind == XD_TOKEN_END)
            depth--;
    } while (depth > 0);
    return at;
}

XdVerdict
xd_tape_play(const XdTape *tape, XdSink *sink)
{
    XdVerdict verdict = XD_SINK_TAKE;
    gsize at = 0;

    while (verdict != XD_SINK_REFUSE && at < tape->tokens.length) {
        XdToken token;

        at = read_token(tape, at, &token);
        verdict = xd_token_tell(&token, sink);
        if (verdict == XD_SINK_SKIP)
            at = pass_value(tape, at);
    }
    return verdict;
}
