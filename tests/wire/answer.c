#include "answer.h"

#include "trace-sink.h"

#include "base/error.h"

#include <string.h>

#define REQUEST_ID 7

static const XdDecoderLimits limits = {.max_bytes = 1 << 20, .max_string = 1 << 16};

static const gsize steps[] = {1 << 30, 1, 2, 3, 4, 5, 6, 7, 64};

static gboolean
feed_in_pieces(XdDecoder *decoder, const char *text, gsize length, gsize step, GError **error)
{
    for (gsize done = 0; done < length; done += step) {
        gsize size = MIN(step, length - done);
        g_autofree char *piece = g_memdup2(text + done, size);

        if (!xd_decoder_feed(decoder, piece, size, error))
            return FALSE;
    }
    return TRUE;
}

char *
answer_decode(const XdCodec *codec, const char *text, gsize length, gsize step, guint id,
              GError **error)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(TraceSink) trace = {0};
    g_autoptr(XdDecoder) decoder = NULL;
    g_auto(GStrv) failure = NULL;
    g_autofree char *list = NULL;

    trace_sink_init(&trace);
    decoder = codec->decoder_new(&trace.parent, id, &limits, arena);
    if (!feed_in_pieces(decoder, text, length, step, error) ||
        !xd_decoder_end(decoder, &failure, error))
        return NULL;
    if (failure == NULL)
        return g_strdup(trace.text->str);
    list = g_strjoinv("|", failure);
    return g_strconcat("failure ", list, NULL);
}

void
answer_assert(const XdCodec *codec, const char *text, const char *expected)
{
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *line =
            answer_decode(codec, text, strlen(text), steps[i], REQUEST_ID, &error);

        g_assert_no_error(error);
        g_assert_cmpstr(line, ==, expected);
    }
}

void
answer_assert_refused(const XdCodec *codec, const char *text, const char *message)
{
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *line =
            answer_decode(codec, text, strlen(text), steps[i], REQUEST_ID, &error);

        if (line != NULL)
            g_test_message("taken: %.300s as %.300s", text, line);
        g_assert_null(line);
        g_assert_true(xd_error_is(error, HVD_ERROR_PROTOCOL));
        if (strstr(error->message, message) == NULL)
            g_test_message("%.300s: %s", text, error->message);
        g_assert_nonnull(strstr(error->message, message));
    }
}

void
answer_assert_cuts(const XdCodec *codec, const char *text, gsize tail)
{
    for (gsize cut = 0; cut < strlen(text) - tail; cut++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(answer_decode(codec, text, cut, 1 << 30, REQUEST_ID, &error));
        g_assert_true(xd_error_is(error, HVD_ERROR_PROTOCOL));
    }
}

char *
answer_encode(const XdCodec *codec, const XdRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(XdVault) body = {0};

    g_assert_true(xd_request_check(request, &error));
    xd_vault_init(&body, arena);
    codec->encode(request, &body);
    return g_strdup(body.data);
}

void
answer_assert_sink_error(const XdCodec *codec, const char *text)
{
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(answer_decode(codec, text, strlen(text), steps[i], REQUEST_ID, &error));
        g_assert_true(xd_error_is(error, HVD_ERROR_DENIED));
        g_assert_cmpstr(error->message, ==, "as told");
    }
}

void
answer_assert_stays_broken(const XdCodec *codec, const char *head, const char *tail)
{
    g_autoptr(XdArena) arena = xd_arena_new();
    g_auto(TraceSink) trace = {0};
    g_autoptr(XdDecoder) decoder = NULL;
    char **failure;

    trace_sink_init(&trace);
    decoder = codec->decoder_new(&trace.parent, REQUEST_ID, &limits, arena);
    g_assert_false(xd_decoder_feed(decoder, head, strlen(head), NULL));
    for (guint i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(xd_decoder_feed(decoder, tail, strlen(tail), &error));
        g_assert_true(xd_error_is(error, HVD_ERROR_PROTOCOL));
        g_clear_error(&error);
        g_assert_false(xd_decoder_end(decoder, &failure, &error));
        g_assert_true(xd_error_is(error, HVD_ERROR_PROTOCOL));
    }
}
