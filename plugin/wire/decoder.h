/* What the decoders of both encodings share: their face, and the failure list. */
#pragma once

#include "wire/rpc.h"

G_BEGIN_DECLS

/**
 * XdFailure: a failure list as it arrives, bounded in number and bytes; what is beyond is cut.
 * @code: (nullable): where the encoding tells it apart from the parameters
 * @items: (element-type utf8): the parameters, or code and parameters
 */
typedef struct {
    char *code;
    GPtrArray *items;
    gsize bytes;
} XdFailure;

void xd_failure_set_code(XdFailure *failure, const char *text, gsize length);
void xd_failure_add(XdFailure *failure, const char *text, gsize length);
/* (transfer full) (nullable): NULL where there is no code */
char **xd_failure_steal(XdFailure *failure);
void xd_failure_clear(XdFailure *failure);

typedef struct {
    gboolean (*feed)(XdDecoder *decoder, const char *bytes, gsize length, GError **error);
    /* no more bytes come: is the answer whole? */
    gboolean (*end)(XdDecoder *decoder, GError **error);
    void (*free)(XdDecoder *decoder);
} XdDecoderClass;

/**
 * XdDecoder: the head of each codec's decoder.
 * @result: (unowned): where the result goes
 * @failed: the answer says that the call has failed
 */
struct _XdDecoder {
    const XdDecoderClass *klass;
    XdSink *result;
    gboolean failed;
    XdFailure failure;
};

/* What @inner said to a token that @outer handed on; its error is taken over where it refused. */
static inline XdVerdict
xd_forward(XdSink *outer, XdSink *inner, XdVerdict verdict)
{
    if (G_UNLIKELY(verdict == XD_SINK_REFUSE))
        outer->error = g_steal_pointer(&inner->error);
    return verdict;
}

/* Tells the request's parameters, session first, to a writing sink. */
XdVerdict xd_request_walk(const XdRequest *request, XdSink *sink);

G_END_DECLS
