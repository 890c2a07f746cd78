/* A toolstack that has made up its answers beforehand: one thread, keep-alive, both encodings. It is as fast
 * as it can be, so that what is measured is the client.
 *
 *   canned DIRECTORY    (of records.py); tells its port on standard output and ends with its standard input
 *
 * event.from without a token gives all records, later ones wait. pool.set_name_label, sent by the bench alone,
 * lets a waiting poll have one event: a machine has started or stopped; the event carries the time of
 * its sending.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define TOKEN   "canned-"
#define SESSION "OpaqueRef:11111111-2222-3333-4444-555555555555"
#define UUID    "66666666-7777-8888-9999-000000000000"
#define POOL    "OpaqueRef:aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
#define XML_HEAD                                                                                   \
    "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct><member><name>"          \
    "Status</name><value>Success</value></member><member><name>Value</name>"
#define XML_TAIL "</member></struct></value></param></params></methodResponse>"

enum { JSON, XML, N_ENCODINGS };

typedef struct {
    GMappedFile *events[N_ENCODINGS];
    GMappedFile *records[N_ENCODINGS];
    GPtrArray *clients; /* (element-type Client) */
    guint changes;      /* events told so far */
} Server;

/* What is to be sent: a head, bytes that lie elsewhere, a tail. */
typedef struct {
    int fd;
    GString *input;
    GString *head;
    const char *bulk;
    gsize bulk_size;
    GString *tail;
    gsize sent;
    gboolean polls; /* an event.from waits */
    gboolean xml;
    char *id;
} Client;

/* ---- sending ---- */

static gsize
left_of(gsize size, gsize *skip)
{
    gsize gone = MIN(size, *skip);

    *skip -= gone;
    return gone;
}

static gboolean
client_pending(const Client *client)
{
    return client->sent < client->head->len + client->bulk_size + client->tail->len;
}

static gboolean
client_flush(Client *client)
{
    while (client_pending(client)) {
        gsize skip = client->sent;
        gsize head = left_of(client->head->len, &skip);
        gsize bulk = left_of(client->bulk_size, &skip);
        gsize tail = left_of(client->tail->len, &skip);
        struct iovec parts[] = {
            {client->head->str + head, client->head->len - head},
            {(char *) client->bulk + bulk, client->bulk_size - bulk},
            {client->tail->str + tail, client->tail->len - tail},
        };
        gssize n = writev(client->fd, parts, G_N_ELEMENTS(parts));

        if (n < 0)
            return errno == EAGAIN;
        client->sent += (gsize) n;
    }
    return TRUE;
}

/* @value: what stands in the answer; JSON, or a whole <value> */
static void
client_answer(Client *client, const char *value, gsize size)
{
    const char *before = client->xml ? XML_HEAD : "{\"jsonrpc\":\"2.0\",\"result\":";
    gsize length;

    g_string_truncate(client->tail, 0);
    if (client->xml)
        g_string_append(client->tail, XML_TAIL);
    else
        g_string_append_printf(client->tail, ",\"id\":%s}", client->id);
    length = strlen(before) + size + client->tail->len;
    g_string_printf(client->head,
                    "HTTP/1.1 200 OK\r\ncontent-length: %zu\r\nconnection: keep-alive\r\n"
                    "cache-control: no-cache, no-store\r\ncontent-type: %s\r\n\r\n%s",
                    length, client->xml ? "text/xml" : "application/json", before);
    client->bulk = value;
    client->bulk_size = size;
    client->sent = 0;
}

/* Short: copied behind the head, so that it may go away. */
static void
client_answer_text(Client *client, const char *json, const char *xml)
{
    const char *value = client->xml ? xml : json;

    client_answer(client, value, strlen(value));
    g_string_append(client->head, value);
    client->bulk_size = 0;
}

static void
client_answer_string(Client *client, const char *text)
{
    g_autofree char *json = g_strdup_printf("\"%s\"", text);
    g_autofree char *xml = g_strdup_printf("<value>%s</value>", text);

    client_answer_text(client, json, xml);
}

static void
client_answer_file(Client *client, GMappedFile *const *files)
{
    GMappedFile *file = files[client->xml ? XML : JSON];

    client_answer(client, g_mapped_file_get_contents(file), g_mapped_file_get_length(file));
}

/* ---- calls ---- */

/* Machine 0 has begun or ceased to run; its description is the time of the telling. */
static void
tell_change(Server *server, Client *client)
{
    g_autofree char *text = NULL;

    server->changes++;
    text = g_strdup_printf(
        "{\"events\":[{\"id\":\"1\",\"timestamp\":\"0.0\",\"class\":\"vm\",\"operation\":\"mod\","
        "\"ref\":\"OpaqueRef:00000000-686e-d341-cab2-bddec9842254\",\"snapshot\":{\"uuid\":"
        "\"00000000-644a-44fa-8747-88f4542b6dda\",\"name_label\":\"%" G_GINT64_FORMAT
        "\",\"power_state\":\"%s\",\"other_config\":{\"nova_uuid\":"
        "\"00000000-0000-4000-8000-000000000001\"}}}],\"valid_ref_counts\":{\"vm\":10000},"
        "\"token\":\"" TOKEN "%u\"}",
        g_get_monotonic_time(), server->changes % 2 != 0 ? "Halted" : "Running",
        server->changes + 1);
    client->polls = FALSE;
    client_answer_text(client, text, text);
}

static void
tell_change_to_polls(Server *server)
{
    for (guint i = 0; i < server->clients->len; i++) {
        Client *client = g_ptr_array_index(server->clients, i);

        if (!client->polls || client->xml)
            continue;
        tell_change(server, client);
        client_flush(client);
        return;
    }
}

static char *
between(const char *text, const char *before, const char *after)
{
    const char *start = strstr(text, before);
    const char *end;

    if (start == NULL)
        return g_strdup("");
    start += strlen(before);
    while (*start == ' ')
        start++;
    start += *start == '"';
    end = strpbrk(start, after);
    return end != NULL ? g_strndup(start, (gsize) (end - start)) : g_strdup(start);
}

static void
client_call(Server *server, Client *client, const char *method, const char *body)
{
    if (g_str_equal(method, "event.from")) {
        client->polls = strstr(body, TOKEN) != NULL;
        if (!client->polls)
            client_answer_file(client, server->events);
    } else if (g_str_has_suffix(method, "VM.get_all_records")) {
        client_answer_file(client, server->records);
    } else if (g_str_equal(method, "session.login_with_password")) {
        client_answer_string(client, SESSION);
    } else if (g_str_equal(method, "session.get_uuid")) {
        client_answer_string(client, UUID);
    } else if (g_str_equal(method, "event.inject")) {
        client_answer_string(client, TOKEN "0");
    } else if (g_str_equal(method, "system.listMethods")) {
        client_answer_text(client, "[\"VM.get_all_records\",\"pool.get_all_records\"]",
                           "<value><array><data><value>VM.get_all_records</value><value>"
                           "pool.get_all_records</value></data></array></value>");
    } else if (g_str_has_suffix(method, ".get_all_records")) {
        client_answer_text(client, "{\"" POOL "\":{\"uuid\":\"" UUID "\",\"name_label\":\"\"}}",
                           "<value><struct><member><name>" POOL "</name><value><struct><member>"
                           "<name>uuid</name><value>" UUID "</value></member></struct></value>"
                           "</member></struct></value>");
    } else {
        client_answer_string(client, "");
        if (g_str_equal(method, "pool.set_name_label"))
            tell_change_to_polls(server);
    }
}

/* ---- requests ---- */

/* 0: not there yet; else the whole request's size. */
static gsize
request_size(const GString *input, gsize *head)
{
    const char *end = strstr(input->str, "\r\n\r\n");
    g_autofree char *length = NULL;
    g_autofree char *lower = NULL;
    gsize size;

    if (end == NULL)
        return 0;
    *head = (gsize) (end - input->str) + 4;
    lower = g_ascii_strdown(input->str, (gssize) *head);
    length = between(lower, "content-length:", "\r");
    size = *head + g_ascii_strtoull(length, NULL, 10);
    return input->len >= size ? size : 0;
}

static void
client_request(Server *server, Client *client, const char *body)
{
    g_autofree char *method = NULL;

    client->xml = body[0] == '<';
    method = client->xml ? between(body, "<methodName>", "<") : between(body, "\"method\":", "\"");
    g_free(client->id);
    client->id = client->xml ? NULL : between(body, "\"id\":", ",} ");
    client_call(server, client, method, body);
}

/* FALSE: the client has gone. */
static gboolean
client_read(Server *server, Client *client)
{
    char buffer[65536];
    gssize n = read(client->fd, buffer, sizeof buffer);
    gsize head, size;

    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    g_string_append_len(client->input, buffer, n);
    while (!client_pending(client) && (size = request_size(client->input, &head)) > 0) {
        g_autofree char *body = g_strndup(client->input->str + head, size - head);

        g_string_erase(client->input, 0, (gssize) size);
        client_request(server, client, body);
        if (!client_flush(client))
            return FALSE;
    }
    return TRUE;
}

/* ---- the loop ---- */

static void
client_free(gpointer data)
{
    Client *client = data;

    close(client->fd);
    g_string_free(client->input, TRUE);
    g_string_free(client->head, TRUE);
    g_string_free(client->tail, TRUE);
    g_free(client->id);
    g_free(client);
}

static void
accept_client(Server *server, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    int yes = 1;
    Client *client;

    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    client = g_new0(Client, 1);
    client->fd = fd;
    client->input = g_string_new(NULL);
    client->head = g_string_new(NULL);
    client->tail = g_string_new(NULL);
    g_ptr_array_add(server->clients, client);
}

static int
listen_anywhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *) &address, size) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *) &address, &size) != 0)
        g_error("no socket: %s", g_strerror(errno));
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void
serve_clients(Server *server, const struct pollfd *polled)
{
    for (guint i = server->clients->len; i > 0; i--) {
        Client *client = g_ptr_array_index(server->clients, i - 1);
        short got = polled[i - 1].revents;

        if (((got & POLLOUT) != 0 && !client_flush(client)) ||
            ((got & ~POLLOUT) != 0 && !client_read(server, client)))
            g_ptr_array_remove_index(server->clients, i - 1);
    }
}

static void
serve(Server *server, int listener)
{
    g_autoptr(GArray) polled = g_array_new(FALSE, FALSE, sizeof(struct pollfd));

    for (;;) {
        struct pollfd fixed[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                 {.fd = listener, .events = POLLIN}};
        const struct pollfd *seen;

        g_array_set_size(polled, 0);
        g_array_append_vals(polled, fixed, G_N_ELEMENTS(fixed));
        for (guint i = 0; i < server->clients->len; i++) {
            const Client *client = g_ptr_array_index(server->clients, i);
            struct pollfd entry = {.fd = client->fd,
                                   .events = client_pending(client) ? POLLOUT : POLLIN};

            g_array_append_val(polled, entry);
        }
        if (poll((struct pollfd *) polled->data, polled->len, -1) < 0)
            g_error("poll: %s", g_strerror(errno));
        seen = (const struct pollfd *) polled->data;
        if (seen[0].revents != 0)
            return;
        serve_clients(server, seen + G_N_ELEMENTS(fixed));
        if (seen[1].revents != 0)
            accept_client(server, listener);
    }
}

static GMappedFile *
map_file(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(GError) error = NULL;
    GMappedFile *file = g_mapped_file_new(path, FALSE, &error);

    if (file == NULL)
        g_error("%s", error->message);
    return file;
}

int
main(int argc, char **argv)
{
    static const char *const suffixes[] = {[JSON] = "json", [XML] = "xml"};
    Server server = {0};

    if (argc != 2)
        g_error("usage: canned DIRECTORY");
    for (guint i = 0; i < N_ENCODINGS; i++) {
        g_autofree char *events = g_strconcat("events.", suffixes[i], NULL);
        g_autofree char *records = g_strconcat("records.", suffixes[i], NULL);

        server.events[i] = map_file(argv[1], events);
        server.records[i] = map_file(argv[1], records);
    }
    server.clients = g_ptr_array_new_with_free_func(client_free);
    serve(&server, listen_anywhere());
    g_ptr_array_unref(server.clients);
    return 0;
}
