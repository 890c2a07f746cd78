/* SEC-5: after everything else was freed, only the secrets themselves may be found in memory. */
#include "copies.h"

#include "wire/rpc.h"
#include "wire/value.h"

#include <string.h>

/* An answer whose result is the canary, through a decoder in pieces of @step bytes. */
static XdSecret *
decode_answer(const XdCodec *codec, const XdSecret *canary, gsize step, XdArena *arena)
{
    const XdDecoderLimits limits = {.max_bytes = 1 << 20, .max_string = 1 << 16};
    gboolean is_json = codec == &xd_codec_json;
    g_auto(XdVault) text = {0};
    g_autoptr(XdSecretSink) sink = xd_secret_sink_new(arena, FALSE);
    g_autoptr(XdDecoder) decoder =
        codec->decoder_new(xd_secret_sink_get_sink(sink), 1, &limits, arena);
    char **failure;

    xd_vault_init(&text, arena);
    xd_vault_append_string(
        &text, is_json
                   ? "{\"jsonrpc\":\"2.0\",\"result\":\""
                   : "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member>"
                     "<name>Status</name><value>Success</value></member><member><name>Value</name>"
                     "<value>");
    xd_vault_append_string(&text, xd_secret_reveal(canary, NULL));
    xd_vault_append_string(
        &text, is_json ? "\",\"id\":1}"
                       : "</value></member></struct></value></param></params></methodResponse>");
    for (gsize done = 0; done < text.length; done += step)
        g_assert_true(
            xd_decoder_feed(decoder, text.data + done, MIN(step, text.length - done), NULL));
    g_assert_true(xd_decoder_end(decoder, &failure, NULL));
    g_assert_null(failure);
    return xd_secret_sink_steal(sink);
}

static void
test_answers(void)
{
    static const gsize steps[] = {10000, 1, 7, 64};
    static const XdCodec *const codecs[] = {&xd_codec_json, &xd_codec_xml};

    for (gsize c = 0; c < G_N_ELEMENTS(codecs); c++) {
        for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
            g_autoptr(XdArena) arena = xd_arena_new();
            g_autoptr(XdSecret) canary = copies_make_canary(arena, codecs[c]->name);
            g_autoptr(XdSecret) result = NULL;

            g_assert_cmpuint(copies_count(canary), ==, 1);
            result = decode_answer(codecs[c], canary, steps[i], arena);
            g_assert_true(xd_secret_equal(result, canary));
            g_assert_cmpuint(copies_count(canary), ==, 2);
        }
    }
}

/* The body of a request carries session and password; once it is freed they are gone with it. */
static void
test_requests(void)
{
    static const XdCodec *const codecs[] = {&xd_codec_json, &xd_codec_xml};

    for (gsize c = 0; c < G_N_ELEMENTS(codecs); c++) {
        g_autoptr(XdArena) arena = xd_arena_new();
        g_autoptr(XdSecret) canary = copies_make_canary(arena, "request");
        XdSecret *secrets[] = {canary};
        g_autoptr(GVariant) parameters =
            g_variant_ref_sink(g_variant_new_parsed("(handle 0, {'value': <handle 0>})"));
        XdRequest request = {
            .method = "secret.create",
            .session = canary,
            .parameters = parameters,
            .secrets = secrets,
        };
        g_auto(XdVault) body = {0};

        xd_vault_init(&body, arena);
        g_assert_true(xd_request_check(&request, NULL));
        codecs[c]->encode(&request, &body);
        g_assert_cmpuint(copies_count(canary), ==, 4);
        xd_vault_clear(&body);
        g_assert_cmpuint(copies_count(canary), ==, 1);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/copies/answers", test_answers);
    g_test_add_func("/wire/copies/requests", test_requests);
    return g_test_run();
}
