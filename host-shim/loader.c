#include "loader.h"

#include "place.h"
#include "slots.h"

#include <dlfcn.h>
#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODULE "xenapi.so"

/* ---- which file ---- */

/* In a build tree the module lies beside the program, installed it has a directory of its own. */
static char *
find_module(void)
{
    static const char *const places[] = {"../plugin/entry/" MODULE,
                                         HVD_DRIVER_FROM_PROGRAM "/" MODULE};

    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        char *path = place_find(places[i]);

        if (path != NULL)
            return path;
    }
    return g_build_filename(HVD_DRIVER_DIR, MODULE, NULL);
}

static gboolean
is_ours(const char *path, gboolean directory, GError **error)
{
    struct stat info;

    if (stat(path, &info) != 0) {
        g_set_error(error, HVD_ERROR, HVD_ERROR_NOT_FOUND, _("driver %s: %s"), path,
                    g_strerror(errno));
        return FALSE;
    }
    if (directory ? !S_ISDIR(info.st_mode) : !S_ISREG(info.st_mode)) {
        g_set_error(error, HVD_ERROR, HVD_ERROR_DENIED, _("driver %s is no regular file"), path);
        return FALSE;
    }
    if ((info.st_uid != 0 && info.st_uid != geteuid()) ||
        (info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        g_set_error(error, HVD_ERROR, HVD_ERROR_DENIED,
                    _("driver not loaded: %s can be changed by others than you and root"), path);
        return FALSE;
    }
    return TRUE;
}

/* ---- which table ---- */

gboolean
loader_check(const HvdDriver *driver, GError **error)
{
    if (driver->major != HVD_DRIVER_MAJOR ||
        (driver->major == 0 && driver->minor != HVD_DRIVER_MINOR)) {
        g_set_error(error, HVD_ERROR, HVD_ERROR_UNSUPPORTED,
                    _("the driver speaks version %u.%u of the interface, this host %u.%u"),
                    driver->major, driver->minor, HVD_DRIVER_MAJOR, HVD_DRIVER_MINOR);
        return FALSE;
    }
    if (driver->name == NULL || driver->version == NULL || !HVD_HAS(driver, open_async) ||
        !HVD_HAS(driver, close_async)) {
        g_set_error_literal(error, HVD_ERROR, HVD_ERROR_PROTOCOL,
                            _("the driver's table lacks a name, or cannot be opened and closed"));
        return FALSE;
    }
    for (gsize i = 0; i < n_slots; i++) {
        if ((slots_member(driver, slots[i].async) == NULL) ==
            (slots_member(driver, slots[i].finish) == NULL))
            continue;
        g_set_error(error, HVD_ERROR, HVD_ERROR_PROTOCOL,
                    _("the driver has only one half of the slot %s"), slots[i].name);
        return FALSE;
    }
    return TRUE;
}

static const HvdDriver *
query(const char *path, GError **error)
{
    g_autoptr(GError) refusal = NULL;
    gpointer module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const HvdDriver *driver;
    HvdQuery entry;
    gpointer symbol;

    symbol = module != NULL ? dlsym(module, HVD_QUERY_SYMBOL) : NULL;
    if (symbol == NULL) {
        g_set_error(error, HVD_ERROR, HVD_ERROR_UNSUPPORTED, _("driver not loaded: %s"), dlerror());
        return NULL;
    }
    memcpy(&entry, &symbol, sizeof entry);
    driver = entry(HVD_DRIVER_MAJOR, HVD_DRIVER_MINOR, &refusal);
    if (driver != NULL)
        return driver;
    g_set_error(error, HVD_ERROR, HVD_ERROR_UNSUPPORTED, _("driver %s refuses: %s"), path,
                refusal != NULL ? refusal->message : _("it does not say why"));
    return NULL;
}

const HvdDriver *
loader_load(const char *path, char **found, GError **error)
{
    g_autofree char *given = path != NULL ? g_canonicalize_filename(path, NULL) : find_module();
    g_autofree char *file = realpath(given, NULL);
    g_autofree char *directory = g_path_get_dirname(file != NULL ? file : given);
    const HvdDriver *driver;

    if (!is_ours(file != NULL ? file : given, FALSE, error) || !is_ours(directory, TRUE, error))
        return NULL;
    driver = query(file, error);
    if (driver == NULL || !loader_check(driver, error))
        return NULL;
    *found = g_steal_pointer(&file);
    return driver;
}
