/* Checks of this machine: the driver, the configuration, the password's place, memory. */
#include "doctor.h"
#include "text.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCKED_BYTES      (256 * 1024) /* what the driver begins with, and ours (plugin/base/secret.c) */
#define ANYBODY_MAY_WRITE (S_IWGRP | S_IWOTH)
#define OTHERS_MAY_READ   (S_IRWXG | S_IRWXO)

/* ---- the driver ---- */

void
check_driver(Doctor *doctor)
{
    const HvdDriver *driver = doctor->shim->driver;

    if (driver != NULL)
        doctor_say(doctor, CHECK_OK, NULL, _("%s %s, interface %u.%u, from %s"), driver->name,
                   driver->version, driver->major, driver->minor, doctor->shim->driver_file);
    else
        doctor_say(doctor, CHECK_PROBLEM,
                   _("install the driver of this version of hvd, or name it with --driver FILE"),
                   "%s", doctor->load_error->message);
}

/* ---- the configuration ---- */

/* Whose is it: ours or root's? What others own they can change. */
static gboolean
is_of_stranger(const GStatBuf *info)
{
    return info->st_uid != 0 && info->st_uid != geteuid();
}

static gboolean
is_known(const GPtrArray *keys, const char *group, const char *name)
{
    for (guint i = 0; i < keys->len; i++) {
        JsonObject *key = g_ptr_array_index(keys, i);

        if (g_strcmp0(document_text(key, "group"), group) == 0 &&
            g_strcmp0(document_text(key, "key"), name) == 0)
            return TRUE;
    }
    return FALSE;
}

static guint
say_unknown_keys(Doctor *doctor, GKeyFile *file, const char *group)
{
    g_autofree char *text = doctor->shim->driver->describe_config();
    g_autoptr(JsonNode) node = document_parse(text);
    g_autoptr(GPtrArray) keys = document_elements(node);
    g_auto(GStrv) names = g_key_file_get_keys(file, group, NULL, NULL);
    guint n = 0;

    for (guint i = 0; names != NULL && names[i] != NULL; i++) {
        if (is_known(keys, group, names[i]))
            continue;
        doctor_say(doctor, CHECK_PROBLEM, _("\"hvd config\" lists the keys that there are"),
                   _("%s: there is no key %s.%s"), doctor->target->config_file, group, names[i]);
        n++;
    }
    return n;
}

/* FALSE: something was said. */
static gboolean
look_at_keys(Doctor *doctor)
{
    const HvdDriver *driver = doctor->shim->driver;
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) groups = NULL;
    guint n = 0;

    /* GKeyFile's own message quotes the line, and the line may be a password */
    if (!g_key_file_load_from_file(file, doctor->target->config_file, G_KEY_FILE_NONE, &error)) {
        doctor_say(doctor, CHECK_PROBLEM, _("expected are [group] and key=value"),
                   _("%s is no key file"), doctor->target->config_file);
        return FALSE;
    }
    groups = g_key_file_get_groups(file, NULL);
    for (guint i = 0; driver != NULL && HVD_HAS(driver, describe_config) && groups[i] != NULL; i++)
        n += say_unknown_keys(doctor, file, groups[i]);
    return n == 0;
}

void
check_configuration(Doctor *doctor)
{
    const char *path = doctor->target->config_file;
    GStatBuf info;

    if (path == NULL) {
        doctor_say(doctor, CHECK_OK, NULL, "%s", _("no file: the options say it all"));
        return;
    }
    if (g_stat(path, &info) != 0 || g_access(path, R_OK) != 0) {
        doctor_say(doctor, CHECK_PROBLEM, _("give the account that runs hvd the right to read it"),
                   "%s: %s", path, g_strerror(errno));
        return;
    }
    if ((info.st_mode & ANYBODY_MAY_WRITE) != 0 || is_of_stranger(&info))
        doctor_say(doctor, CHECK_PROBLEM,
                   _("it says where the password goes: make it root's or yours, chmod 644"),
                   _("others can change %s (mode %03o, owner %u)"), path,
                   (guint) info.st_mode & 0777, (guint) info.st_uid);
    else if (look_at_keys(doctor))
        doctor_say(doctor, CHECK_OK, NULL,
                   _("%s: every key is known, only its owner can change it"), path);
}

/* ---- the password's place ---- */

static void
look_at_file(Doctor *doctor, const char *path)
{
    GStatBuf info;

    if (g_stat(path, &info) != 0)
        doctor_say(doctor, CHECK_PROBLEM, _("write the password into it, chmod 600"), "%s: %s",
                   path, g_strerror(errno));
    else if ((info.st_mode & OTHERS_MAY_READ) != 0)
        doctor_say(doctor, CHECK_PROBLEM,
                   _("chmod 600, and change the password: others may have it"),
                   _("others can read %s (mode %03o)"), path, (guint) info.st_mode & 0777);
    else if (is_of_stranger(&info))
        doctor_say(doctor, CHECK_PROBLEM, _("chown it to the account that runs the driver"),
                   _("%s belongs to somebody else (owner %u)"), path, (guint) info.st_uid);
    else
        doctor_say(doctor, CHECK_OK, NULL, _("%s: only its owner can read it"), path);
}

/* A reference tells where a password is; what is none may be one, and is not repeated. */
static void
look_at_reference(Doctor *doctor, const char *reference)
{
    if (g_str_has_prefix(reference, "file:"))
        look_at_file(doctor, reference + strlen("file:"));
    else if (g_str_has_prefix(reference, "credential:") || g_str_has_prefix(reference, "fd:"))
        doctor_say(doctor, CHECK_OK, NULL, _("handed over by whoever starts us: %s"), reference);
    else if (g_str_has_prefix(reference, "host:"))
        doctor_say(doctor, CHECK_OK, NULL, "%s", _("asked for at the terminal"));
    else
        doctor_say(
            doctor, CHECK_PROBLEM,
            _("put it into a file that only you can read: pool.password=file:PATH; and change "
              "it, others may have read it"),
            "%s", _("pool.password is no reference; it may be a password itself"));
}

void
check_credentials(Doctor *doctor)
{
    const Credential *credential = doctor->shim->credential;
    g_autofree char *configured = target_get_value(doctor->target, "pool", "password");

    if (credential_is_from_environment(credential))
        doctor_say(doctor, CHECK_WARNING, _("HVD_CREDENTIAL=file:PATH is better"), "%s",
                   _("a password in the environment is the weakest source: programs hand it on"));
    else if (credential_is_from_keyring(credential))
        doctor_say(doctor, CHECK_OK, NULL, "%s", _("the session's Secret Service has it"));
    else if (configured != NULL && configured[0] != '\0')
        look_at_reference(doctor, configured);
    else if (credential_get_reference(credential) != NULL)
        look_at_reference(doctor, credential_get_reference(credential));
    else
        doctor_say(doctor, CHECK_PROBLEM,
                   _("write password=file:PATH under [pool], or set HVD_CREDENTIAL=file:PATH"),
                   "%s", _("nothing says where the password is"));
}

/* ---- memory ---- */

void
check_locked_memory(Doctor *doctor)
{
    void *memory =
        mmap(NULL, LOCKED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    gboolean locked = memory != MAP_FAILED && mlock(memory, LOCKED_BYTES) == 0;

    if (memory != MAP_FAILED)
        munmap(memory, LOCKED_BYTES);
    if (locked)
        doctor_say(doctor, CHECK_OK, NULL, "%s", _("secrets are kept out of swap"));
    else
        doctor_say(doctor, CHECK_WARNING,
                   _("raise it: ulimit -l 1024, or LimitMEMLOCK=1M of a unit"),
                   _("no %u KiB can be locked: secrets may get into swap"), LOCKED_BYTES / 1024);
}

/* hvd itself allows none; what it was started with is what a service that loads the driver gets. */
void
check_core_files(Doctor *doctor)
{
    if (doctor->shim->core_limit == 0)
        doctor_say(doctor, CHECK_OK, NULL, "%s", _("programs that are started here write none"));
    else
        doctor_say(
            doctor, CHECK_WARNING,
            _("ulimit -c 0, or LimitCORE=0 of a unit, for the program that loads the driver"), "%s",
            _("programs that are started here may write core files (hvd writes none)"));
}
