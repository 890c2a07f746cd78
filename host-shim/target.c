#include "target.h"

#include "failure.h"
#include "terminal.h"

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

/* (nullable): the value that "--set KEY=..." gives, the last one where there are several */
static const char *
find_setting(char **settings, const char *key)
{
    gsize length = strlen(key);
    const char *value = NULL;

    for (; *settings != NULL; settings++) {
        if (strncmp(*settings, key, length) == 0 && (*settings)[length] == '=')
            value = *settings + length + 1;
    }
    return value;
}

/* (nullable): a key that says which pool it is; others, like pool.owner, go with any pool */
static const char *
find_pool_key(char **settings)
{
    static const char *const keys[] = {"pool.url", "pool.username", "pool.password"};

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (find_setting(settings, keys[i]) != NULL)
            return keys[i];
    }
    return NULL;
}

static gboolean
check_one_place(const Arguments *arguments, GError **error)
{
    guint n = arguments_has(arguments, "config") + arguments_has(arguments, "pool") +
              arguments_has(arguments, "simulate");
    g_auto(GStrv) settings = arguments_list(arguments, "set");
    const char *key = find_pool_key(settings);
    const char *place = arguments_has(arguments, "simulate") ? "simulate" : "pool";

    if (n > 1) {
        failure_set(error, FAILURE_USAGE, NULL, "%s",
                    _("--config, --pool and --simulate exclude each other"));
        return FALSE;
    }
    if (key == NULL || !arguments_has(arguments, place) ||
        (strcmp(place, "pool") == 0 && strcmp(key, "pool.url") != 0))
        return TRUE;
    failure_set(error, FAILURE_USAGE, NULL, _("--%s says which pool: no --set %s with it"), place,
                key);
    return FALSE;
}

/* ---- how they are spelt ---- */

static gboolean
is_setting(const char *text)
{
    const char *dot = strchr(text, '.');
    const char *equals = strchr(text, '=');

    return dot != NULL && equals != NULL && dot > text && dot + 1 < equals;
}

static gboolean
is_url(const char *text)
{
    g_autofree char *scheme = g_uri_parse_scheme(text);

    return scheme != NULL && g_str_has_prefix(text + strlen(scheme), "://") &&
           text[strlen(scheme) + strlen("://")] != '\0';
}

static gboolean
is_pin(const char *text)
{
    const char *key = strstr(text, "=sha256//");

    return key != NULL && key > text;
}

static const struct {
    const char *option;
    gboolean (*is_good)(const char *text);
    const char *wanted;
} spellings[] = {
    {"pool", is_url, N_("a URL, https://ADDRESS")},
    {"pin", is_pin, N_("ADDRESS=sha256//BASE64")},
    {"set", is_setting, N_("GROUP.KEY=VALUE")},
};

/* What may be a password is not repeated. */
static gboolean
is_harmless(const char *text)
{
    g_autofree char *lower = g_ascii_strdown(text, -1);

    return strchr(text, '@') == NULL && strstr(lower, "password") == NULL;
}

static gboolean
check_spelling(const Arguments *arguments, gsize row, GError **error)
{
    g_auto(GStrv) texts = arguments_list(arguments, spellings[row].option);

    for (guint i = 0; texts[i] != NULL; i++) {
        if (spellings[row].is_good(texts[i]))
            continue;
        failure_set(error, FAILURE_USAGE, NULL,
                    is_harmless(texts[i]) ? _("--%s takes %s, not \"%s\"") : _("--%s takes %s"),
                    spellings[row].option, _(spellings[row].wanted), texts[i]);
        return FALSE;
    }
    return TRUE;
}

static gboolean
check_spellings(const Arguments *arguments, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(spellings); i++) {
        if (!check_spelling(arguments, i, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- what they come to ---- */

static void
add_setting(GStrvBuilder *settings, const char *key, const char *value)
{
    g_autofree char *setting = g_strconcat(key, "=", value, NULL);

    if (value != NULL)
        g_strv_builder_add(settings, setting);
}

/* Is the pool's address on the command line? */
static gboolean
names_pool(const Arguments *arguments)
{
    g_auto(GStrv) settings = arguments_list(arguments, "set");

    return arguments_has(arguments, "pool") || find_setting(settings, "pool.url") != NULL;
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
    if (user == NULL && names_pool(arguments) && !arguments_has(arguments, "config"))
        user = "root"; /* not whom a file has for another pool; --set pool.username comes later */
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

    if (!check_one_place(arguments, error) || !check_spellings(arguments, error))
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

char *
target_get_value(const Target *target, const char *group, const char *key)
{
    g_autofree char *name = g_strjoin(".", group, key, NULL);
    g_autoptr(GKeyFile) file = g_key_file_new();
    const char *setting = find_setting(target->settings, name);

    if (setting != NULL)
        return g_strdup(setting);
    if (target->config_file == NULL ||
        !g_key_file_load_from_file(file, target->config_file, G_KEY_FILE_NONE, NULL))
        return NULL;
    return g_key_file_get_string(file, group, key, NULL);
}

/* What the driver shall ask us for, where nothing else says where the password is. */
static char *
make_question(const Target *target)
{
    g_autofree char *url = target_get_value(target, "pool", "url");
    g_autofree char *user = target_get_value(target, "pool", "username");

    return url != NULL ? g_strconcat("host:", user != NULL ? user : "root", "@", url, NULL) : NULL;
}

/* A file that has the address and no password: there the key is what is missing. */
static gboolean
check_terminal(const Target *target, GError **error)
{
    if (terminal_is_there())
        return TRUE;
    failure_set(error, HVD_ERROR_SECRET,
                _("write password=file:PATH under [pool], PATH being a file that only you can "
                  "read, or set HVD_CREDENTIAL=file:PATH"),
                _("pool.password is not set in %s, HVD_CREDENTIAL is not set, and there is no "
                  "terminal to ask at"),
                target->config_file);
    return FALSE;
}

/* Of a pool that is named on the command line never the one in the configuration: that belongs to
 * another pool. Without any it is asked for at the terminal. */
static gboolean
add_password(Target *target, const Arguments *arguments, const Credential *credential,
             Output *output, GError **error)
{
    const char *reference = credential_get_reference(credential);
    g_autofree char *configured =
        names_pool(arguments) ? NULL : target_get_value(target, "pool", "password");
    g_autofree char *question = NULL;

    if (!credential_check(credential, error))
        return FALSE;
    if (credential_is_from_environment(credential))
        output_tell(
            output, "%s",
            _("note: a password in the environment is the weakest source; file: is better"));
    if (reference == NULL && (configured == NULL || configured[0] == '\0'))
        reference = question = make_question(target);
    if (question != NULL && !names_pool(arguments) && !check_terminal(target, error))
        return FALSE;
    if (reference != NULL)
        append_setting(target, "pool.password", reference);
    return TRUE;
}

/* ---- the simulated pool ---- */

static gboolean
use_simulated(Target *target, const char *directory, gboolean asked_for, Output *output,
              GError **error)
{
    target->simulated = simulated_open(directory, error);
    if (target->simulated == NULL)
        return FALSE;
    target->config_file = g_strdup(simulated_get_config_file(target->simulated));
    if (!asked_for)
        output_tell(output, _("no configuration: using the simulated pool in %s"),
                    simulated_get_directory(target->simulated));
    return TRUE;
}

/* Who logs in is said, and nothing says where. */
static gboolean
check_address(const Target *target, GError **error)
{
    g_autofree char *url = target_get_value(target, "pool", "url");

    if (target->config_file != NULL || url != NULL)
        return TRUE;
    failure_set(error, HVD_ERROR_CONFIG,
                _("name it with --pool https://ADDRESS (pool.url), or with --config FILE"), "%s",
                _("nothing says which pool is meant"));
    return FALSE;
}

Target *
target_find(const Arguments *arguments, const Credential *credential, Output *output,
            GError **error)
{
    g_autoptr(Target) target = target_describe(arguments, error);
    gboolean found;

    if (target == NULL)
        return NULL;
    if (arguments_has(arguments, "pool") || target->config_file != NULL ||
        find_pool_key(target->settings) != NULL)
        found = check_address(target, error) &&
                add_password(target, arguments, credential, output, error);
    else
        found = use_simulated(target, arguments_get(arguments, "simulate"),
                              arguments_has(arguments, "simulate"), output, error);
    return found ? g_steal_pointer(&target) : NULL;
}
