#include "wire/shape-table.h"

#include <arpa/inet.h>
#include <string.h>

#define HEX   "0123456789abcdefABCDEF"
#define DIGIT "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static gboolean
consists_of(const char *text, const char *characters)
{
    return text[strspn(text, characters)] == '\0';
}

/* 8-4-4-4-12; lower case, because it is compared as text. */
static gboolean
is_uuid(const char *text)
{
    static const char pattern[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    for (gsize i = 0; i < sizeof pattern; i++) {
        if (pattern[i] == 'x' ? strchr("0123456789abcdef", text[i]) == NULL || text[i] == '\0'
                              : text[i] != pattern[i])
            return FALSE;
    }
    return TRUE;
}

static gboolean
is_mac(const char *text)
{
    for (guint i = 0; i < 17; i++) {
        if (i % 3 == 2 ? text[i] != ':' : !g_ascii_isxdigit(text[i]))
            return FALSE;
    }
    return text[17] == '\0';
}

/* A number of at most @digits digits, without a zero in front. */
static gboolean
is_number(const char *text, gsize digits, guint64 most)
{
    gsize length = strlen(text);

    return length > 0 && length <= digits && consists_of(text, DIGIT) &&
           (text[0] != '0' || length == 1) && g_ascii_strtoull(text, NULL, 10) <= most;
}

/* "/dev/xvdb", "sdb", "hdd", "1": the letters count, a to z; numbers are positions. */
static gboolean
is_device_name(const char *text)
{
    static const char *const kinds[] = {"xvd", "sd", "hd", "vd"};

    if (g_str_has_prefix(text, "/dev/"))
        text += strlen("/dev/");
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (g_str_has_prefix(text, kinds[i])) {
            text += strlen(kinds[i]);
            return g_ascii_islower(text[0]) && text[1] == '\0';
        }
    }
    return is_number(text, 3, 254);
}

/* RFC 3720, 3.2.6.3: "iqn.2010-10.org.openstack:volume-1", "eui." and "naa." with digits. */
static gboolean
is_iqn(const char *text)
{
    if (strlen(text) > 223)
        return FALSE;
    if (g_str_has_prefix(text, "eui."))
        return strlen(text) == 4 + 16 && consists_of(text + 4, HEX);
    if (g_str_has_prefix(text, "naa."))
        return (strlen(text) == 4 + 16 || strlen(text) == 4 + 32) && consists_of(text + 4, HEX);
    if (!g_str_has_prefix(text, "iqn."))
        return FALSE;
    text += 4;
    for (guint i = 0; i < 8; i++) { /* "2010-10." */
        if (i == 4 || i == 7 ? text[i] != "0123-56."[i] : !g_ascii_isdigit(text[i]))
            return FALSE;
    }
    return text[8] != '\0' && consists_of(text + 8, LOWER UPPER DIGIT ".:-_");
}

static gboolean
is_ipv4(const char *text)
{
    struct in_addr address;

    return inet_pton(AF_INET, text, &address) == 1;
}

static gboolean
is_ipv6(const char *text)
{
    struct in6_addr address;

    return inet_pton(AF_INET6, text, &address) == 1;
}

static gboolean
is_ip(const char *text)
{
    return is_ipv4(text) || is_ipv6(text);
}

/* The end of "[2001:db8::1]" or "storage-1.example" at the start of @text, NULL where neither is.
 */
static const char *
pass_host(const char *text)
{
    g_autofree char *inside = NULL;
    const char *end;
    gsize length;

    if (text[0] == '[') {
        end = strchr(text, ']');
        inside = end != NULL ? g_strndup(text + 1, (gsize) (end - text - 1)) : NULL;
        return inside != NULL && is_ipv6(inside) ? end + 1 : NULL;
    }
    length = strspn(text, LOWER UPPER DIGIT ".-");
    return length > 0 && length <= 253 && text[0] != '-' && text[0] != '.' ? text + length : NULL;
}

/* HOST[:PORT][,GROUP]: what targets announce has the portal group's tag behind a comma. */
static gboolean
is_portal(const char *text)
{
    const char *rest = pass_host(text);
    g_autofree char *port = NULL;
    gsize length;

    if (rest == NULL)
        return FALSE;
    if (rest[0] == ':') {
        length = strcspn(rest + 1, ",");
        port = g_strndup(rest + 1, length);
        if (!is_number(port, 5, 65535) || port[0] == '0')
            return FALSE;
        rest += 1 + length;
    }
    return rest[0] == '\0' || (rest[0] == ',' && is_number(rest + 1, 5, 65535));
}

static gboolean
is_sha256(const char *text)
{
    return strlen(text) == 64 && consists_of(text, HEX);
}

static gboolean
is_identifier(const char *text)
{
    gsize length = strlen(text);

    return length >= 1 && length <= 64 && consists_of(text, LOWER UPPER DIGIT "._:-");
}

static gboolean
is_path(const char *text)
{
    return text[0] == '/';
}

static gboolean (*const checks[])(const char *text) = {
    [XD_FORMAT_UUID] = is_uuid,
    [XD_FORMAT_MAC] = is_mac,
    [XD_FORMAT_DEVICE_NAME] = is_device_name,
    [XD_FORMAT_IQN] = is_iqn,
    [XD_FORMAT_PORTAL] = is_portal,
    [XD_FORMAT_IP] = is_ip,
    [XD_FORMAT_IPV4] = is_ipv4,
    [XD_FORMAT_IPV6] = is_ipv6,
    [XD_FORMAT_SHA256] = is_sha256,
    [XD_FORMAT_IDENTIFIER] = is_identifier,
    [XD_FORMAT_PATH] = is_path,
};

gboolean
xd_format_check(XdFormat format, const char *text, gsize length)
{
    if (format == XD_FORMAT_NONE)
        return TRUE;
    return strlen(text) == length && checks[format](text);
}
