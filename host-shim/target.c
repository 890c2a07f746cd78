#include "target.h"

#include "failure.h"

#include <glib/gi18n.h>
#include <string.h>

void
target_free(Target *target)
{
    g_clear_pointer(&target->simulated, simulated_free);
    g_free(target->config_file);
    g_strfreev(target->settings);
    g_free(target);
}

/* ---- what the options say ---- */

static gboolean
check_one_place(const Arguments *arguments, GError **error)
{
    guint n = arguments_has(arguments, "config") + arguments_has(arguments, "pool") +
              arguments_has(arguments, "simulate");

    if (n <= 1)
        return TRUE;
    failure_set(error, FAILURE_USAGE, NULL, "%s",
                _("--config, --pool and --simulate exclude each other"));
    return FALSE;
}

static void
add_setting(GStrvBuilder *settings, const char *key, const char *value)
{
    g_autofree char *setting = g_strconcat(key, "=", value, NULL);

    if (value != NULL)
        g_strv_builder_add(settings, setting);
}

static void
add_options(GStrvBuilder *settings, const Arguments *arguments)
{
    g_auto(GStrv) pins = arguments_list(arguments, "pin");
    g_auto(GStrv) others = arguments_list(arguments, "set");
    const char *ca_file = arguments_get(arguments, "ca-file");
    const char *user = arguments_get(arguments, "user");
    g_autofree char *ca_path = ca_file != NULL ? g_canonicalize_filename(ca_file, NULL) : NULL;
    g_autofree char *all_pins = pins[0] != NULL ? g_strjoinv(";", pins) : NULL;

    add_setting(settings, "pool.url", arguments_get(arguments, "pool"));
    if (user == NULL && arguments_has(arguments, "pool"))
        user = "root";
    add_setting(settings, "pool.username", user);
    add_setting(settings, "tls.ca-file", ca_path);
    add_setting(settings, "tls.pins", all_pins);
    g_strv_builder_addv(settings, (const char **) others);
}

static Target *
new_target(const Arguments *arguments)
{
    g_autoptr(GStrvBuilder) settings = g_strv_builder_new();
    const char *file = arguments_get(arguments, "config");
    Target *target = g_new0(Target, 1);

    add_options(settings, arguments);
    target->settings = g_strv_builder_end(settings);
    if (file != NULL)
        target->config_file = g_canonicalize_filename(file, NULL);
    return target;
}

Target *
target_describe(const Arguments *arguments, GError **error)
{
    Target *target;

    if (!check_one_place(arguments, error))
        return NULL;
    target = new_target(arguments);
    if (target->config_file == NULL && !arguments_has(arguments, "simulate") &&
        g_file_test(TARGET_SYSTEM_CONFIG, G_FILE_TEST_EXISTS))
        target->config_file = g_strdup(TARGET_SYSTEM_CONFIG);
    return target;
}

/* ---- the password ---- */

static void
append_setting(Target *target, const char *key, const char *value)
{
    g_autoptr(GStrvBuilder) settings = g_strv_builder_new();

    g_strv_builder_addv(settings, (const char **) target->settings);
    add_setting(settings, key, value);
    g_strfreev(target->settings);
    target->settings = g_strv_builder_end(settings);
}

/* Of a pool that is named on the command line never the one in the configuration: that belongs to
 * another pool. Without any it is asked for at the terminal. */
static void
add_password(Target *target, const Arguments *arguments, const Credential *credential,
             Output *output)
{
    const char *reference = credential_get_reference(credential);
    const char *pool = arguments_get(arguments, "pool");
    const char *user = arguments_get(arguments, "user");
    g_autofree char *question = NULL;

    if (reference != NULL && credential_is_from_environment(credential))
        output_note(
            output, "%s",
            _("note: a password in the environment is the weakest source; file: is better"));
    if (reference == NULL && pool != NULL)
        reference = question = g_strconcat("host:", user != NULL ? user : "root", "@", pool, NULL);
    if (reference != NULL)
        append_setting(target, "pool.password", reference);
}

/* ---- the simulated pool ---- */

static gboolean
use_simulated(Target *target, const char *directory, gboolean asked_for, Output *output,
              GError **error)
{
    target->simulated =
        simulated_open(directory != NULL && directory[0] != '\0' ? directory : NULL, error);
    if (target->simulated == NULL)
        return FALSE;
    target->config_file = g_strdup(simulated_get_config_file(target->simulated));
    if (!asked_for)
        output_note(output, _("no configuration: using the simulated pool in %s"),
                    simulated_get_directory(target->simulated));
    return TRUE;
}

Target *
target_find(const Arguments *arguments, const Credential *credential, Output *output,
            GError **error)
{
    g_autoptr(Target) target = target_describe(arguments, error);

    if (target == NULL)
        return NULL;
    if (arguments_has(arguments, "pool") || target->config_file != NULL)
        add_password(target, arguments, credential, output);
    else if (!use_simulated(target, arguments_get(arguments, "simulate"),
                            arguments_has(arguments, "simulate"), output, error))
        return NULL;
    return g_steal_pointer(&target);
}
