/* The configuration: a key file, and its lines as settings. No error repeats what may be a password. */
#include "fuzz.h"

#include "base/config.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CANARY "canary-8e1f"

static void
check_config(XdConfig *config, GError *error)
{
    FUZZ_CHECK((config != NULL) == (error == NULL));
    if (error != NULL) {
        FUZZ_CHECK(g_utf8_validate(error->message, -1, NULL));
        FUZZ_CHECK(strpbrk(error->message, "\r\n\x1b") == NULL);
        g_error_free(error);
        return;
    }
    for (guint i = 0; i < XD_N_CONFIG_KEYS; i++) {
        if (xd_config_keys[i].type == XD_CONFIG_INTEGER) {
            guint value = xd_config_get_uint(config, (XdConfigId) i);

            FUZZ_CHECK(value >= xd_config_keys[i].least && value <= xd_config_keys[i].most);
        }
    }
    xd_config_free(config);
}

static void
load_file(const guint8 *data, size_t size)
{
    g_autofree char *path = NULL;
    XdConfig *config;
    GError *error = NULL;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    path = g_strdup_printf("/proc/self/fd/%d", fd);
    FUZZ_CHECK(fchmod(fd, 0600) == 0 && write(fd, data, size) == (gssize) size);
    config = xd_config_load(path, NULL, &error);
    check_config(config, error);
    close(fd);
}

/* The password as the value of whatever key the input names. */
static void
load_canary(const char *name)
{
    g_autofree char *setting = g_strconcat(name, "password=" CANARY, NULL);
    const char *settings[] = {setting, NULL};
    GError *error = NULL;
    XdConfig *config = xd_config_load("/dev/null", settings, &error);

    FUZZ_CHECK(error == NULL || strstr(error->message, CANARY) == NULL);
    g_clear_error(&error);
    g_clear_pointer(&config, xd_config_free);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    GError *error = NULL;
    XdConfig *config;

    load_file(data, size);
    config = xd_config_load(NULL, (const char *const *) lines, &error);
    check_config(config, error);
    /* an escape shown in front of the rest would spell it as well: \x9c and "anary" */
    if (lines[0] != NULL && strchr(lines[0], '=') == NULL && strstr(lines[0], &CANARY[1]) == NULL)
        load_canary(lines[0]);
    return 0;
}
