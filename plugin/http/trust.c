#include "http/fingerprint.h"
#include "http/internal.h"

#include <string.h>

/* What OpenSSL's verification says; libcurl hands the number through. */
#define X509_CHAIN_NOT_BLAMED 1 /* 0 is "fine"; libcurl leaves 1 where the name was wrong */
#define X509_NOT_YET_VALID    9
#define X509_EXPIRED          10
#define X509_WEAK_KEY         66
#define X509_WEAK_DIGEST      68

#define PIN_PREFIX "sha256//"
#define PIN_LENGTH 32

static gboolean
is_pin(const char *text)
{
    g_autofree guchar *bytes = NULL;
    gsize length = 0;

    if (!g_str_has_prefix(text, PIN_PREFIX))
        return FALSE;
    text += strlen(PIN_PREFIX);
    /* 32 bytes are 43 characters and one '='; g_base64_decode() skips what it does not know */
    if (strlen(text) != 44 || text[43] != '=')
        return FALSE;
    for (guint i = 0; i < 43; i++) {
        if (!g_ascii_isalnum(text[i]) && text[i] != '+' && text[i] != '/')
            return FALSE;
    }
    bytes = g_base64_decode(text, &length);
    return length == PIN_LENGTH;
}

gboolean
xd_trust_check_pins(const char *const *pins, GError **error)
{
    for (guint i = 0; pins != NULL && pins[i] != NULL; i++) {
        const char *equals = strchr(pins[i], '=');

        if (equals != NULL && equals > pins[i] && is_pin(equals + 1))
            continue;
        xd_set_error(error, HVD_ERROR_CONFIG,
                     "tls.pins, entry %u: expected HOST=sha256//BASE64 with the SHA-256 of a "
                     "public key",
                     i + 1);
        return FALSE;
    }
    return TRUE;
}

/* (nullable): all pins of @host, joined as libcurl wants them */
static char *
pins_of(const char *host, const char *const *pins)
{
    g_autoptr(GString) joined = g_string_new(NULL);
    gsize length = strlen(host);

    for (guint i = 0; pins != NULL && pins[i] != NULL; i++) {
        if (g_ascii_strncasecmp(pins[i], host, length) != 0 || pins[i][length] != '=')
            continue;
        g_string_append_printf(joined, "%s%s", joined->len > 0 ? ";" : "", pins[i] + length + 1);
    }
    return joined->len > 0 ? g_strdup(joined->str) : NULL;
}

gboolean
xd_trust_configure(CURL *easy, const XdOrigin *origin, const XdHttpOptions *options, GError **error)
{
    g_autofree char *pins = NULL;

    if (!origin->tls) {
        if (options->plaintext_on_loopback && xd_origin_is_loopback(origin))
            return TRUE;
        xd_set_error(error, HVD_ERROR_PLAINTEXT,
                     "plain http to %s is refused: credentials would travel unprotected",
                     origin->host);
        if (error != NULL)
            xd_error_set_advice(*error, N_("use https; within this machine alone, "
                                           "http.allow-plaintext=loopback permits it"));
        return FALSE;
    }
    pins = pins_of(origin->host, options->pins);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, pins == NULL ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, pins == NULL ? 2L : 0L);
    curl_easy_setopt(easy, CURLOPT_CERTINFO, pins != NULL ? 1L : 0L); /* see wrong_key() */
    if (pins != NULL)
        return curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, pins) == CURLE_OK;
    if (options->ca_file == NULL)
        return TRUE;
    curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* in place of the system's, not beside them */
    return TRUE;
}

static GError *
untrusted(CURL *easy, const XdOrigin *origin)
{
    long verdict = 0;
    GError *error;

    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    if (verdict == X509_EXPIRED || verdict == X509_NOT_YET_VALID) {
        error = xd_error_new(HVD_ERROR_TLS_EXPIRED, "the certificate of %s %s", origin->host,
                             verdict == X509_EXPIRED ? "has expired" : "is not valid yet");
        xd_error_set_advice(error, N_("renew it, or compare the clocks"));
        return error;
    }
    if (verdict <= X509_CHAIN_NOT_BLAMED) {
        error = xd_error_new(HVD_ERROR_TLS_NAME, "the certificate of %s is for another name",
                             origin->host);
        xd_error_set_advice(error,
                            N_("use the name in it as pool.url, or pin its key in tls.pins"));
        return error;
    }
    if (verdict >= X509_WEAK_KEY && verdict <= X509_WEAK_DIGEST) /* by the machine's policy */
        return xd_error_new(HVD_ERROR_TLS_UNTRUSTED,
                            "the certificate of %s has %s that is too weak", origin->host,
                            verdict == X509_WEAK_DIGEST ? "a signature with a digest" : "a key");
    error = xd_error_new(HVD_ERROR_TLS_UNTRUSTED,
                         "the certificate of %s is not from a trusted authority", origin->host);
    xd_error_set_advice(error, N_("name the authority in tls.ca-file, or pin the key in tls.pins"));
    return error;
}

/* (transfer full) (nullable): of the key that the server has shown */
static char *
shown_key(CURL *easy)
{
    static const char cert[] = "Cert:";
    struct curl_certinfo *info = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
        info->num_of_certs < 1)
        return NULL;
    for (const struct curl_slist *line = info->certinfo[0]; line != NULL; line = line->next) {
        if (strncmp(line->data, cert, strlen(cert)) == 0)
            return xd_fingerprint_of_pem(line->data + strlen(cert));
    }
    return NULL;
}

/* The key is named, so that it can be compared with the one that the node itself shows. */
static GError *
wrong_key(CURL *easy, const XdOrigin *origin)
{
    g_autofree char *shown = shown_key(easy);

    if (shown == NULL)
        return xd_error_new(HVD_ERROR_TLS_PIN, "the public key of %s is none of the pinned ones",
                            origin->host);
    return xd_error_new(HVD_ERROR_TLS_PIN, "the public key of %s is none of the pinned ones: %s",
                        origin->host, shown);
}

GError *
xd_trust_error(CURL *easy, CURLcode code, const XdOrigin *origin, const char *reason)
{
    g_autofree char *why =
        xd_escape(reason[0] != '\0' ? reason : curl_easy_strerror(code), -1, 200);

    switch ((int) code) {
    case CURLE_PEER_FAILED_VERIFICATION: return untrusted(easy, origin);
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH: return wrong_key(easy, origin);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
        return xd_error_new(HVD_ERROR_TLS, "no TLS connection to %s: %s", origin->host, why);
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE: return xd_error_new(HVD_ERROR_CONFIG, "tls.ca-file: %s", why);
    case CURLE_OPERATION_TIMEDOUT:
        return xd_error_new(HVD_ERROR_TIMED_OUT, "%s did not answer in time", origin->host);
    case CURLE_OUT_OF_MEMORY: /* what libcurl 7.88 calls a header line beyond its 100 KiB */
        return xd_error_new(HVD_ERROR_PROTOCOL,
                            "%s does not speak HTTP as it should: a line of its head has no end",
                            origin->host);
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_HTTP2:
        return xd_error_new(HVD_ERROR_PROTOCOL, "%s does not speak HTTP as it should: %s",
                            origin->host, why);
    default: /* libcurl's own text names the host as a rule */
        return strstr(why, origin->host) != NULL
                   ? xd_error_new(HVD_ERROR_NOT_REACHABLE, "%s", why)
                   : xd_error_new(HVD_ERROR_NOT_REACHABLE, "%s: %s", origin->host, why);
    }
}
