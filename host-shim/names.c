#include "names.h"

#include "document.h"

#include <string.h>

/* ---- where ---- */

/* (nullable): of a simulated pool in its own directory, of others in the cache, by their address */
static char *
find_file(const Arguments *arguments)
{
    g_autoptr(Target) target = target_describe(arguments, NULL);
    g_autofree char *url = target != NULL ? target_get_value(target, "pool", "url") : NULL;
    g_autofree char *directory = NULL;
    g_autofree char *digest = NULL;

    if (target == NULL)
        return NULL;
    if (url == NULL && target->config_file == NULL) {
        directory = simulated_find_directory(arguments_get(arguments, "simulate"));
        return g_build_filename(directory, "names.json", NULL);
    }
    if (url == NULL)
        return NULL;
    digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, url, -1);
    return g_build_filename(g_get_user_cache_dir(), "hvd", digest, NULL);
}

/* ---- writing ---- */

/* However old, and no part of a plan: nobody waits for it. A signal, which may have ended the command,
 * does not stop it. */
static JsonNode *
read_list(Shim *shim, const char *slot)
{
    HvdCall *call = runner_get_call(shim->runner);
    HvdCallFlags flags = call->flags;
    g_autofree char *text = NULL;

    call->flags = HVD_CALL_ALLOW_STALE;
    runner_shield(shim->runner, TRUE);
    if (runner_has(shim->runner, slot))
        text = runner_call(shim->runner, slot, NULL);
    runner_shield(shim->runner, FALSE);
    call->flags = flags;
    return text != NULL ? document_parse(text) : NULL;
}

static gboolean
add_names(Shim *shim, JsonObject *all, const char *member, const char *slot)
{
    g_autoptr(JsonNode) list = read_list(shim, slot);
    g_autoptr(GPtrArray) objects = document_elements(list);
    JsonArray *array = json_array_new();

    for (guint i = 0; i < objects->len; i++) {
        const char *name = document_text(g_ptr_array_index(objects, i), "name");
        const char *uuid = document_text(g_ptr_array_index(objects, i), "uuid");
        JsonObject *object = json_object_new();

        json_object_set_string_member(object, "name", name != NULL ? name : "");
        json_object_set_string_member(object, "uuid", uuid != NULL ? uuid : "");
        json_array_add_object_element(array, object);
    }
    json_object_set_array_member(all, member, array);
    return list != NULL;
}

void
names_remember(Shim *shim)
{
    g_autofree char *file = shim->runner != NULL ? find_file(shim->arguments) : NULL;
    g_autofree char *directory = file != NULL ? g_path_get_dirname(file) : NULL;
    g_autoptr(JsonObject) all = json_object_new();
    g_autofree char *text = NULL;

    if (file == NULL || g_mkdir_with_parents(directory, 0700) != 0 ||
        !add_names(shim, all, "instances", "list_instances") ||
        !add_names(shim, all, "nodes", "list_nodes"))
        return;
    text = document_print_object(all);
    g_file_set_contents_full(file, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL);
}

/* ---- reading ---- */

JsonNode *
names_recall(const Arguments *arguments)
{
    g_autofree char *file = find_file(arguments);
    g_autofree char *text = NULL;

    if (file == NULL || !g_file_get_contents(file, &text, NULL, NULL))
        return NULL;
    return document_parse(text);
}
