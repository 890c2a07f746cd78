/* Answers through a codec, whole and in pieces, for the tests of both encodings. */
#pragma once

#include "wire/rpc.h"

/* Decodes @text in pieces of @step bytes. Returns a line: the tokens of the result, or
 * "failure CODE|parameter|...", or NULL with @error. */
char *answer_decode(const XdCodec *codec, const char *text, gsize length, gsize step, guint id,
                    GError **error);

/* In pieces of many sizes: always the same line. */
void answer_assert(const XdCodec *codec, const char *text, const char *expected);

/* In pieces of many sizes: always refused as no answer of this protocol, saying @message. */
void answer_assert_refused(const XdCodec *codec, const char *text, const char *message);

/* No prefix of @text may pass for the whole, but for @tail bytes of white space at its end. */
void answer_assert_cuts(const XdCodec *codec, const char *text, gsize tail);

/* The error of the result's sink ("refuse" stands in @text) comes out as it is. */
void answer_assert_sink_error(const XdCodec *codec, const char *text);

/* After @head was refused nothing makes the decoder take anything. */
void answer_assert_stays_broken(const XdCodec *codec, const char *head, const char *tail);

/* what encode() makes */
char *answer_encode(const XdCodec *codec, const XdRequest *request);
