#include "wire/shape-table.h"

#include <string.h>

static const struct {
    XdFormat format;
    const char *text;
    gboolean is_valid;
} cases[] = {
    {XD_FORMAT_NONE, "", TRUE},
    {XD_FORMAT_UUID, "6a6b0a4e-8c5e-4b0e-9d2e-0b4a1f3c5d7e", TRUE},
    {XD_FORMAT_UUID, "6A6B0A4E-8C5E-4B0E-9D2E-0B4A1F3C5D7E", FALSE},
    {XD_FORMAT_UUID, "6a6b0a4e8c5e4b0e9d2e0b4a1f3c5d7e", FALSE},
    {XD_FORMAT_UUID, "6a6b0a4e-8c5e-4b0e-9d2e-0b4a1f3c5d7", FALSE},
    {XD_FORMAT_UUID, "6a6b0a4e-8c5e-4b0e-9d2e-0b4a1f3c5d7e0", FALSE},
    {XD_FORMAT_UUID, "6a6b0a4g-8c5e-4b0e-9d2e-0b4a1f3c5d7e", FALSE},
    {XD_FORMAT_UUID, "", FALSE},
    {XD_FORMAT_MAC, "aa:bb:cc:dd:ee:ff", TRUE},
    {XD_FORMAT_MAC, "AA:0b:cc:dd:ee:99", TRUE},
    {XD_FORMAT_MAC, "aa-bb-cc-dd-ee-ff", FALSE},
    {XD_FORMAT_MAC, "aa:bb:cc:dd:ee:f", FALSE},
    {XD_FORMAT_MAC, "aa:bb:cc:dd:ee:ff:", FALSE},
    {XD_FORMAT_MAC, "aa:bb:cc:dd:ee:fg", FALSE},
    {XD_FORMAT_MAC, "", FALSE},
    {XD_FORMAT_DEVICE_NAME, "/dev/xvdb", TRUE},
    {XD_FORMAT_DEVICE_NAME, "sda", TRUE},
    {XD_FORMAT_DEVICE_NAME, "vdz", TRUE},
    {XD_FORMAT_DEVICE_NAME, "/dev/2", TRUE},
    {XD_FORMAT_DEVICE_NAME, "0", TRUE},
    {XD_FORMAT_DEVICE_NAME, "254", TRUE},
    {XD_FORMAT_DEVICE_NAME, "255", FALSE},
    {XD_FORMAT_DEVICE_NAME, "01", FALSE},
    {XD_FORMAT_DEVICE_NAME, "sda1", FALSE},
    {XD_FORMAT_DEVICE_NAME, "sd", FALSE},
    {XD_FORMAT_DEVICE_NAME, "sdA", FALSE},
    {XD_FORMAT_DEVICE_NAME, "sda\n", FALSE},
    {XD_FORMAT_DEVICE_NAME, "dev/sda", FALSE},
    {XD_FORMAT_DEVICE_NAME, "/dev/", FALSE},
    {XD_FORMAT_DEVICE_NAME, "-1", FALSE},
    {XD_FORMAT_IQN, "iqn.2010-10.org.openstack:volume-00000001", TRUE},
    {XD_FORMAT_IQN, "iqn.2010-10.org.openstack", TRUE},
    {XD_FORMAT_IQN, "eui.02004567A425678D", TRUE},
    {XD_FORMAT_IQN, "naa.52004567BA64678D", TRUE},
    {XD_FORMAT_IQN, "naa.62004567BA64678D0123456789ABCDEF", TRUE},
    {XD_FORMAT_IQN, "eui.02004567A425678", FALSE},
    {XD_FORMAT_IQN, "iqn.2010.org", FALSE},
    {XD_FORMAT_IQN, "iqn.2010-10.", FALSE},
    {XD_FORMAT_IQN, "iqn.2010-10", FALSE},
    {XD_FORMAT_IQN, "iqn.2010-10.a b", FALSE},
    {XD_FORMAT_IQN, "iqn.2010-10.a/b", FALSE},
    {XD_FORMAT_IQN, "IQN.2010-10.a", FALSE},
    {XD_FORMAT_PORTAL, "192.0.2.10:3260", TRUE},
    {XD_FORMAT_PORTAL, "192.0.2.10", TRUE},
    {XD_FORMAT_PORTAL, "127.0.0.1:3260,1", TRUE},
    {XD_FORMAT_PORTAL, "storage-1.example:3260", TRUE},
    {XD_FORMAT_PORTAL, "[2001:db8::1]:3260", TRUE},
    {XD_FORMAT_PORTAL, "[2001:db8::1],1", TRUE},
    {XD_FORMAT_PORTAL, "2001:db8::1", FALSE},
    {XD_FORMAT_PORTAL, ":3260", FALSE},
    {XD_FORMAT_PORTAL, "", FALSE},
    {XD_FORMAT_PORTAL, "a:0", FALSE},
    {XD_FORMAT_PORTAL, "a:65535", TRUE},
    {XD_FORMAT_PORTAL, "a:65536", FALSE},
    {XD_FORMAT_PORTAL, "a:", FALSE},
    {XD_FORMAT_PORTAL, "a:03260", FALSE},
    {XD_FORMAT_PORTAL, "a:3260,", FALSE},
    {XD_FORMAT_PORTAL, "a:3260,x", FALSE},
    {XD_FORMAT_PORTAL, "a:3260;rm", FALSE},
    {XD_FORMAT_PORTAL, "[2001:db8::1", FALSE},
    {XD_FORMAT_PORTAL, "[192.0.2.1]:1", FALSE},
    {XD_FORMAT_PORTAL, "-a:1", FALSE},
    {XD_FORMAT_PORTAL, ".a:1", FALSE},
    {XD_FORMAT_PORTAL, "a_b:1", FALSE},
    {XD_FORMAT_IP, "192.0.2.1", TRUE},
    {XD_FORMAT_IP, "2001:db8::1", TRUE},
    {XD_FORMAT_IP, "::ffff:192.0.2.1", TRUE},
    {XD_FORMAT_IP, "192.0.2.1/24", FALSE},
    {XD_FORMAT_IP, "192.0.2.256", FALSE},
    {XD_FORMAT_IP, "192.0.2", FALSE},
    {XD_FORMAT_IP, "192.0.02.1", FALSE},
    {XD_FORMAT_IP, "fe80::1%eth0", FALSE},
    {XD_FORMAT_IP, " 192.0.2.1", FALSE},
    {XD_FORMAT_IPV4, "2001:db8::1", FALSE},
    {XD_FORMAT_IPV4, "192.0.2.1", TRUE},
    {XD_FORMAT_IPV6, "192.0.2.1", FALSE},
    {XD_FORMAT_IPV6, "::", TRUE},
    {XD_FORMAT_SHA256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", TRUE},
    {XD_FORMAT_SHA256, "E3B0C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", TRUE},
    {XD_FORMAT_SHA256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85", FALSE},
    {XD_FORMAT_SHA256, "g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", FALSE},
    {XD_FORMAT_IDENTIFIER, "req-1.2_3:X", TRUE},
    {XD_FORMAT_IDENTIFIER, "", FALSE},
    {XD_FORMAT_IDENTIFIER, "a b", FALSE},
    {XD_FORMAT_IDENTIFIER, "gr\xc3\xbc\xc3\x9f", FALSE},
    {XD_FORMAT_IDENTIFIER, "0123456789012345678901234567890123456789012345678901234567890123",
     TRUE},
    {XD_FORMAT_IDENTIFIER, "01234567890123456789012345678901234567890123456789012345678901234",
     FALSE},
    {XD_FORMAT_PATH, "/", TRUE},
    {XD_FORMAT_PATH, "/srv/images/a b.img", TRUE},
    {XD_FORMAT_PATH, "srv", FALSE},
    {XD_FORMAT_PATH, "", FALSE},
};

static void
test_formats(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (xd_format_check(cases[i].format, cases[i].text, strlen(cases[i].text)) !=
            cases[i].is_valid)
            g_error("format %d: %s", (int) cases[i].format, cases[i].text);
    }
}

static void
test_long(void)
{
    g_autofree char *filler = g_strnfill(250, 'a');
    g_autofree char *iqn = g_strconcat("iqn.2010-10.", filler, NULL);
    g_autofree char *host = g_strconcat("abcd", filler, NULL);

    g_assert_false(xd_format_check(XD_FORMAT_IQN, iqn, strlen(iqn)));
    iqn[224] = '\0';
    g_assert_false(xd_format_check(XD_FORMAT_IQN, iqn, 224));
    iqn[223] = '\0';
    g_assert_true(xd_format_check(XD_FORMAT_IQN, iqn, 223));
    g_assert_false(xd_format_check(XD_FORMAT_PORTAL, host, strlen(host)));
    g_assert_true(xd_format_check(XD_FORMAT_PORTAL, host + 1, strlen(host) - 1));
}

/* A format never sees half of a text. */
static void
test_nul(void)
{
    g_assert_false(xd_format_check(XD_FORMAT_PATH, "/a\0b", 4));
    g_assert_false(xd_format_check(XD_FORMAT_IDENTIFIER, "a\0", 2));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire/format/table", test_formats);
    g_test_add_func("/wire/format/long", test_long);
    g_test_add_func("/wire/format/nul", test_nul);
    return g_test_run();
}
