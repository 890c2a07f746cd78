#include "base/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_FILE "/etc/hvd/xenapi.conf"
#define MAX_FILE     (256 * 1024)
#define MAX_SHOWN    60

typedef struct {
    char *text;
    gint64 number; /* of choices: the position */
    char **list;
} Value;

struct _XdConfig {
    Value values[XD_N_CONFIG_KEYS];
};

/* Collects all faults, so that they are mended in one go. */
typedef struct {
    GString *text;
    HvdError code;
} Faults;

static void add_fault(Faults *faults, HvdError code, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void
add_fault(Faults *faults, HvdError code, const char *format, ...)
{
    va_list arguments;

    if (faults->text->len > 0)
        g_string_append(faults->text, "; ");
    va_start(arguments, format);
    g_string_append_vprintf(faults->text, format, arguments);
    va_end(arguments);
    if (faults->code != HVD_ERROR_SECRET_LITERAL)
        faults->code = code;
}

/* ---- values ---- */

/* A password in its place's stead must not be shown, nor taken. */
static gboolean
is_reference(const char *text)
{
    static const char *const schemes[] = {"file:", "credential:", "fd:", "host:"};

    for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++) {
        if (g_str_has_prefix(text, schemes[i]) && text[strlen(schemes[i])] != '\0')
            return TRUE;
    }
    return FALSE;
}

static void
set_secret(const XdConfigKey *key, Value *value, const char *text, Faults *faults)
{
    if (is_reference(text))
        value->text = g_strdup(text);
    else
        add_fault(faults, HVD_ERROR_SECRET_LITERAL,
                  "%s.%s: expected a reference (file:, credential:, fd: or host:), not a value",
                  key->group, key->name);
}

static void
set_choice(const XdConfigKey *key, Value *value, const char *text, Faults *faults)
{
    g_autofree char *choices = NULL;
    g_autofree char *shown = NULL;

    for (guint i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], text) == 0) {
            value->text = g_strdup(text);
            value->number = i;
            return;
        }
    }
    choices = g_strjoinv(", ", (char **) key->choices);
    shown = xd_escape(text, -1, MAX_SHOWN);
    add_fault(faults, HVD_ERROR_CONFIG, "%s.%s: expected one of %s, found \"%s\"", key->group,
              key->name, choices, shown);
}

static void
set_integer(const XdConfigKey *key, Value *value, const char *text, Faults *faults)
{
    g_autofree char *shown = NULL;

    if (g_ascii_string_to_signed(text, 10, key->least, key->most, &value->number, NULL))
        return;
    shown = xd_escape(text, -1, MAX_SHOWN);
    add_fault(faults, HVD_ERROR_CONFIG,
              "%s.%s: expected a number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
              ", found \"%s\"",
              key->group, key->name, key->least, key->most, shown);
}

static void
set_boolean(const XdConfigKey *key, Value *value, const char *text, Faults *faults)
{
    g_autofree char *shown = NULL;

    value->number = strcmp(text, "true") == 0;
    if (value->number == 1 || strcmp(text, "false") == 0)
        return;
    shown = xd_escape(text, -1, MAX_SHOWN);
    add_fault(faults, HVD_ERROR_CONFIG, "%s.%s: expected true or false, found \"%s\"", key->group,
              key->name, shown);
}

static void
value_clear(Value *value)
{
    g_free(value->text);
    g_strfreev(value->list);
    *value = (Value){0};
}

static void
set_list(Value *value, const char *text)
{
    value->list = g_strsplit(text, ";", -1);
    for (guint i = 0, kept = 0; value->list[i] != NULL; i++) {
        char *item = g_strstrip(value->list[i]);

        value->list[i] = NULL;
        if (item[0] != '\0')
            value->list[kept++] = item;
        else
            g_free(item);
    }
}

static void
set_value(XdConfig *config, XdConfigId id, const char *text, Faults *faults)
{
    const XdConfigKey *key = &xd_config_keys[id];
    Value *value = &config->values[id];

    value_clear(value);
    if (!g_utf8_validate(text, -1, NULL)) {
        add_fault(faults, HVD_ERROR_CONFIG, "%s.%s: not UTF-8", key->group, key->name);
        return;
    }
    switch (key->type) {
    case XD_CONFIG_STRING: value->text = g_strdup(text); break;
    case XD_CONFIG_SECRET: set_secret(key, value, text, faults); break;
    case XD_CONFIG_CHOICE: set_choice(key, value, text, faults); break;
    case XD_CONFIG_LIST: set_list(value, text); break;
    case XD_CONFIG_BOOLEAN: set_boolean(key, value, text, faults); break;
    case XD_CONFIG_INTEGER: set_integer(key, value, text, faults); break;
    default: g_assert_not_reached();
    }
}

static void
set_defaults(XdConfig *config, Faults *faults)
{
    for (guint i = 0; i < XD_N_CONFIG_KEYS; i++) {
        const XdConfigKey *key = &xd_config_keys[i];
        Value *value = &config->values[i];

        if (key->type == XD_CONFIG_CHOICE)
            set_choice(key, value, key->default_text, faults);
        else if (key->type == XD_CONFIG_LIST)
            value->list = g_new0(char *, 1);
        else
            value->text = g_strdup(key->default_text);
        if (key->type == XD_CONFIG_BOOLEAN || key->type == XD_CONFIG_INTEGER)
            value->number = key->default_number;
    }
}

static int
find_key(const char *group, const char *name)
{
    for (int i = 0; i < XD_N_CONFIG_KEYS; i++) {
        if (strcmp(xd_config_keys[i].group, group) == 0 &&
            strcmp(xd_config_keys[i].name, name) == 0)
            return i;
    }
    return -1;
}

/* "connection_password = x": no such key, and its value is not for any message either. */
static gboolean
looks_secret(const char *name)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);

    return strstr(lower, "passw") != NULL || strstr(lower, "secret") != NULL ||
           strstr(lower, "token") != NULL;
}

static void
set_named(XdConfig *config, const char *group, const char *name, const char *text, Faults *faults)
{
    int id = find_key(group, name);
    g_autofree char *shown = NULL;

    if (id >= 0) {
        set_value(config, (XdConfigId) id, text, faults);
        return;
    }
    shown = xd_escape(name, -1, MAX_SHOWN);
    if (looks_secret(name))
        add_fault(faults, HVD_ERROR_SECRET_LITERAL,
                  "%s.%s: there is no such key; pool.password takes a reference to a secret", group,
                  shown);
    else
        add_fault(faults, HVD_ERROR_CONFIG, "%s.%s: there is no such key", group, shown);
}

/* ---- the file ---- */

/* What is wrong with the file, or NULL: it says whom to trust, so nobody else may write it. */
static const char *
file_fault(int fd)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        return "cannot be examined";
    if (!S_ISREG(info.st_mode))
        return "is not a regular file";
    if (info.st_uid != geteuid() && info.st_uid != 0)
        return "belongs to another user";
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "can be written by others: chmod go-w it";
    return info.st_size > MAX_FILE ? "is too large" : NULL;
}

static char *
read_file(int fd)
{
    g_autofree char *text = g_malloc(MAX_FILE + 1);
    gsize length = 0;
    gssize n = 1;

    while (n > 0 && length < MAX_FILE) {
        n = TEMP_FAILURE_RETRY(read(fd, text + length, MAX_FILE - length));
        length += n > 0 ? (gsize) n : 0;
    }
    text[length] = '\0';
    return n >= 0 ? g_steal_pointer(&text) : NULL;
}

static void
take_text(XdConfig *config, const char *text, Faults *faults)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_auto(GStrv) groups = NULL;

    /* GKeyFile's own message quotes the line, and the line may be a password */
    if (!g_key_file_load_from_data(file, text, (gsize) -1, G_KEY_FILE_NONE, NULL)) {
        add_fault(faults, HVD_ERROR_CONFIG, "it is no key file: expected [group] and key=value");
        return;
    }
    groups = g_key_file_get_groups(file, NULL);
    for (guint i = 0; groups[i] != NULL; i++) {
        g_auto(GStrv) names = g_key_file_get_keys(file, groups[i], NULL, NULL);

        for (guint k = 0; names != NULL && names[k] != NULL; k++) {
            g_autofree char *value = g_key_file_get_value(file, groups[i], names[k], NULL);

            set_named(config, groups[i], names[k], value, faults);
        }
    }
}

static gboolean
take_file(XdConfig *config, const char *path, gboolean needed, Faults *faults)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    g_autofree char *text = NULL;
    const char *fault;

    if (fd < 0) {
        if (needed || errno != ENOENT)
            add_fault(faults, HVD_ERROR_CONFIG, "it cannot be opened: %s", g_strerror(errno));
        return FALSE;
    }
    fault = file_fault(fd);
    text = fault == NULL ? read_file(fd) : NULL;
    close(fd);
    if (fault != NULL)
        add_fault(faults, HVD_ERROR_CONFIG, "it %s", fault);
    else if (text == NULL)
        add_fault(faults, HVD_ERROR_CONFIG, "it cannot be read");
    else
        take_text(config, text, faults);
    return TRUE;
}

static void
take_settings(XdConfig *config, const char *const *settings, Faults *faults)
{
    for (guint i = 0; settings != NULL && settings[i] != NULL; i++) {
        const char *dot = strchr(settings[i], '.');
        const char *equals = strchr(settings[i], '=');
        g_autofree char *group = NULL;
        g_autofree char *name = NULL;

        if (dot == NULL || equals == NULL || dot > equals) {
            add_fault(faults, HVD_ERROR_CONFIG, "setting %u: expected GROUP.KEY=VALUE", i + 1);
            continue;
        }
        group = g_strndup(settings[i], (gsize) (dot - settings[i]));
        name = g_strndup(dot + 1, (gsize) (equals - dot - 1));
        set_named(config, group, name, equals + 1, faults);
    }
}

/* ---- the face ---- */

XdConfig *
xd_config_load(const char *file, const char *const *settings, GError **error)
{
    g_autoptr(XdConfig) config = g_new0(XdConfig, 1);
    g_autoptr(GString) text = g_string_new(NULL);
    Faults faults = {text, HVD_ERROR_CONFIG};
    const char *path = file != NULL ? file : DEFAULT_FILE;

    set_defaults(config, &faults);
    take_file(config, path, file != NULL, &faults);
    if (text->len > 0) {
        g_string_prepend(text, ": ");
        g_string_prepend(text, path);
    }
    take_settings(config, settings, &faults);
    if (text->len == 0)
        return g_steal_pointer(&config);
    xd_set_error(error, faults.code, "configuration: %s", text->str);
    return NULL;
}

void
xd_config_free(XdConfig *config)
{
    for (guint i = 0; i < XD_N_CONFIG_KEYS; i++)
        value_clear(&config->values[i]);
    g_free(config);
}

const char *
xd_config_get_string(const XdConfig *config, XdConfigId id)
{
    return config->values[id].text;
}

guint
xd_config_get_uint(const XdConfig *config, XdConfigId id)
{
    return (guint) MIN(config->values[id].number, (gint64) G_MAXUINT);
}

const char *const *
xd_config_get_strv(const XdConfig *config, XdConfigId id)
{
    return (const char *const *) config->values[id].list;
}

guint
xd_config_get_choice(const XdConfig *config, XdConfigId id)
{
    return (guint) config->values[id].number;
}
