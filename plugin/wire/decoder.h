/* What the codecs share: the decoder's face and the way to a request's values. */
#pragma once

#include "wire/envelope.h"
#include "wire/rpc.h"

G_BEGIN_DECLS

typedef struct {
    gboolean (*feed)(XdDecoder *decoder, const char *bytes, gsize length, GError **error);
    /* no more bytes come: is the answer whole? */
    gboolean (*end)(XdDecoder *decoder, GError **error);
    void (*free)(XdDecoder *decoder);
} XdDecoderClass;

/* The head of each codec's decoder; the envelope is cleared by xd_decoder_free(). */
struct _XdDecoder {
    const XdDecoderClass *klass;
    XdEnvelope envelope;
};

/* Tells the request's parameters, session first, to a writing sink. */
XdVerdict xd_request_walk(const XdRequest *request, XdSink *sink);

G_END_DECLS
