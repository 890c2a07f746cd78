/* The reader of certificates, which come from whoever answers: whole, cut, and bent. */
#include "certificate.h"

#include <string.h>

/* The least that has a key where one is looked for: version, serial number, algorithm, issuer, validity,
 * subject, key. */
static const guint8 whole[] = {
    0x30, 0x17, 0x30, 0x15, 0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x07, 0x30,
    0x00, 0x30, 0x00, 0x30, 0x00, 0x30, 0x00, 0x30, 0x03, 0x03, 0x01, 0x2a,
};
#define KEY_AT 20

/* In a block of exactly its size, so that a look beyond it is seen. */
static char *
make_pin(const guint8 *bytes, gsize length)
{
    g_autofree guint8 *block = g_memdup2(bytes, length);

    return certificate_make_pin(block, length);
}

static char *
expected_pin(void)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize size = sizeof digest;
    g_autofree char *text = NULL;

    g_checksum_update(checksum, whole + KEY_AT, sizeof whole - KEY_AT);
    g_checksum_get_digest(checksum, digest, &size);
    text = g_base64_encode(digest, size);
    return g_strconcat("sha256//", text, NULL);
}

static void
test_whole(void)
{
    g_autofree char *pin = make_pin(whole, sizeof whole);
    g_autofree char *expected = expected_pin();

    g_assert_cmpstr(pin, ==, expected);
}

static void
test_cut(void)
{
    for (gsize length = 0; length < sizeof whole; length++) {
        g_autofree char *pin = make_pin(whole, length);

        g_assert_null(pin);
    }
}

/* Each byte as every other one: what comes of it is a pin or none, and nothing beyond the end is read. */
static void
test_bent(void)
{
    g_autofree char *expected = expected_pin();
    guint refused = 0;

    for (gsize at = 0; at < sizeof whole; at++) {
        for (guint value = 0; value < 256; value++) {
            guint8 bytes[sizeof whole];
            g_autofree char *pin = NULL;

            memcpy(bytes, whole, sizeof whole);
            bytes[at] = (guint8) value;
            pin = make_pin(bytes, sizeof bytes);
            refused += pin == NULL;
            if (at >= KEY_AT && bytes[at] != whole[at])
                g_assert_cmpstr(pin, !=, expected);
        }
    }
    g_assert_cmpuint(refused, >, 1000);
}

/* Lengths in more bytes than there are, and in as many as nobody needs. */
static void
test_lengths(void)
{
    static const guint8 lengths[][6] = {{0x30, 0x80},
                                        {0x30, 0x81},
                                        {0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
                                        {0x30, 0x85},
                                        {0x30, 0xff}};

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autofree char *pin = make_pin(lengths[i], sizeof lengths[i]);

        g_assert_null(pin);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shim/certificate/whole", test_whole);
    g_test_add_func("/shim/certificate/cut", test_cut);
    g_test_add_func("/shim/certificate/bent", test_bent);
    g_test_add_func("/shim/certificate/lengths", test_lengths);
    return g_test_run();
}
