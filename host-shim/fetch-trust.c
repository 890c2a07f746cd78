/* The shim's one file that may touch TLS options of libcurl (SEC-11). */
#include "fetch-trust.h"

#include "failure.h"

#include <glib/gi18n.h>

/* What OpenSSL's verification says; libcurl hands the number through. */
#define X509_CHAIN_NOT_BLAMED 1
#define X509_NOT_YET_VALID    9
#define X509_EXPIRED          10
/* the first and the last of: too weak, by the machine's policy */
#define X509_WEAK_KEY         66
#define X509_WEAK_DIGEST      68

void
fetch_trust_configure(CURL *easy, const char *ca_file)
{
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (ca_file == NULL)
        return;
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* in place of the system's, not beside them */
}

static GError *
explain_untrusted(CURL *easy, const char *shown)
{
    long verdict = 0;

    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    if (verdict == X509_EXPIRED || verdict == X509_NOT_YET_VALID)
        return failure_new(HVD_ERROR_TLS_EXPIRED, _("have it renewed, or compare the clocks"),
                           verdict == X509_EXPIRED
                               ? _("%s: the server's certificate has expired")
                               : _("%s: the server's certificate is not valid yet"),
                           shown);
    if (verdict <= X509_CHAIN_NOT_BLAMED)
        return failure_new(HVD_ERROR_TLS_NAME, _("use a name that is in it"),
                           _("%s: the server's certificate is for another name"), shown);
    if (verdict >= X509_WEAK_KEY && verdict <= X509_WEAK_DIGEST)
        return failure_new(HVD_ERROR_TLS_UNTRUSTED,
                           _("have it renewed with a stronger key or digest"),
                           verdict == X509_WEAK_DIGEST
                               ? _("%s: the server's certificate has a signature with a digest "
                                   "that is too weak")
                               : _("%s: the server's certificate has a key that is too weak"),
                           shown);
    return failure_new(HVD_ERROR_TLS_UNTRUSTED, _("name its authority with --image-ca-file FILE"),
                       _("%s: the server's certificate is not from a trusted authority"), shown);
}

GError *
fetch_trust_explain(CURL *easy, CURLcode code, const char *shown, const char *reason)
{
    switch ((int) code) {
    case CURLE_PEER_FAILED_VERIFICATION: return explain_untrusted(easy, shown);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
        return failure_new(HVD_ERROR_TLS, _("check that the server speaks TLS 1.2 or newer there"),
                           _("%s: no TLS connection: %s"), shown, reason);
    case CURLE_SSL_CACERT_BADFILE:
        return failure_new(HVD_ERROR_INVALID, _("it has to be a file of certificates in PEM"),
                           "--image-ca-file: %s", reason);
    default: return NULL;
    }
}
