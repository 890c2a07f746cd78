#include "api/target.h"

#include "api/receive.h"
#include "core/sessions.h"
#include "data/disk.h"
#include "data/services.h"
#include "http/client.h"

#include <string.h>
#include <unistd.h>

#define PIECE (512 * 1024)

struct _SimTarget {
    Sim *sim;
    SimObject *host; /* NULL: of another pool */
    char *host_ref;
    char *session;
    char *commands; /* the URLs */
    char *bytes;
    SimQuestion *question; /* that is under way, */
    SimClient *client;     /* or a piece of a disk */
    SimCall *call;         /* that waits for it */
    SimTargetDone done;
    SimTargetFailed failed;
    int fd; /* of the disk that is being sent; -1: none */
    char *disk;
    gint64 sent;
};

static SimTarget *
target_new(Sim *sim, SimObject *host)
{
    SimTarget *target = g_new0(SimTarget, 1);

    target->sim = sim;
    target->host = host != NULL ? sim_object_ref(host) : NULL;
    target->host_ref = host != NULL ? g_strdup(sim_object_get_ref(host)) : NULL;
    target->fd = -1;
    return target;
}

SimTarget *
sim_target_new_local(Sim *sim, SimObject *host)
{
    return target_new(sim, host);
}

/* captures: VM_migrate_send_missing_dest_key, VM_migrate_send_nowhere */
static gboolean
check_dest(SimCall *call, const SimValue *dest)
{
    static const char *const keys[] = {"host", "master", "session_id", "SM", "xenops"};

    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (sim_map_get_text(dest, keys[i]) != NULL)
            continue;
        sim_call_fail_internal(call, "Not_found");
        return FALSE;
    }
    for (guint i = 1; i < G_N_ELEMENTS(keys); i++) {
        const char *url = sim_map_get_text(dest, keys[i]);

        if (strcmp(keys[i], "session_id") == 0 || sim_client_knows_url(url))
            continue;
        sim_call_fail_internal(call,
                               "Failure(\"Http.Url.of_string: can't parse '%s': "
                               "Failure(\\\"unsupported URI scheme\\\")\")",
                               url);
        return FALSE;
    }
    return TRUE;
}

/* This pool asks itself by the token's session, too (verified-sequences 6.3, 6.4); another one sees
 * to it when it is asked. */
static gboolean
check_session(SimCall *call, const char *session)
{
    if (sim_sessions_find(sim_call_sim(call)->sessions, session) != NULL)
        return TRUE;
    sim_call_fail(call, "SESSION_INVALID", session, NULL);
    return FALSE;
}

SimTarget *
sim_target_new(SimCall *call, const SimValue *dest)
{
    const char *host;
    SimObject *here;
    SimTarget *target;

    if (!check_dest(call, dest))
        return NULL;
    host = sim_map_get_text(dest, "host");
    here = sim_db_find(sim_call_db(call), "host", host);
    if (here != NULL && !check_session(call, sim_map_get_text(dest, "session_id")))
        return NULL;
    target = target_new(sim_call_sim(call), here);
    if (target->host_ref == NULL)
        target->host_ref = g_strdup(host);
    target->session = g_strdup(sim_map_get_text(dest, "session_id"));
    target->commands = g_strdup(sim_map_get_text(dest, "xenops"));
    target->bytes = g_strdup(sim_map_get_text(dest, "SM"));
    return target;
}

/* The request ends, and with it our claim on the call. */
static void
forget_request(SimTarget *target)
{
    g_clear_pointer(&target->call, sim_call_unref);
    if (target->fd >= 0)
        close(target->fd);
    target->fd = -1;
    g_clear_pointer(&target->disk, g_free);
}

void
sim_target_free(SimTarget *target)
{
    if (target->client != NULL)
        sim_client_forget(target->client);
    if (target->question != NULL)
        sim_question_forget(target->question);
    forget_request(target);
    g_clear_pointer(&target->host, sim_object_unref);
    g_free(target->host_ref);
    g_free(target->session);
    g_free(target->commands);
    g_free(target->bytes);
    g_free(target);
}

gboolean
sim_target_is_local(const SimTarget *target)
{
    return target->host != NULL;
}

const char *
sim_target_host_ref(const SimTarget *target)
{
    return target->host_ref;
}

SimObject *
sim_target_host(const SimTarget *target)
{
    return target->host;
}

/* ---- commands ---- */

static gboolean
ask_here(SimTarget *target, SimCall *call, const SimValue *command, SimTargetDone done,
         SimTargetFailed failed)
{
    SimValue *error = NULL;
    g_autoptr(SimValue) answer = sim_receive(target->sim, command, &error);

    if (answer == NULL) {
        failed(call, error);
        return FALSE;
    }
    if (done != NULL)
        done(call, answer);
    return TRUE;
}

static SimValue *
unreachable(void)
{
    return sim_strings("INTERNAL_ERROR", "Unix.Unix_error(Unix.ECONNREFUSED, \"connect\", \"\")",
                       NULL);
}

static void
on_answer(const SimValue *answer, SimValue *error, gpointer data)
{
    SimTarget *target = data;
    g_autoptr(SimCall) call = g_steal_pointer(&target->call);

    target->question = NULL;
    if (sim_call_is_over(call)) {
        g_clear_pointer(&error, sim_value_unref);
        return;
    }
    if (answer == NULL) {
        target->failed(call, error != NULL ? error : unreachable());
        return;
    }
    if (target->done != NULL)
        target->done(call, answer);
    sim_call_continue(call);
}

gboolean
sim_target_ask(SimTarget *target, SimCall *call, SimValue *command, SimTargetDone done,
               SimTargetFailed failed)
{
    g_autoptr(SimValue) taken G_GNUC_UNUSED = command;

    if (target->host != NULL)
        return ask_here(target, call, command, done, failed);
    target->call = sim_call_ref(call);
    target->done = done;
    target->failed = failed;
    target->question =
        sim_question_ask(target->commands, target->session, command, on_answer, target);
    return FALSE;
}

/* ---- bytes ---- */

static void send_piece(SimTarget *target);

static void
on_piece_sent(guint status, const char *body, gsize length, gpointer data)
{
    SimTarget *target = data;

    (void) body;
    (void) length;
    target->client = NULL;
    if (sim_call_is_over(target->call)) {
        forget_request(target);
    } else if (status != 200) {
        g_autoptr(SimCall) call = sim_call_ref(target->call);

        forget_request(target);
        target->failed(call, sim_strings("MIRROR_FAILED", target->host_ref, NULL));
    } else {
        send_piece(target);
    }
}

/* What is data goes over, piece by piece; holes do not. */
static void
send_piece(SimTarget *target)
{
    g_autofree char *buffer = g_malloc(PIECE);
    off_t at = lseek(target->fd, target->sent, SEEK_DATA);
    off_t hole = at >= 0 ? lseek(target->fd, at, SEEK_HOLE) : -1;
    gssize length = hole > at ? pread(target->fd, buffer, (gsize) MIN(hole - at, PIECE), at) : 0;
    g_autofree char *path = NULL;

    if (length <= 0) {
        g_autoptr(SimCall) call = sim_call_ref(target->call);

        forget_request(target);
        sim_call_continue(call);
        return;
    }
    target->sent = at + length;
    path = g_strdup_printf("/services/SM?session_id=%s&vdi=%s&offset=%" G_GINT64_FORMAT,
                           target->session, target->disk, (gint64) at);
    target->client =
        sim_client_send(target->bytes, "PUT", path, buffer, (gsize) length, on_piece_sent, target);
}

gboolean
sim_target_send_disk(SimTarget *target, SimCall *call, const SimObject *vdi, const char *ref,
                     SimTargetFailed failed)
{
    Sim *sim = target->sim;
    int fd;

    if (target->host != NULL) {
        const SimObject *copy = sim_db_find(sim->db, "VDI", ref);

        if (copy != NULL)
            sim_disk_copy(sim->disks, vdi, copy);
        return TRUE;
    }
    fd = sim_disk_open(sim->disks, vdi, FALSE);
    if (fd < 0)
        return TRUE; /* never written */
    target->fd = fd;
    target->disk = g_strdup(ref);
    target->sent = 0;
    target->failed = failed;
    target->call = sim_call_ref(call);
    send_piece(target);
    return FALSE;
}
