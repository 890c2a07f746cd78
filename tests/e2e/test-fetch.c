/* What is known of images on web servers before anything is asked of one. */
#include "failure.h"
#include "fetch-bytes.h"
#include "fetch-judge.h"
#include "fetch-url.h"

#include <string.h>

/* ---- addresses ---- */

static void
test_url(void)
{
    static const struct {
        const char *text, *wanted, *shown, *name;
    } rows[] = {
        {"https://a.example/x/debian.12.raw", "https://a.example/x/debian.12.raw",
         "https://a.example/x/debian.12.raw", "debian.12"},
        {"HTTP://a.example/x?sig=canary#part", "http://a.example/x?sig=canary",
         "http://a.example/x", "x"},
        {"https://[::1]:8443/a%20b.img?x=/y.z", "https://[::1]:8443/a%20b.img?x=/y.z",
         "https://[::1]:8443/a%20b.img", "a b"},
        {"https://a.example", "https://a.example/", "https://a.example/", ""},
        {"https://a.example/x/", "https://a.example/x/", "https://a.example/x/", ""},
        {"https://a.example/.raw", "https://a.example/.raw", "https://a.example/.raw", ".raw"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(FetchUrl) url = fetch_url_parse(rows[i].text, &error);

        g_assert_no_error(error);
        g_assert_cmpstr(url->text, ==, rows[i].wanted);
        g_assert_cmpstr(url->shown, ==, rows[i].shown);
        g_assert_cmpstr(url->name, ==, rows[i].name);
        g_assert_cmpint(url->tls, ==, g_str_has_prefix(url->text, "https:"));
    }
}

static void
test_url_is(void)
{
    g_assert_true(fetch_url_is("Https://x"));
    g_assert_true(fetch_url_is("http://"));
    g_assert_false(fetch_url_is("http:/x"));
    g_assert_false(fetch_url_is("ftp://x"));
    g_assert_false(fetch_url_is("https.raw"));
    g_assert_false(fetch_url_is(""));
}

static void
test_url_refused(void)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {"https://canary:canary@a.example/x", HVD_ERROR_SECRET_LITERAL},
        {"https://canary@a.example/x?canary", HVD_ERROR_SECRET_LITERAL},
        {"https://:canary@a.example/x", HVD_ERROR_SECRET_LITERAL},
        {"https://@a.example/", HVD_ERROR_SECRET_LITERAL},
        {"https://", HVD_ERROR_INVALID},
        {"https://a.example:canary/", HVD_ERROR_INVALID},
        {"https://a\ncanary/", HVD_ERROR_INVALID},
        {"file:///canary", HVD_ERROR_INVALID},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;

        g_test_message("%s", rows[i].text);
        g_assert_null(fetch_url_parse(rows[i].text, &error));
        g_assert_error(error, FAILURE, rows[i].code);
        g_assert_null(strstr(error->message, "canary"));
    }
}

static void
test_follow(void)
{
    static const struct {
        const char *from, *location, *to; /* NULL: refused */
    } rows[] = {
        {"https://a.example/x/y?q", "z", "https://a.example/x/z"},
        {"https://a.example/x/y?q", "/z?r#f", "https://a.example/z?r"},
        {"https://a.example/x/y", "//b.example/z", "https://b.example/z"},
        {"https://a.example/x/y", "?r", "https://a.example/x/y?r"},
        {"http://a.example/x", "https://b.example/y", "https://b.example/y"},
        {"http://a.example/x", "/a b", "http://a.example/a%20b"},
        {"https://a.example/x", "http://a.example/x", NULL},
        {"https://a.example/x", "HTTP://a.example/x", NULL},
        {"https://a.example/x", "https://canary@a.example/x", NULL},
        {"https://a.example/x", "//canary:canary@a.example/x", NULL},
        {"https://a.example/x", "ftp://b.example/y?canary", NULL},
        {"https://a.example/x", "file:///etc/passwd", NULL},
        {"https://a.example/x", "https://", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(FetchUrl) from = fetch_url_parse(rows[i].from, NULL);
        g_autoptr(GError) error = NULL;
        g_autoptr(FetchUrl) to = fetch_url_follow(from, rows[i].location, &error);

        g_test_message("%s", rows[i].location);
        g_assert_cmpstr(to != NULL ? to->text : NULL, ==, rows[i].to);
        if (to != NULL)
            continue;
        g_assert_error(error, FAILURE, HVD_ERROR_REDIRECTED);
        g_assert_null(strstr(error->message, "canary:"));
        g_assert_null(strstr(error->message, "canary@"));
        g_assert_null(strstr(error->message, "?canary"));
    }
}

/* ---- heads ---- */

/* Lines with a '\n' behind each. */
static void
take(FetchHead *head, const char *lines)
{
    const char *end;

    fetch_head_init(head);
    for (; (end = strchr(lines, '\n')) != NULL; lines = end + 1)
        fetch_head_take(head, lines, (gsize) (end + 1 - lines));
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FetchHead, fetch_head_clear)

static void
test_head(void)
{
    g_auto(FetchHead) head = {0};

    take(&head, "HTTP/1.1 100 Continue\r\nETag: \"x\"\r\n\r\nHTTP/1.1 206 Partial\r\n"
                "content-length:  12 \r\nContent-Range: bytes 5-16/17\r\nRetry-After: 7\r\n"
                "Location: /a:b\r\nContent-Encoding: gzip\r\nContent-Type: Text/HTML; x\r\n\r\n");
    g_assert_cmpuint(head.status, ==, 206);
    g_assert_null(head.etag);
    g_assert_cmpint(head.length, ==, 12);
    g_assert_cmpint(head.first, ==, 5);
    g_assert_cmpint(head.last, ==, 16);
    g_assert_cmpint(head.size, ==, 17);
    g_assert_cmpuint(head.retry_after_s, ==, 7);
    g_assert_cmpstr(head.location, ==, "/a:b");
    g_assert_true(head.is_packed);
    g_assert_true(head.is_page);
}

static void
test_numbers(void)
{
    static const char *const lengths[] = {
        "-1", "+1", "0x1", "1 2", "1e3", "", "9223372036854775808", "1,1"};
    static const char *const ranges[] = {
        "bytes 5-4/9", "bytes 5-9/9", "bytes -5/9",    "bytes 5-/9", "bytes 5-6/*",  "bytes */9",
        "bytes=5-6/9", "items 5-6/9", "bytes 5-6/9 x", "bytes 5-6",  "bytes  5-6/9",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autofree char *text = g_strdup_printf("HTTP/1.1 200\nContent-Length: %s\n", lengths[i]);
        g_auto(FetchHead) head = {0};

        take(&head, text);
        g_assert_cmpint(head.length, ==, -1);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(ranges); i++) {
        g_autofree char *text = g_strdup_printf("HTTP/1.1 206\nContent-Range: %s\n", ranges[i]);
        g_auto(FetchHead) head = {0};

        take(&head, text);
        g_assert_cmpint(head.first, ==, -1);
        g_assert_cmpint(head.size, ==, -1);
    }
}

#define MODIFIED "Last-Modified: Mon, 30 Nov 2026 10:00:00 GMT\n"

static void
test_validator(void)
{
    static const struct {
        const char *lines, *validator;
    } rows[] = {
        {"ETag: \"a\"\n", "\"a\""},
        {"ETag: \"a\"\n" MODIFIED "Date: Mon, 30 Nov 2026 11:00:00 GMT\n", "\"a\""},
        {"ETag: W/\"a\"\n", NULL},
        {"ETag: a\n", NULL},
        {"ETag: \"\n", NULL},
        {"ETag: W/\"a\"\n" MODIFIED "Date: Mon, 30 Nov 2026 11:00:00 GMT\n", NULL},
        {MODIFIED "Date: Mon, 30 Nov 2026 10:01:00 GMT\n", "Mon, 30 Nov 2026 10:00:00 GMT"},
        {MODIFIED "Date: Mon, 30 Nov 2026 10:00:59 GMT\n", NULL},
        {MODIFIED "Date: Mon, 30 Nov 2026 09:00:00 GMT\n", NULL},
        {MODIFIED, NULL},
        {"Last-Modified: yesterday\nDate: Mon, 30 Nov 2026 11:00:00 GMT\n", NULL},
        {"", NULL},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(FetchHead) head = {0};

        take(&head, rows[i].lines);
        g_test_message("%s", rows[i].lines);
        g_assert_cmpstr(fetch_head_get_validator(&head), ==, rows[i].validator);
    }
}

/* ---- verdicts ---- */

#define NO_ERROR (-1)

static void
test_judge(void)
{
    static const struct {
        const char *lines;
        gint64 offset;
        gboolean is_delivered;
        FetchVerdict verdict;
        int code;
    } rows[] = {
        {"HTTP/1.1 200\nContent-Length: 9\nETag: \"a\"\n", 0, FALSE, FETCH_TAKE, NO_ERROR},
        {"HTTP/1.1 200\nContent-Length: 9\nETag: \"a\"\n", 4, FALSE, FETCH_TAKE, NO_ERROR},
        {"HTTP/1.1 200\nContent-Length: 9\nETag: \"a\"\n", 4, TRUE, FETCH_FAIL,
         HVD_ERROR_INTEGRITY},
        {"HTTP/1.1 200\nContent-Length: 9\nETag: \"b\"\n", 0, FALSE, FETCH_FAIL,
         HVD_ERROR_INTEGRITY},
        {"HTTP/1.1 200\nContent-Length: 8\nETag: \"a\"\n", 0, FALSE, FETCH_FAIL,
         HVD_ERROR_INTEGRITY},
        {"HTTP/1.1 206\nContent-Range: bytes 4-8/9\n", 4, TRUE, FETCH_TAKE, NO_ERROR},
        {"HTTP/1.1 206\nContent-Range: bytes 4-6/9\nETag: \"a\"\n", 4, TRUE, FETCH_TAKE, NO_ERROR},
        {"HTTP/1.1 206\nContent-Range: bytes 4-8/9\nETag: \"b\"\n", 4, TRUE, FETCH_FAIL,
         HVD_ERROR_INTEGRITY},
        {"HTTP/1.1 206\nContent-Range: bytes 4-8/10\n", 4, TRUE, FETCH_FAIL, HVD_ERROR_INTEGRITY},
        {"HTTP/1.1 206\nContent-Range: bytes 3-8/9\n", 4, TRUE, FETCH_FAIL, HVD_ERROR_PROTOCOL},
        {"HTTP/1.1 206\n", 4, TRUE, FETCH_FAIL, HVD_ERROR_PROTOCOL},
        {"HTTP/1.1 206\nContent-Range: bytes 0-8/9\n", 0, FALSE, FETCH_FAIL, HVD_ERROR_PROTOCOL},
        {"HTTP/1.1 416\n", 4, TRUE, FETCH_FAIL, HVD_ERROR_INTEGRITY},
        {"HTTP/1.1 503\n", 4, TRUE, FETCH_AGAIN, HVD_ERROR_BUSY},
        {"HTTP/1.1 408\n", 0, FALSE, FETCH_AGAIN, HVD_ERROR_BUSY},
        {"HTTP/1.1 429\n", 0, FALSE, FETCH_AGAIN, HVD_ERROR_BUSY},
        {"HTTP/1.1 404\n", 4, TRUE, FETCH_FAIL, HVD_ERROR_NOT_FOUND},
        {"HTTP/1.1 302\nLocation: x\n", 4, TRUE, FETCH_FOLLOW, NO_ERROR},
        {"HTTP/1.1 302\n", 4, TRUE, FETCH_FAIL, HVD_ERROR_FAILED},
        {"HTTP/1.1 300\nLocation: x\n", 0, TRUE, FETCH_FAIL, HVD_ERROR_FAILED},
    };
    g_auto(FetchHead) first = {0};

    take(&first, "HTTP/1.1 200\nContent-Length: 9\nETag: \"a\"\n");
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        FetchAsked asked = {"https://a.example/x", &first, rows[i].offset, rows[i].is_delivered};
        g_autoptr(GError) error = NULL;
        g_auto(FetchHead) head = {0};

        take(&head, rows[i].lines);
        g_test_message("%s", rows[i].lines);
        g_assert_cmpint(fetch_judge(&asked, &head, &error), ==, rows[i].verdict);
        if (rows[i].code == NO_ERROR)
            g_assert_no_error(error);
        else
            g_assert_error(error, FAILURE, rows[i].code);
    }
}

/* ---- bytes ---- */

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(FetchBytes, fetch_bytes_clear)

static void
add(FetchBytes *bytes, const char *text)
{
    g_assert_null(fetch_bytes_find_fault(bytes, text, strlen(text)));
    fetch_bytes_add(bytes, text, strlen(text));
}

static void
test_bytes(void)
{
    g_auto(FetchBytes) bytes = {0};
    char got[8] = {0};

    fetch_bytes_init(&bytes);
    add(&bytes, "abc");
    bytes.size = 6;
    bytes.offset = 0; /* the same once more */
    g_assert_true(fetch_bytes_is_comparing(&bytes));
    g_assert_cmpuint(fetch_bytes_take(&bytes, got, sizeof got), ==, 0);
    g_assert_nonnull(fetch_bytes_find_fault(&bytes, "abd", 3));
    g_assert_nonnull(fetch_bytes_find_fault(&bytes, "abcdefg", 7));
    add(&bytes, "ab");
    g_assert_true(fetch_bytes_is_comparing(&bytes));
    add(&bytes, "cd");
    g_assert_false(fetch_bytes_is_comparing(&bytes));
    g_assert_cmpuint(fetch_bytes_take(&bytes, got, 3), ==, 3);
    g_assert_cmpstr(got, ==, "abc");
    g_assert_cmpint(fetch_bytes_get_received(&bytes), ==, 4);
    g_assert_false(fetch_bytes_is_complete(&bytes));
    add(&bytes, "ef");
    g_assert_true(fetch_bytes_is_complete(&bytes));
    g_assert_nonnull(fetch_bytes_find_fault(&bytes, "g", 1));
    bytes.offset = 1; /* what the reader has cannot be compared any more */
    g_assert_nonnull(fetch_bytes_find_fault(&bytes, "b", 1));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shim/fetch/url", test_url);
    g_test_add_func("/shim/fetch/url-is", test_url_is);
    g_test_add_func("/shim/fetch/url-refused", test_url_refused);
    g_test_add_func("/shim/fetch/follow", test_follow);
    g_test_add_func("/shim/fetch/head", test_head);
    g_test_add_func("/shim/fetch/numbers", test_numbers);
    g_test_add_func("/shim/fetch/validator", test_validator);
    g_test_add_func("/shim/fetch/judge", test_judge);
    g_test_add_func("/shim/fetch/bytes", test_bytes);
    return g_test_run();
}
