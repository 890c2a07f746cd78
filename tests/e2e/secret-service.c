/* A Secret Service with a few items, for tests: says "ready", then the name of every call that it
 * gets, and ends with its standard input. It speaks no encryption: clients fall back to "plain".
 *
 *   secret-service FILE        items, a line each: ATTRIBUTE=VALUE[,...] TAB open|locked|silent TAB SECRET
 */
#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVICE "/org/freedesktop/secrets"
#define SESSION SERVICE "/session/1"
#define ITEM    SERVICE "/collection/test/"

static const char interfaces[] =
    "<node>"
    "<interface name='org.freedesktop.Secret.Service'>"
    "<method name='OpenSession'><arg type='s'/><arg type='v'/><arg type='v' direction='out'/>"
    "<arg type='o' direction='out'/></method>"
    "<method name='SearchItems'><arg type='a{ss}'/><arg type='ao' direction='out'/>"
    "<arg type='ao' direction='out'/></method>"
    "<method name='Unlock'><arg type='ao'/><arg type='ao' direction='out'/>"
    "<arg type='o' direction='out'/></method>"
    "<property name='Collections' type='ao' access='read'/>"
    "</interface>"
    "<interface name='org.freedesktop.Secret.Item'>"
    "<method name='GetSecret'><arg type='o'/><arg type='(oayays)' direction='out'/></method>"
    "<property name='Locked' type='b' access='read'/>"
    "<property name='Attributes' type='a{ss}' access='read'/>"
    "<property name='Label' type='s' access='read'/>"
    "<property name='Created' type='t' access='read'/>"
    "<property name='Modified' type='t' access='read'/>"
    "</interface>"
    "</node>";

typedef struct {
    char *path;
    char **pairs;
    char *state;
    char *secret;
} Item;

typedef struct {
    GMainLoop *loop;
    GDBusNodeInfo *node;
    GPtrArray *items; /* of Item */
} Mock;

static void
item_free(gpointer data)
{
    Item *item = data;

    g_free(item->path);
    g_strfreev(item->pairs);
    g_free(item->state);
    g_free(item->secret);
    g_free(item);
}

static void
say(const char *what)
{
    printf("%s\n", what);
    fflush(stdout);
}

static void
read_items(Mock *mock, const char *file)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    if (!g_file_get_contents(file, &text, NULL, NULL))
        exit(EXIT_FAILURE);
    lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++) {
        g_auto(GStrv) cells = g_strsplit(lines[i], "\t", 3);
        Item *item = g_new0(Item, 1);

        item->path = g_strdup_printf(ITEM "%u", i);
        item->pairs = g_strsplit(cells[0], ",", -1);
        item->state = g_strdup(cells[1]);
        item->secret = g_strdup(cells[2]);
        g_ptr_array_add(mock->items, item);
    }
}

static gboolean
is_locked(const Item *item)
{
    return strcmp(item->state, "locked") == 0;
}

/* ---- the service ---- */

static gboolean
fits(const Item *item, GVariant *wanted)
{
    GVariantIter iter;
    const char *name, *value;

    g_variant_iter_init(&iter, wanted);
    while (g_variant_iter_next(&iter, "{&s&s}", &name, &value)) {
        g_autofree char *pair = g_strdup_printf("%s=%s", name, value);

        if (!g_strv_contains((const char *const *) item->pairs, pair))
            return FALSE;
    }
    return TRUE;
}

static GVariant *
search(const Mock *mock, GVariant *arguments)
{
    g_autoptr(GVariant) wanted = g_variant_get_child_value(arguments, 0);
    GVariantBuilder unlocked, locked;

    g_variant_builder_init(&unlocked, G_VARIANT_TYPE("ao"));
    g_variant_builder_init(&locked, G_VARIANT_TYPE("ao"));
    for (guint i = 0; i < mock->items->len; i++) {
        const Item *item = g_ptr_array_index(mock->items, i);

        if (fits(item, wanted))
            g_variant_builder_add(is_locked(item) ? &locked : &unlocked, "o", item->path);
    }
    return g_variant_new("(aoao)", &unlocked, &locked);
}

static void
on_service_call(GDBusConnection *bus G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
                const char *path G_GNUC_UNUSED, const char *interface G_GNUC_UNUSED,
                const char *method, GVariant *arguments, GDBusMethodInvocation *call, gpointer data)
{
    const char *algorithm = NULL;

    say(method);
    if (strcmp(method, "OpenSession") == 0)
        g_variant_get_child(arguments, 0, "&s", &algorithm);
    if (strcmp(method, "SearchItems") == 0)
        g_dbus_method_invocation_return_value(call, search(data, arguments));
    else if (g_strcmp0(algorithm, "plain") == 0)
        g_dbus_method_invocation_return_value(
            call, g_variant_new("(vo)", g_variant_new_string(""), SESSION));
    else
        g_dbus_method_invocation_return_dbus_error(call, "org.freedesktop.DBus.Error.NotSupported",
                                                   "not here");
}

static GVariant *
get_service_property(GDBusConnection *bus G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
                     const char *path G_GNUC_UNUSED, const char *interface G_GNUC_UNUSED,
                     const char *name G_GNUC_UNUSED, GError **error G_GNUC_UNUSED,
                     gpointer data G_GNUC_UNUSED)
{
    return g_variant_new_objv(NULL, 0);
}

/* ---- an item ---- */

static void
on_item_call(GDBusConnection *bus G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
             const char *path G_GNUC_UNUSED, const char *interface G_GNUC_UNUSED,
             const char *method, GVariant *arguments G_GNUC_UNUSED, GDBusMethodInvocation *call,
             gpointer data)
{
    const Item *item = data;
    GVariant *secret;

    say(method);
    if (strcmp(item->state, "silent") == 0)
        return; /* whoever asks waits */
    secret = g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, item->secret, strlen(item->secret), 1);
    g_dbus_method_invocation_return_value(
        call, g_variant_new("((o@ay@ays))", SESSION,
                            g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, "", 0, 1), secret,
                            "text/plain"));
}

static GVariant *
get_item_property(GDBusConnection *bus G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
                  const char *path G_GNUC_UNUSED, const char *interface G_GNUC_UNUSED,
                  const char *name, GError **error G_GNUC_UNUSED, gpointer data)
{
    const Item *item = data;
    GVariantBuilder attributes;

    if (strcmp(name, "Locked") == 0)
        return g_variant_new_boolean(is_locked(item));
    if (strcmp(name, "Label") == 0)
        return g_variant_new_string(item->path);
    if (strcmp(name, "Attributes") != 0)
        return g_variant_new_uint64(0);
    g_variant_builder_init(&attributes, G_VARIANT_TYPE("a{ss}"));
    for (guint i = 0; item->pairs[i] != NULL; i++) {
        g_auto(GStrv) pair = g_strsplit(item->pairs[i], "=", 2);

        g_variant_builder_add(&attributes, "{ss}", pair[0], pair[1]);
    }
    return g_variant_builder_end(&attributes);
}

/* ---- on the bus ---- */

static const GDBusInterfaceVTable service_table = {.method_call = on_service_call,
                                                   .get_property = get_service_property};
static const GDBusInterfaceVTable item_table = {.method_call = on_item_call,
                                                .get_property = get_item_property};

static void
on_bus(GDBusConnection *bus, const char *name G_GNUC_UNUSED, gpointer data)
{
    Mock *mock = data;

    g_dbus_connection_register_object(bus, SERVICE, mock->node->interfaces[0], &service_table, mock,
                                      NULL, NULL);
    for (guint i = 0; i < mock->items->len; i++) {
        Item *item = g_ptr_array_index(mock->items, i);

        g_dbus_connection_register_object(bus, item->path, mock->node->interfaces[1], &item_table,
                                          item, NULL, NULL);
    }
}

static void
on_name(GDBusConnection *bus G_GNUC_UNUSED, const char *name G_GNUC_UNUSED,
        gpointer data G_GNUC_UNUSED)
{
    say("ready");
}

static void
on_lost(GDBusConnection *bus G_GNUC_UNUSED, const char *name G_GNUC_UNUSED, gpointer data)
{
    Mock *mock = data;

    g_main_loop_quit(mock->loop);
}

static gboolean
on_input(GIOChannel *channel G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
    Mock *mock = data;

    g_main_loop_quit(mock->loop);
    return G_SOURCE_REMOVE;
}

int
main(int argc, char **argv)
{
    Mock mock = {.loop = g_main_loop_new(NULL, FALSE)};
    g_autoptr(GIOChannel) input = g_io_channel_unix_new(STDIN_FILENO);
    guint owner;

    if (argc != 2)
        return EXIT_FAILURE;
    mock.node = g_dbus_node_info_new_for_xml(interfaces, NULL);
    mock.items = g_ptr_array_new_with_free_func(item_free);
    read_items(&mock, argv[1]);
    g_io_add_watch(input, G_IO_IN | G_IO_HUP, on_input, &mock);
    owner = g_bus_own_name(G_BUS_TYPE_SESSION, "org.freedesktop.secrets",
                           G_BUS_NAME_OWNER_FLAGS_NONE, on_bus, on_name, on_lost, &mock, NULL);
    g_main_loop_run(mock.loop);
    g_bus_unown_name(owner);
    g_ptr_array_unref(mock.items);
    g_dbus_node_info_unref(mock.node);
    g_main_loop_unref(mock.loop);
    return EXIT_SUCCESS;
}
