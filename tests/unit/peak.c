#include "peak.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static guint64
read_peak(void)
{
    g_autofree char *status = NULL;

    g_assert_true(g_file_get_contents("/proc/self/status", &status, NULL, NULL));
    return g_ascii_strtoull(strstr(status, "VmHWM:") + 6, NULL, 10);
}

guint64
peak_begin(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

    g_assert_cmpint(write(fd, "5", 1), ==, 1);
    close(fd);
    return read_peak();
}

void
peak_assert(guint64 before, guint64 most)
{
    if (!SANITIZED && g_getenv("HVD_TEST_VALGRIND") == NULL)
        g_assert_cmpuint(read_peak(), <, before + most);
}
