#include "http/fingerprint.h"

#include <string.h>

#define BEGIN     "-----BEGIN CERTIFICATE-----"
#define END       "-----END CERTIFICATE-----"
#define MAX_PEM   (128 * 1024)
#define SEQUENCE  0x30
#define VERSION   0xa0 /* [0], optional */
#define N_TO_SKIP 5    /* serial number, algorithm, issuer, validity, subject (RFC 5280, 4.1) */

/* What is left of some DER. */
typedef struct {
    const guint8 *at;
    gsize left;
} Der;

static gboolean
take_byte(Der *der, gsize *byte)
{
    if (der->left == 0)
        return FALSE;
    *byte = *der->at++;
    der->left--;
    return TRUE;
}

/* Up to 127 in one byte, or the number of the bytes that say it. */
static gboolean
take_length(Der *der, gsize *length)
{
    gsize n, byte;

    if (!take_byte(der, length))
        return FALSE;
    if (*length < 0x80)
        return TRUE;
    n = *length - 0x80;
    if (n == 0 || n > sizeof(guint32))
        return FALSE;
    for (*length = 0; n > 0; n--) {
        if (!take_byte(der, &byte))
            return FALSE;
        *length = *length << 8 | byte;
    }
    return TRUE;
}

/* The value that comes next. @whole: (nullable): with its head; @inside: (nullable): without */
static gboolean
take_value(Der *der, gsize tag, Der *whole, Der *inside)
{
    const guint8 *start = der->at;
    gsize found, length;

    if (!take_byte(der, &found) || (tag != 0 && found != tag) || !take_length(der, &length) ||
        length > der->left)
        return FALSE;
    if (inside != NULL)
        *inside = (Der){der->at, length};
    der->at += length;
    der->left -= length;
    if (whole != NULL)
        *whole = (Der){start, (gsize) (der->at - start)};
    return TRUE;
}

static gboolean
find_key(Der der, Der *key)
{
    Der certificate, body;

    if (!take_value(&der, SEQUENCE, NULL, &certificate) ||
        !take_value(&certificate, SEQUENCE, NULL, &body))
        return FALSE;
    if (body.left > 0 && *body.at == VERSION && !take_value(&body, VERSION, NULL, NULL))
        return FALSE;
    for (guint i = 0; i < N_TO_SKIP; i++) {
        if (!take_value(&body, 0, NULL, NULL))
            return FALSE;
    }
    return take_value(&body, SEQUENCE, key, NULL);
}

char *
xd_fingerprint_of_pem(const char *pem)
{
    const char *begin = g_str_has_prefix(pem, BEGIN) ? pem + strlen(BEGIN) : NULL;
    const char *end = begin != NULL ? strstr(begin, END) : NULL;
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *text = NULL;
    g_autofree guint8 *bytes = NULL;
    g_autofree char *digest = NULL;
    guint8 sum[32];
    gsize size = sizeof sum;
    Der der, key;

    if (end == NULL || end - begin > MAX_PEM)
        return NULL;
    text = g_strndup(begin, (gsize) (end - begin));
    bytes = g_base64_decode(text, &der.left);
    der.at = bytes;
    if (!find_key(der, &key))
        return NULL;
    g_checksum_update(checksum, key.at, (gssize) key.left);
    g_checksum_get_digest(checksum, sum, &size);
    digest = g_base64_encode(sum, sizeof sum);
    return g_strconcat("sha256//", digest, NULL);
}
