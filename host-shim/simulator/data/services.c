#include "data/services.h"

#include "api/receive.h"
#include "core/sessions.h"
#include "data/disk.h"
#include "data/transfer.h"
#include "http/client.h"
#include "http/pages.h"
#include "wire/rpc.h"

#include <string.h>
#include <unistd.h>

static void
answer(SimConnection *connection, const char *key, SimValue *value)
{
    g_autoptr(SimValue) map = sim_map();
    g_autoptr(GString) body = g_string_new(NULL);

    sim_map_add(map, key, value);
    sim_json_print(body, map);
    sim_page_rpc(connection, "application/json", body->str, body->len);
}

static gboolean
has_session(SimConnection *connection)
{
    Sim *sim = sim_connection_sim(connection);
    const char *ref = sim_head_parameter(sim_connection_head(connection), "session_id");
    const SimSession *session = ref != NULL ? sim_sessions_find(sim->sessions, ref) : NULL;

    if (session != NULL && session->role >= SIM_ROLE_VM_POWER_ADMIN)
        return TRUE;
    answer(connection, "error", sim_strings("SESSION_INVALID", ref != NULL ? ref : "", NULL));
    return FALSE;
}

static void
on_command(SimConnection *connection, const char *body, gsize length, gpointer data)
{
    g_autofree char *problem = NULL;
    g_autoptr(SimValue) command = sim_json_parse(body, length, &problem);
    SimValue *error = NULL;
    SimValue *result;

    (void) data;
    if (!has_session(connection))
        return;
    result = sim_receive(sim_connection_sim(connection), command, &error);
    if (result != NULL)
        answer(connection, "answer", result);
    else
        answer(connection, "error", error);
}

static void
post_command(SimConnection *connection)
{
    gint64 length = sim_connection_head(connection)->content_length;

    if (length < 0 || length > SIM_MAX_BODY)
        sim_page_send(connection, SIM_PAGE_BAD_REQUEST, NULL);
    else
        sim_connection_read_body(connection, on_command, NULL);
}

/* ---- bytes of disks ---- */

typedef struct {
    int fd;
    gint64 at;
    gint64 end;
} Piece;

static void
on_bytes(SimConnection *connection, const char *bytes, gsize length, gpointer data)
{
    Piece *piece = data;

    (void) connection;
    if (piece->at + (gint64) length <= piece->end &&
        pwrite(piece->fd, bytes, length, piece->at) == (gssize) length)
        piece->at += (gint64) length;
}

static void
on_bytes_end(SimConnection *connection, gpointer data)
{
    Piece *piece = data;

    if (piece->at == piece->end)
        answer(connection, "answer", sim_map());
    else
        sim_connection_drop(connection);
    close(piece->fd);
    g_free(piece);
}

static gint64
number(const SimHead *head, const char *name)
{
    const char *text = sim_head_parameter(head, name);

    return text != NULL ? g_ascii_strtoll(text, NULL, 10) : 0;
}

static void
put_bytes(SimConnection *connection)
{
    Sim *sim = sim_connection_sim(connection);
    const SimHead *head = sim_connection_head(connection);
    const char *ref = sim_head_parameter(head, "vdi");
    const SimObject *vdi = sim_db_find(sim->db, "VDI", ref != NULL ? ref : "");
    gint64 at = number(head, "offset");
    Piece *piece;
    int fd;

    if (!has_session(connection))
        return;
    if (vdi == NULL || at < 0 || head->content_length <= 0 ||
        at > sim_object_int(vdi, "virtual_size") - head->content_length) {
        sim_page_send(connection, SIM_PAGE_BAD_REQUEST, NULL);
        return;
    }
    fd = sim_disk_open(sim->disks, vdi, TRUE);
    if (fd < 0) {
        sim_page_send(connection, SIM_PAGE_INTERNAL, "no such disk");
        return;
    }
    piece = g_new0(Piece, 1);
    piece->fd = fd;
    piece->at = at;
    piece->end = at + head->content_length;
    sim_connection_stream_body(connection, head->content_length, on_bytes, on_bytes_end, piece);
}

const SimRoute sim_service_routes[] = {
    {"POST", "/services/xenops", post_command},
    {"PUT", "/services/SM", put_bytes},
    {NULL, NULL, NULL},
};

/* ---- asking ---- */

struct _SimQuestion {
    SimClient *client;
    SimQuestionFunc func;
    gpointer data;
};

/* {"answer": ...} or {"error": [...]} */
static void
on_reply(guint status, const char *body, gsize length, gpointer data)
{
    g_autofree SimQuestion *question = data;
    g_autofree char *problem = NULL;
    g_autoptr(SimValue) value = status == 200 ? sim_json_parse(body, length, &problem) : NULL;
    const SimValue *reply = sim_map_get(value, "answer");
    const SimValue *error = sim_map_get(value, "error");

    question->func(reply, reply == NULL && error != NULL ? sim_value_ref(error) : NULL,
                   question->data);
}

SimQuestion *
sim_question_ask(const char *url, const char *session, const SimValue *command,
                 SimQuestionFunc func, gpointer data)
{
    SimQuestion *question = g_new0(SimQuestion, 1);
    g_autoptr(GString) body = g_string_new(NULL);
    g_autofree char *path = g_strconcat("/services/xenops?session_id=", session, NULL);

    sim_json_print(body, command);
    question->func = func;
    question->data = data;
    question->client = sim_client_send(url, "POST", path, body->str, body->len, on_reply, question);
    return question;
}

void
sim_question_forget(SimQuestion *question)
{
    sim_client_forget(question->client);
    g_free(question);
}
