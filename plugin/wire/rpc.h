/* The two encodings of XenAPI behind one face: calls out, answers in, envelope and all. */
#pragma once

#include "base/secret.h"
#include "wire/sink.h"

G_BEGIN_DECLS

/**
 * XdRequest:
 * @method: e.g. "VM.start" or "Async.VM.start"
 * @session: (nullable): put first among the parameters
 * @parameters: (nullable): a tuple. Children: s x d b as a{ss} a{sx} a{sv}, and h: an index into
 *   @secrets, so that no secret ever lies in a #GVariant
 * @secrets: (array) (nullable)
 * @id: of JSON-RPC
 */
typedef struct {
    const char *method;
    const XdSecret *session;
    GVariant *parameters;
    XdSecret *const *secrets;
    guint id;
} XdRequest;

/**
 * xd_request_check: can @request travel at all, in either encoding? Text has to be UTF-8 without
 * characters that XML 1.0 cannot carry, map keys must not be empty (the toolstack takes that for
 * a syntax error), floats must be finite. To be asked before encode().
 *
 * Errors: HVD_ERROR_INVALID, without the text that it is about.
 */
gboolean xd_request_check(const XdRequest *request, GError **error);

/**
 * XdDecoder: takes an answer in pieces. The result goes token by token into the sink, the failure
 * list (code first, then parameters) is kept for xd_decoder_end().
 */
typedef struct _XdDecoder XdDecoder;

typedef struct {
    gsize max_bytes;
    gsize max_string;
} XdDecoderLimits;

typedef struct {
    const char *name;         /* "json" or "xml": the words of the configuration */
    const char *path;         /* "/jsonrpc" or "/" */
    const char *content_type; /* of requests; answers must carry it too */
    void (*encode)(const XdRequest *request, XdVault *body);
    XdDecoder *(*decoder_new)(XdSink *result, guint id, const XdDecoderLimits *limits,
                              XdArena *arena);
} XdCodec;

extern const XdCodec xd_codec_json; /* JSON-RPC 2.0; takes answers of 1.0 as well */
extern const XdCodec xd_codec_xml;  /* XML-RPC */

/* @bytes in any pieces; FALSE: XD_ERROR with HVD_ERROR_PROTOCOL, or the sink's error */
gboolean xd_decoder_feed(XdDecoder *decoder, const char *bytes, gsize length, GError **error);
/* TRUE: the answer was complete; *@failure is then NULL (the sink has the result) or the
 * untouched failure list (transfer full), of at least one element, bounded in number and size */
gboolean xd_decoder_end(XdDecoder *decoder, char ***failure, GError **error);
void xd_decoder_free(XdDecoder *decoder);

/**
 * xd_task_result_decode: task.result is XML, "<value>...</value>", also when all calls are JSON;
 * old hosts put a bare reference there. Delivers the value to @sink.
 */
gboolean xd_task_result_decode(const char *text, XdSink *sink, XdArena *arena, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(XdDecoder, xd_decoder_free)

G_END_DECLS
