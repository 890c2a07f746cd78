/* What is left when there is no driver: libcurl alone, and libxml2 with handlers that do nothing. Each command
 * measures itself and prints seconds.
 *
 *   bare URL fetch json|xml          the first event batch, thrown away
 *   bare URL sax                     the same in XML, parsed as it comes
 *   bare URL calls COUNT WIDTH       small calls: one easy handle, or a multi handle with as many
 */
#include <curl/curl.h>
#include <glib.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>

#define SESSION "OpaqueRef:11111111-2222-3333-4444-555555555555"
#define VM      "OpaqueRef:00000000-686e-d341-cab2-bddec9842254"
#define BUFFER  (512 * 1024)

static const char json_from[] =
    "{\"jsonrpc\":\"2.0\",\"method\":\"event.from\",\"params\":[\"" SESSION
    "\",[\"vm\"],\"\",30.0],\"id\":1}";
static const char xml_from[] =
    "<?xml version=\"1.0\"?><methodCall><methodName>event.from</methodName><params><param><value>"
    "<string>" SESSION "</string></value></param><param><value><array><data><value><string>vm"
    "</string></value></data></array></value></param><param><value><string></string></value>"
    "</param><param><value><double>30.0</double></value></param></params></methodCall>";
static const char small_call[] =
    "{\"jsonrpc\":\"2.0\",\"method\":\"VM.set_name_label\",\"params\":[\"" SESSION "\",\"" VM
    "\",\"name\"],\"id\":1}";

static double
now(void)
{
    return (double) g_get_monotonic_time() / G_USEC_PER_SEC;
}

static size_t
on_bytes(char *bytes G_GNUC_UNUSED, size_t size, size_t n, void *data)
{
    *(gsize *) data += size * n;
    return size * n;
}

static CURL *
make_easy(const char *url, const char *path, struct curl_slist *headers, const char *body,
          curl_write_callback write, void *data)
{
    CURL *easy = curl_easy_init();
    g_autofree char *whole = g_strconcat(url, path, NULL);

    curl_easy_setopt(easy, CURLOPT_URL, whole);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, data);
    return easy;
}

static struct curl_slist *
make_headers(const char *type)
{
    return curl_slist_append(curl_slist_append(NULL, type), "Expect:");
}

static void
must(CURLcode code)
{
    if (code != CURLE_OK)
        g_error("%s", curl_easy_strerror(code));
}

static void
measure_fetch(const char *url, gboolean xml)
{
    struct curl_slist *headers =
        make_headers(xml ? "Content-Type: text/xml" : "Content-Type: application/json");
    gsize got = 0;
    CURL *easy =
        make_easy(url, xml ? "/" : "/jsonrpc", headers, xml ? xml_from : json_from, on_bytes, &got);
    double started = now();

    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long) BUFFER);
    must(curl_easy_perform(easy));
    printf("%.6f\n", now() - started);
    g_assert_cmpuint(got, >, 40000000);
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
}

/* ---- libxml2 ---- */

static void
on_start(void *data, const xmlChar *name G_GNUC_UNUSED, const xmlChar *prefix G_GNUC_UNUSED,
         const xmlChar *uri G_GNUC_UNUSED, int n_namespaces G_GNUC_UNUSED,
         const xmlChar **namespaces G_GNUC_UNUSED, int n_attributes G_GNUC_UNUSED,
         int n_defaulted G_GNUC_UNUSED, const xmlChar **attributes G_GNUC_UNUSED)
{
    ++*(gsize *) data;
}

static void
on_end(void *data G_GNUC_UNUSED, const xmlChar *name G_GNUC_UNUSED,
       const xmlChar *prefix G_GNUC_UNUSED, const xmlChar *uri G_GNUC_UNUSED)
{
}

static void
on_text(void *data G_GNUC_UNUSED, const xmlChar *text G_GNUC_UNUSED, int length G_GNUC_UNUSED)
{
}

static const xmlSAXHandler handlers = {
    .initialized = XML_SAX2_MAGIC,
    .startElementNs = on_start,
    .endElementNs = on_end,
    .characters = on_text,
    .ignorableWhitespace = on_text,
};

static size_t
on_xml(char *bytes, size_t size, size_t n, void *context)
{
    return xmlParseChunk(context, bytes, (int) (size * n), FALSE) == 0 ? size * n : 0;
}

static void
measure_sax(const char *url)
{
    struct curl_slist *headers = make_headers("Content-Type: text/xml");
    xmlSAXHandler sax = handlers;
    gsize elements = 0;
    xmlParserCtxt *context = xmlCreatePushParserCtxt(&sax, &elements, NULL, 0, NULL);
    CURL *easy = make_easy(url, "/", headers, xml_from, on_xml, context);
    double started = now();

    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long) BUFFER);
    must(curl_easy_perform(easy));
    if (xmlParseChunk(context, NULL, 0, TRUE) != 0)
        g_error("malformed XML");
    printf("%.6f\n", now() - started);
    g_assert_cmpuint(elements, >, 1000000);
    xmlFreeParserCtxt(context);
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
}

/* ---- calls ---- */

static void
call_serially(CURL *easy, guint count)
{
    for (guint i = 0; i < count; i++)
        must(curl_easy_perform(easy));
}

static void
call_at_once(CURL *const *easies, guint count, guint width)
{
    CURLM *multi = curl_multi_init();
    guint to_send = count, to_come = count;
    int running, left;

    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long) width);
    for (guint i = 0; i < width; i++, to_send--)
        curl_multi_add_handle(multi, easies[i]);
    while (to_come > 0) {
        CURLMsg *message;

        curl_multi_perform(multi, &running);
        while ((message = curl_multi_info_read(multi, &left)) != NULL) {
            CURL *easy = message->easy_handle;

            must(message->data.result);
            curl_multi_remove_handle(multi, easy);
            to_come--;
            if (to_send > 0) {
                to_send--;
                curl_multi_add_handle(multi, easy);
            }
        }
        if (to_come > 0)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    curl_multi_cleanup(multi);
}

static void
measure_calls(const char *url, guint count, guint width)
{
    struct curl_slist *headers = make_headers("Content-Type: application/json");
    g_autofree CURL **easies = g_new0(CURL *, width);
    gsize got = 0;
    double started;

    for (guint i = 0; i < width; i++)
        easies[i] = make_easy(url, "/jsonrpc", headers, small_call, on_bytes, &got);
    started = now();
    if (width == 1)
        call_serially(easies[0], count);
    else
        call_at_once(easies, count, width);
    printf("%.6f\n", now() - started);
    g_assert_cmpuint(got, >=, count * strlen("{\"result\":\"\"}"));
    for (guint i = 0; i < width; i++)
        curl_easy_cleanup(easies[i]);
    curl_slist_free_all(headers);
}

int
main(int argc, char **argv)
{
    if (argc == 4 && g_str_equal(argv[2], "fetch"))
        measure_fetch(argv[1], g_str_equal(argv[3], "xml"));
    else if (argc == 3 && g_str_equal(argv[2], "sax"))
        measure_sax(argv[1]);
    else if (argc == 5 && g_str_equal(argv[2], "calls"))
        measure_calls(argv[1], (guint) g_ascii_strtoull(argv[3], NULL, 10),
                      (guint) g_ascii_strtoull(argv[4], NULL, 10));
    else
        g_error("usage: bare URL fetch json|xml, bare URL sax, or bare URL calls COUNT WIDTH");
    return 0;
}
