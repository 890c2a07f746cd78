/* The two readers of certificates, the shim's and the driver's: they agree; a pin is the digest of a value
 * that lies whole in the certificate; what follows the certificate changes nothing, and of a cut one there is
 * no pin. */
#include "fuzz.h"

#include "certificate.h"
#include "http/fingerprint.h"

#include <string.h>

#define MAX_SIZE 4096

/* The length of the value at @at, its head included; 0: it is none, or does not fit. */
static gsize
measure(const guint8 *bytes, gsize size, gsize at)
{
    gsize length, head = 2;

    if (size - at < 2)
        return 0;
    length = bytes[at + 1];
    if (length >= 0x80) {
        gsize n = length - 0x80;

        if (n == 0 || n > 4 || size - at < 2 + n)
            return 0;
        length = 0;
        for (gsize i = 0; i < n; i++)
            length = length * 256 + bytes[at + 2 + i];
        head += n;
    }
    return length <= size - at - head ? head + length : 0;
}

static gboolean
is_pin_of(const char *pin, const guint8 *bytes, gsize size)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *text = NULL;
    guint8 digest[32];
    gsize length = sizeof digest;

    g_checksum_update(checksum, bytes, (gssize) size);
    g_checksum_get_digest(checksum, digest, &length);
    text = g_base64_encode(digest, length);
    return g_str_has_prefix(pin, "sha256//") && strcmp(pin + strlen("sha256//"), text) == 0;
}

static gboolean
lies_within(const char *pin, const guint8 *bytes, gsize size)
{
    for (gsize at = 0; at < size; at++) {
        gsize length = bytes[at] == 0x30 ? measure(bytes, size, at) : 0;

        if (length > 0 && is_pin_of(pin, bytes + at, length))
            return TRUE;
    }
    return FALSE;
}

static char *
pin_of(const guint8 *bytes, gsize size)
{
    g_autofree guint8 *copy = g_memdup2(bytes, size); /* so that a look beyond it is seen */

    return certificate_make_pin(copy, size);
}

/* What the driver says of it, as libcurl hands it over. */
static char *
fingerprint_of(const guint8 *bytes, gsize size)
{
    g_autofree char *text = g_base64_encode(bytes, size);
    g_autofree char *pem =
        g_strconcat("-----BEGIN CERTIFICATE-----\n", text, "\n-----END CERTIFICATE-----\n", NULL);

    return xd_fingerprint_of_pem(pem);
}

static void
check_text(const guint8 *data, gsize size)
{
    g_autofree char *text = fuzz_text(data, size);
    g_autofree char *pin = xd_fingerprint_of_pem(text);

    FUZZ_CHECK(pin == NULL || strlen(pin) == strlen("sha256//") + 44);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    gsize whole = size > 0 ? measure(data, size, 0) : 0;
    g_autofree char *pin = NULL;
    g_autofree char *bare = NULL;
    g_autofree char *cut = NULL;
    g_autofree char *other = NULL;

    if (size > MAX_SIZE)
        return 0;
    check_text(data, size);
    pin = pin_of(data, size);
    other = fingerprint_of(data, size);
    FUZZ_CHECK(g_strcmp0(pin, other) == 0);
    FUZZ_CHECK(whole > 0 || pin == NULL);
    if (pin == NULL)
        return 0;
    bare = pin_of(data, whole);
    cut = pin_of(data, whole - 1);
    FUZZ_CHECK(g_strcmp0(pin, bare) == 0);
    FUZZ_CHECK(cut == NULL);
    FUZZ_CHECK(lies_within(pin, data, whole));
    return 0;
}
