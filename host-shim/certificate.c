#include "certificate.h"

#define PIN_PREFIX "sha256//"

enum {
    TAG_SEQUENCE = 0x30,
    TAG_VERSION = 0xa0, /* [0], which old certificates lack */
};

/* A value of DER: tag, length, content. */
typedef struct {
    guint8 tag;
    const guint8 *whole;
    const guint8 *content;
    const guint8 *end;
} Value;

/* Bytes of the length, and what they say; of more than four none is believed. */
static gboolean
read_length(const guint8 **at, const guint8 *end, gsize *length)
{
    guint n = 0;

    if (*at == end)
        return FALSE;
    *length = *(*at)++;
    if (*length < 0x80)
        return TRUE;
    n = (guint) (*length & 0x7f);
    *length = 0;
    if (n == 0 || n > 4 || (gsize) (end - *at) < n)
        return FALSE;
    for (; n > 0; n--)
        *length = *length << 8 | *(*at)++;
    return TRUE;
}

/* The value at @at, which goes behind it. */
static gboolean
read_value(const guint8 **at, const guint8 *end, Value *value)
{
    gsize length;

    if (*at == end)
        return FALSE;
    value->whole = *at;
    value->tag = *(*at)++;
    if (!read_length(at, end, &length) || (gsize) (end - *at) < length)
        return FALSE;
    value->content = *at;
    value->end = *at = *at + length;
    return TRUE;
}

/* RFC 5280, 4.1: before the key stand serial number, algorithm, issuer, validity and subject. */
#define N_BEFORE_KEY 5

static gboolean
find_key(const guint8 *der, gsize length, Value *key)
{
    const guint8 *at = der;
    Value certificate, body;

    if (!read_value(&at, der + length, &certificate) || certificate.tag != TAG_SEQUENCE)
        return FALSE;
    at = certificate.content;
    if (!read_value(&at, certificate.end, &body) || body.tag != TAG_SEQUENCE)
        return FALSE;
    at = body.content;
    if (!read_value(&at, body.end, key))
        return FALSE;
    for (guint i = key->tag == TAG_VERSION ? 0 : 1; i <= N_BEFORE_KEY; i++) {
        if (!read_value(&at, body.end, key))
            return FALSE;
    }
    return key->tag == TAG_SEQUENCE;
}

char *
certificate_make_pin(const guint8 *der, gsize length)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autofree char *text = NULL;
    guint8 digest[32];
    gsize size = sizeof digest;
    Value key;

    if (!find_key(der, length, &key))
        return NULL;
    g_checksum_update(checksum, key.whole, key.end - key.whole);
    g_checksum_get_digest(checksum, digest, &size);
    text = g_base64_encode(digest, size);
    return g_strconcat(PIN_PREFIX, text, NULL);
}
