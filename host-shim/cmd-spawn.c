/* spawn: from an instance document, or from an image and options that make one of it. */
#include "act.h"
#include "cmd.h"
#include "describe.h"
#include "failure.h"
#include "image.h"
#include "limit.h"
#include "pointer.h"
#include "resolve.h"
#include "text.h"

#include <glib/gi18n.h>
#include <string.h>

/* What an image gets where nobody says. */
#define MEMORY_BYTES (G_GINT64_CONSTANT(1) << 30)
#define VCPUS        1
/* The bridge of a node's first network card: the management network of an ordinary installation. */
#define NETWORK "xenbr0"

/* ---- options that are for one kind of FILE only ---- */

static const char *const for_images[] = {
    "name",       "uuid", "memory", "vcpus",   "disk",     "extra-disk", "network",  "sha256",
    "no-network", "mac",  "node",   "storage", "hostname", "metadata",   "firmware", NULL,
};

static const char *
find_given(const Arguments *arguments, const char *const *names)
{
    for (guint i = 0; names[i] != NULL; i++) {
        if (arguments_has(arguments, names[i]))
            return names[i];
    }
    return NULL;
}

static gboolean
is_stdin(const char *path)
{
    return g_strcmp0(path, "-") == 0;
}

static const char *
advise_on_options(const Arguments *arguments, gboolean is_document)
{
    return is_document && is_stdin(arguments_operand(arguments, 0))
               ? _("for an image on standard input add --image-size BYTES")
               : NULL;
}

static gboolean
check_options(const Arguments *arguments, gboolean is_document, GError **error)
{
    static const char *const for_documents[] = {"image", NULL};
    const char *given = find_given(arguments, is_document ? for_images : for_documents);

    if (given == NULL)
        return TRUE;
    failure_set(error, FAILURE_USAGE, advise_on_options(arguments, is_document),
                is_document ? _("--%s is for images: FILE is a document, which says it all")
                            : _("--%s is for documents: FILE is an image itself"),
                given);
    return FALSE;
}

/* Before it is read: whoever types the command at a terminal would wait for nothing. */
static gboolean
check_stdin(const Arguments *arguments, GError **error)
{
    if (!is_stdin(arguments_operand(arguments, 0)) || arguments_has(arguments, "image-size"))
        return TRUE;
    if (!is_stdin(arguments_get(arguments, "image")))
        return check_options(arguments, TRUE, error);
    failure_set(error, FAILURE_USAGE, NULL, "%s",
                _("standard input cannot be both, the document and its image"));
    return FALSE;
}

/* ---- opening it ---- */

/* There is nothing to undo yet: a signal or --timeout ends it at once. */
static gboolean
open_url(Shim *shim, Image *image, const char *url, ImageOptions *options, GError **error)
{
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    guint seconds = (guint) arguments_number(shim->arguments, "timeout", 0);
    Interrupt *interrupt = interrupt_new(shim->output, cancellable);
    Limit *limit = limit_new(seconds, cancellable);
    gboolean opened;

    interrupt_expect(interrupt, TRUE);
    options->cancellable = cancellable;
    opened = image_open(image, url, options, error);
    interrupt_free(interrupt);
    if (limit_free(limit) && !opened) {
        g_clear_error(error);
        failure_set(error, HVD_ERROR_TIMED_OUT, _("give it more time with --timeout"),
                    _("the image's server did not answer within %u s"), seconds);
    }
    return opened;
}

static gboolean
open_image(Shim *shim, Image *image, const char *path, gboolean is_image, GError **error)
{
    ImageOptions options = {.is_image = is_image};

    if (!fetch_url_is(path))
        return image_open(image, path, &options, error);
    options.ca_file = arguments_get(shim->arguments, "image-ca-file");
    return open_url(shim, image, path, &options, error);
}

/* The image is FILE, or lies beside the document that FILE is. */
static gboolean
check_authority(const Arguments *arguments, GError **error)
{
    const char *beside = arguments_get(arguments, "image");
    const char *path = beside != NULL ? beside : arguments_operand(arguments, 0);

    if (!arguments_has(arguments, "image-ca-file") || fetch_url_is(path))
        return TRUE;
    failure_set(error, FAILURE_USAGE, NULL,
                _("--image-ca-file is for images from https://, and %s is none"), path);
    return FALSE;
}

/* ---- a document of options ---- */

static void
add_text(JsonObject *document, const char *member, const char *text)
{
    if (text != NULL)
        json_object_set_string_member(document, member, text);
}

static char *
random_mac(void)
{
    guint32 bits = g_random_int();

    return g_strdup_printf("fa:16:3e:%02x:%02x:%02x", bits & 0xff, bits >> 8 & 0xff,
                           bits >> 16 & 0xff);
}

/* Here it is still known which option it was. */
static gboolean
check_texts(const Arguments *arguments, GError **error)
{
    for (guint i = 0; for_images[i] != NULL; i++) {
        g_auto(GStrv) texts = arguments_list(arguments, for_images[i]);
        g_autofree char *text = g_strjoinv(" ", texts);

        if (!g_utf8_validate(text, -1, NULL)) {
            failure_set(error, FAILURE_USAGE, NULL, _("--%s takes text in UTF-8"), for_images[i]);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
add_networks(JsonObject *document, const Arguments *arguments, GError **error)
{
    static const char *const otherwise[] = {NETWORK, NULL};
    g_auto(GStrv) given = arguments_list(arguments, "network");
    g_auto(GStrv) macs = arguments_list(arguments, "mac");
    const char *const *networks = given[0] != NULL ? (const char *const *) given : otherwise;
    guint n = arguments_has(arguments, "no-network") ? 0 : g_strv_length((char **) networks);
    JsonArray *array;

    if (g_strv_length(macs) > n || (n == 0 && given[0] != NULL)) {
        failure_set(error, FAILURE_USAGE, NULL, "%s",
                    n == 0 ? _("--no-network goes neither with --network nor with --mac")
                           : _("there are more of --mac than of --network"));
        return FALSE;
    }
    array = json_array_new();
    for (guint i = 0; i < n && networks[i] != NULL; i++) {
        JsonObject *nic = json_object_new();
        g_autofree char *mac = i < g_strv_length(macs) ? g_strdup(macs[i]) : random_mac();

        add_text(nic, "mac", mac);
        add_text(nic, "network", networks[i]);
        json_array_add_object_element(array, nic);
    }
    json_object_set_array_member(document, "networks", array);
    return TRUE;
}

static gboolean
add_disks(JsonObject *document, const Arguments *arguments, GError **error)
{
    gint64 root_bytes = arguments_number(arguments, "disk", 0);
    g_auto(GStrv) sizes = arguments_list(arguments, "extra-disk");
    JsonObject *root = json_object_new();
    JsonArray *disks = json_array_new();
    guint64 bytes = 0;

    if (root_bytes > 0)
        json_object_set_int_member(root, "size_bytes", root_bytes);
    json_object_set_object_member(document, "root_disk", root);
    json_object_set_array_member(document, "disks", disks);
    for (guint i = 0; sizes[i] != NULL; i++) {
        JsonObject *disk = json_object_new();

        json_array_add_object_element(disks, disk);
        if (!text_parse_size(sizes[i], &bytes)) {
            failure_set(error, FAILURE_USAGE, NULL, _("--extra-disk takes a size, not \"%s\""),
                        sizes[i]);
            return FALSE;
        }
        json_object_set_int_member(disk, "size_bytes", (gint64) bytes);
    }
    return TRUE;
}

static gboolean
add_metadata(JsonObject *document, const Arguments *arguments, GError **error)
{
    g_auto(GStrv) pairs = arguments_list(arguments, "metadata");
    JsonObject *metadata = json_object_new();

    json_object_set_object_member(document, "metadata", metadata);
    for (guint i = 0; pairs[i] != NULL; i++) {
        const char *equals = strchr(pairs[i], '=');
        g_autofree char *key =
            equals != NULL ? g_strndup(pairs[i], (gsize) (equals - pairs[i])) : NULL;

        if (key == NULL || key[0] == '\0') {
            failure_set(error, FAILURE_USAGE, NULL, "%s", _("--metadata takes KEY=VALUE"));
            return FALSE;
        }
        add_text(metadata, key, equals + 1);
    }
    return TRUE;
}

static gboolean
add_image(JsonObject *document, const Arguments *arguments, const Image *image, GError **error)
{
    JsonObject *stream = json_object_new();
    gint64 bytes = arguments_number(arguments, "image-size", image->size_bytes);

    json_object_set_object_member(document, "image", stream);
    add_text(stream, "source", "stream");
    add_text(stream, "format", "raw");
    add_text(stream, "sha256", arguments_get(arguments, "sha256"));
    if (bytes > 0) {
        json_object_set_int_member(stream, "size_bytes", bytes);
        return TRUE;
    }
    failure_set(
        error, FAILURE_USAGE, NULL, "%s",
        image->fetch != NULL
            ? _("the server does not tell how long the image is: --image-size is needed")
            : _("a pipe does not tell how long the image in it is: --image-size is needed"));
    return FALSE;
}

/* Of the same request always the same: a name-based uuid, version 5 of RFC 9562. */
static char *
uuid_of_request(const char *request_id)
{
    /* our own, drawn once: 1f3b5f0e-9a63-4c6e-8d0b-3f6c2a7e51d4 */
    static const guint8 space[] = {
        0x1f, 0x3b, 0x5f, 0x0e, 0x9a, 0x63, 0x4c, 0x6e,
        0x8d, 0x0b, 0x3f, 0x6c, 0x2a, 0x7e, 0x51, 0xd4,
    };
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA1);
    g_autoptr(GString) uuid = g_string_new(NULL);
    guint8 digest[20];
    gsize length = sizeof digest;

    g_checksum_update(checksum, space, sizeof space);
    g_checksum_update(checksum, (const guchar *) request_id, -1);
    g_checksum_get_digest(checksum, digest, &length);
    digest[6] = (digest[6] & 0x0f) | 0x50;
    digest[8] = (digest[8] & 0x3f) | 0x80;
    for (gsize i = 0; i < 16; i++)
        g_string_append_printf(uuid, "%s%02x", i >= 4 && i <= 10 && i % 2 == 0 ? "-" : "",
                               digest[i]);
    return g_string_free(g_steal_pointer(&uuid), FALSE);
}

static char *
choose_uuid(const Arguments *arguments)
{
    const char *given = arguments_get(arguments, "uuid");
    const char *request_id = arguments_get(arguments, "request-id");

    if (given != NULL)
        return g_ascii_strdown(given, -1);
    return request_id != NULL ? uuid_of_request(request_id) : g_uuid_string_random();
}

static gboolean
add_who(JsonObject *document, const Arguments *arguments, const Image *image, GError **error)
{
    const char *name = arguments_get(arguments, "name");
    g_autofree char *uuid = choose_uuid(arguments);

    if (name == NULL)
        name = image->name;
    if (name[0] == '\0') {
        failure_set(error, FAILURE_USAGE, NULL, "%s",
                    image->fetch != NULL ? _("the image's URL ends with no name: --name is needed")
                                         : _("standard input has no name: --name is needed"));
        return FALSE;
    }
    add_text(document, "uuid", uuid);
    add_text(document, "name", name);
    return TRUE;
}

/* All but the node, which only the pool can name. */
static JsonObject *
make_document(const Arguments *arguments, const Image *image, GError **error)
{
    g_autoptr(JsonObject) document = json_object_new();

    json_object_set_int_member(document, "memory_bytes",
                               arguments_number(arguments, "memory", MEMORY_BYTES));
    json_object_set_int_member(document, "vcpus", arguments_number(arguments, "vcpus", VCPUS));
    add_text(document, "storage", arguments_get(arguments, "storage"));
    add_text(document, "hostname", arguments_get(arguments, "hostname"));
    add_text(document, "firmware", arguments_get(arguments, "firmware"));
    if (check_texts(arguments, error) && add_who(document, arguments, image, error) &&
        add_image(document, arguments, image, error) && add_disks(document, arguments, error) &&
        add_networks(document, arguments, error) && add_metadata(document, arguments, error))
        return g_steal_pointer(&document);
    return NULL;
}

/* ---- the command ---- */

static gboolean
add_node(Shim *shim, JsonObject *document, GError **error)
{
    const char *word = arguments_get(shim->arguments, "node");
    g_autofree char *node = word != NULL ? resolve_node(shim, word, error) : NULL;

    add_text(document, "node", node);
    return word == NULL || node != NULL;
}

static void
show_spawned(Output *output, JsonNode *info)
{
    describe_instance_briefly(output, document_object(info));
}

static gboolean
spawn(Shim *shim, const char *document, GInputStream *stream, const char *name, GError **error)
{
    runner_get_call(shim->runner)->request_id = arguments_get(shim->arguments, "request-id");
    progress_begin(shim->progress, name);
    return present(shim, runner_spawn(shim->runner, document, stream, error), show_spawned);
}

static const PointerOption options[] = {
    {"/uuid", "uuid"},
    {"/name", "name"},
    {"/memory_bytes", "memory"},
    {"/vcpus", "vcpus"},
    {"/storage", "storage"},
    {"/hostname", "hostname"},
    {"/firmware", "firmware"},
    {"/node", "node"},
    {"/metadata*", "metadata"},
    {"/networks/*/mac", "mac"},
    {"/networks*", "network"},
    {"/root_disk*", "disk"},
    {"/disks*", "extra-disk"},
    {"/image/sha256", "sha256"},
    {"/image/size_bytes", "image-size"},
    {NULL, NULL},
};

/* The storages of that name: the driver counts them, and names none. */
static void
add_storages(Shim *shim, GError *error)
{
    const char *word = arguments_get(shim->arguments, "storage");
    g_autoptr(JsonNode) list = resolve_read(shim, "list_nodes", NULL, NULL);
    g_autoptr(GPtrArray) nodes = document_elements(list);

    for (guint i = 0; i < nodes->len; i++) {
        JsonObject *node = g_ptr_array_index(nodes, i);
        g_autoptr(GPtrArray) storages = document_objects(node, "storage");

        for (guint k = 0; k < storages->len; k++) {
            JsonObject *storage = g_ptr_array_index(storages, k);

            if (g_strcmp0(document_text(storage, "name"), word) == 0)
                failure_add_candidate(error,
                                      resolve_make_candidate(storage, document_text(node, "name")));
        }
    }
}

/* @document: what the options came to */
static gboolean
spawn_by_options(Shim *shim, JsonObject *document, const Image *image, GError **error)
{
    g_autofree char *text = document_print_object(document);
    GError *problem = NULL;

    if (spawn(shim, text, image->stream, document_text(document, "name"), &problem))
        return TRUE;
    problem = image_explain(image, problem);
    if (failure_is(problem, HVD_ERROR_AMBIGUOUS) && arguments_has(shim->arguments, "storage"))
        add_storages(shim, problem);
    pointer_tell_option(problem, options);
    g_propagate_error(error, problem);
    return FALSE;
}

static gboolean
spawn_image(Shim *shim, const Image *image, GError **error)
{
    g_autoptr(JsonObject) document = make_document(shim->arguments, image, error);

    return document != NULL && shim_connect(shim, error) != NULL &&
           add_node(shim, document, error) && spawn_by_options(shim, document, image, error);
}

/* The driver speaks of the call that a host makes, and this host makes it of an option. */
static GError *
explain_stream(GError *error, gboolean given)
{
    GError *better;

    if (given || !failure_is(error, HVD_ERROR_INVALID) ||
        strstr(error->message, "/image/source") == NULL)
        return error;
    better =
        failure_new(HVD_ERROR_INVALID, _("name the image with --image FILE"), "%s", error->message);
    g_error_free(error);
    return better;
}

/* A document with the source "stream" has its image beside it; the driver tells what does not fit. */
static gboolean
spawn_document(Shim *shim, const Image *image, GError **error)
{
    const char *path = arguments_get(shim->arguments, "image");
    g_auto(Image) beside = {0};
    GError *problem = NULL;

    if (path != NULL && !open_image(shim, &beside, path, TRUE, error))
        return FALSE;
    if (shim_connect(shim, error) == NULL)
        return FALSE;
    if (spawn(shim, payload_get_text(image->document), beside.stream, NULL, &problem))
        return TRUE;
    problem = explain_stream(image_explain(&beside, problem), path != NULL);
    pointer_tell_file(problem, arguments_operand(shim->arguments, 0));
    g_propagate_error(error, problem);
    return FALSE;
}

gboolean
cmd_spawn(Shim *shim, GError **error)
{
    const Arguments *arguments = shim->arguments;
    g_auto(Image) image = {0};

    if (!check_stdin(arguments, error) || !check_authority(arguments, error) ||
        !open_image(shim, &image, arguments_operand(arguments, 0),
                    arguments_has(arguments, "image-size"), error) ||
        !check_options(arguments, image.document != NULL, error))
        return FALSE;
    return image.document != NULL ? spawn_document(shim, &image, error)
                                  : spawn_image(shim, &image, error);
}
