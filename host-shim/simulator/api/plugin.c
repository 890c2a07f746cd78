/* Plugins of the control domain. One only, the one that the captures know. */
#include "api/families.h"
#include "api/placement.h"

#include <stdlib.h>
#include <string.h>

static int
compare_texts(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* The arguments as the plugin's language prints them (captures: host_call_plugin_ok). */
static void
plugin_echo(SimCall *call, const SimValue *arguments)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    GString *text = g_string_new("[");

    for (guint i = 0; i < sim_value_size(arguments); i++)
        g_ptr_array_add(keys, (gpointer) sim_map_key(arguments, i));
    g_ptr_array_sort(keys, compare_texts);
    for (guint i = 0; i < keys->len; i++) {
        const char *key = g_ptr_array_index(keys, i);

        g_string_append_printf(text, "%s('%s', '%s')", i > 0 ? ", " : "", key,
                               sim_map_get_text(arguments, key));
    }
    g_string_append_c(text, ']');
    sim_call_return(call, sim_string_take(g_string_free(text, FALSE)));
}

static void
plugin_json(SimCall *call, const SimValue *arguments)
{
    (void) arguments;
    sim_call_return(call, sim_string("{\"a\": [1, 2, \"<&>\"]}"));
}

/* An exception, and an error of the plugin's own (observed.md, "Semantics"). */
static void
plugin_boom(SimCall *call, const SimValue *arguments)
{
    (void) arguments;
    sim_call_fail(call, "XENAPI_PLUGIN_FAILURE", "boom", "Exception", "boom", NULL);
}

static void
plugin_fail(SimCall *call, const SimValue *arguments)
{
    (void) arguments;
    sim_call_fail(call, "MY_CODE", "a", "b", NULL);
}

static const struct {
    const char *plugin;
    const char *function;
    void (*run)(SimCall *call, const SimValue *arguments);
} functions[] = {
    {"simplugin", "echo", plugin_echo},
    {"simplugin", "json", plugin_json},
    {"simplugin", "boom", plugin_boom},
    {"simplugin", "fail", plugin_fail},
};

static void
host_call_plugin(SimCall *call)
{
    SimObject *host = sim_call_object(call, 0);
    const char *plugin = sim_call_text(call, 1);
    const char *function = sim_call_text(call, 2);
    gboolean known = FALSE;
    SimValue *error;

    if (host == NULL)
        return;
    error = sim_host_check_contact(sim_call_sim(call), host);
    if (error != NULL) {
        sim_call_fail_with(call, error);
        return;
    }
    sim_call_forward(call, host);
    for (guint i = 0; i < G_N_ELEMENTS(functions); i++) {
        if (strcmp(functions[i].plugin, plugin) != 0)
            continue;
        known = TRUE;
        if (strcmp(functions[i].function, function) == 0) {
            functions[i].run(call, sim_call_arg(call, 3));
            return;
        }
    }
    if (known)
        sim_call_fail(call, "UNKNOWN_XENAPI_PLUGIN_FUNCTION", function, NULL);
    else
        sim_call_fail(call, "XENAPI_MISSING_PLUGIN", plugin, NULL);
}

const SimHandlerEntry sim_plugin_handlers[] = {
    {"host.call_plugin", host_call_plugin},
    {NULL, NULL},
};
