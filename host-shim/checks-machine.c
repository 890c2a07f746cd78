/* Checks of this machine: the driver, the configuration, the password's place, memory. */
#include "doctor.h"
#include "settings.h"
#include "text.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCKED_BYTES      (256 * 1024) /* what the driver begins with, and ours (plugin/base/secret.c) */
#define LONGEST_SECRET    4096
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

/* FALSE: something was said. */
static gboolean
look_at_keys(Doctor *doctor)
{
    const HvdDriver *driver = doctor->shim->driver;
    const char *path = doctor->target->config_file;
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *text =
        driver != NULL && HVD_HAS(driver, describe_config) ? driver->describe_config() : NULL;
    g_autoptr(JsonNode) described = text != NULL ? document_parse(text) : NULL;
    g_autoptr(GPtrArray) keys = document_elements(described);
    g_autoptr(GPtrArray) faults = NULL;

    /* GKeyFile's own message quotes the line, and the line may be a password */
    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL)) {
        doctor_say(doctor, CHECK_PROBLEM, _("expected are [group] and key=value"),
                   _("%s is no key file"), path);
        return FALSE;
    }
    if (keys->len == 0)
        return TRUE;
    faults = settings_find_faults(keys, file);
    for (guint i = 0; i < faults->len; i++)
        doctor_say(doctor, CHECK_PROBLEM, _("\"hvd config\" lists the keys that there are"),
                   "%s: %s", path, (const char *) g_ptr_array_index(faults, i));
    return faults->len == 0;
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

/* What the driver does not take (plugin/base/secret-source.c), or NULL; translated. */
static const char *
find_misfit(const GStatBuf *info)
{
    if (S_ISLNK(info->st_mode))
        return _("it is a symbolic link");
    if (!S_ISREG(info->st_mode))
        return _("it is no regular file");
    if (info->st_size < 1)
        return _("it is empty");
    return info->st_size > LONGEST_SECRET + 1 ? _("it is longer than a password") : NULL;
}

static void
look_at_file(Doctor *doctor, const char *path)
{
    GStatBuf info;
    gboolean absolute = g_path_is_absolute(path);
    gboolean there = g_lstat(path, &info) == 0;
    const char *misfit = there ? find_misfit(&info) : g_strerror(errno);

    if (absolute && !there)
        doctor_say(doctor, CHECK_PROBLEM, _("write the password into it, chmod 600"), "%s: %s",
                   path, misfit);
    else if (!absolute || misfit != NULL)
        doctor_say(doctor, CHECK_PROBLEM,
                   _("name a regular file with the password in it, by its whole path"), "%s: %s",
                   path, absolute ? misfit : _("the name is not absolute"));
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
    g_autoptr(GError) fault = NULL;

    if (doctor->target->simulated == NULL && !credential_check(credential, &fault))
        doctor_say_error(doctor, fault);
    else if (credential_is_from_environment(credential))
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
