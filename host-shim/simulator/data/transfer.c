#include "data/transfer.h"

#include "api/allowed.h"
#include "api/device.h"
#include "api/placement.h"
#include "api/storage.h"
#include "core/sessions.h"
#include "core/stats.h"
#include "core/task.h"
#include "data/disk.h"
#include "http/pages.h"
#include "http/rpc.h"

#include <string.h>
#include <unistd.h>

/* Whole machines as archives are not served, but asking without a session is answered as
 * captured. */
static void
refuse_archive(SimConnection *connection)
{
    if (sim_transfer_authenticate(connection, "get_export", SIM_ROLE_VM_ADMIN) != NULL)
        sim_page_send(connection, SIM_PAGE_NOT_IMPLEMENTED, "export");
}

const SimRoute sim_transfer_routes[] = {
    {"PUT", "/import_raw_vdi", sim_import_put},
    {"GET", "/export_raw_vdi", sim_export_get},
    {"GET", "/export", refuse_archive},
    {NULL, NULL, NULL},
};

/* ---- who, what, where ---- */

static gboolean
check_basic(Sim *sim, const char *authorization, SimRole *role)
{
    g_autofree guchar *plain = NULL;
    g_autofree char *text = NULL;
    char *colon;
    gsize length;

    if (authorization == NULL || !g_str_has_prefix(authorization, "Basic "))
        return FALSE;
    plain = g_base64_decode(authorization + strlen("Basic "), &length);
    text = g_strndup((const char *) plain, length);
    colon = strchr(text, ':');
    if (colon == NULL)
        return FALSE;
    *colon = '\0';
    return sim_sessions_check(sim->sessions, text, colon + 1, role);
}

/* (nullable): a session, or "" for a password */
static const char *
identify(SimConnection *connection, SimRole *role)
{
    Sim *sim = sim_connection_sim(connection);
    const SimHead *head = sim_connection_head(connection);
    const char *ref = sim_head_parameter(head, "session_id");
    const SimSession *session = ref != NULL ? sim_sessions_find(sim->sessions, ref) : NULL;

    if (session != NULL) {
        *role = session->role;
        return ref;
    }
    if (ref == NULL && check_basic(sim, sim_head_header(head, "authorization"), role))
        return "";
    return NULL;
}

const char *
sim_transfer_authenticate(SimConnection *connection, const char *realm, SimRole least)
{
    SimRole role;
    const char *session = identify(connection, &role);

    if (session == NULL) {
        sim_page_send(connection, SIM_PAGE_UNAUTHORISED, realm);
        return NULL;
    }
    if (role >= least)
        return session;
    sim_page_send(connection, SIM_PAGE_FORBIDDEN, NULL);
    return NULL;
}

gboolean
sim_transfer_may(SimConnection *connection, SimRole least)
{
    SimRole role;

    return identify(connection, &role) != NULL && role >= least;
}

/* By reference or uuid. Of a wrong one only the HTTP answer tells: the task stays pending for good
 * (captures: PUT_import_raw_vdi_bad_vdi, task_get_record_import_bad_vdi). */
static SimObject *
find_vdi(SimConnection *connection, SimObject *task)
{
    Sim *sim = sim_connection_sim(connection);
    const char *wanted = sim_head_parameter(sim_connection_head(connection), "vdi");
    SimObject *vdi;
    g_autofree char *text = NULL;

    if (wanted == NULL) {
        g_autoptr(SimValue) error = sim_strings("VDI_MISSING", NULL);

        sim_task_fail(sim, task, error);
        sim_page_send(connection, SIM_PAGE_BAD_REQUEST, NULL);
        return NULL;
    }
    vdi = sim_db_find(sim->db, "VDI", wanted);
    if (vdi == NULL)
        vdi = sim_db_find_uuid(sim->db, "VDI", wanted);
    if (vdi != NULL)
        return vdi;
    text = g_strdup_printf("Db_exn.Read_missing_uuid(\"VDI\", \"\", \"%s\")", wanted);
    sim_page_send(connection, SIM_PAGE_INTERNAL, text);
    return NULL;
}

/* %FALSE: 404 and a failed task (observed.md, "Transfers") */
static gboolean
read_format(SimConnection *connection, SimObject *task, SimFormat *format)
{
    Sim *sim = sim_connection_sim(connection);
    const char *name = sim_head_parameter(sim_connection_head(connection), "format");
    const char *page = "HTTP/1.0 404 Not Found\r\nConnection: close\r\n"
                       "Cache-Control: no-cache, no-store\r\n\r\n";
    g_autoptr(SimValue) error = NULL;
    g_autofree char *text = NULL;

    *format = g_strcmp0(name, "vhd") == 0 ? SIM_FORMAT_VHD : SIM_FORMAT_RAW;
    if (name == NULL || strcmp(name, "raw") == 0 || strcmp(name, "vhd") == 0)
        return TRUE;
    text = g_strdup_printf("Unknown format %s", name);
    error = sim_strings("INTERNAL_ERROR", text, NULL);
    sim_task_fail(sim, task, error);
    sim_connection_write(connection, page, strlen(page));
    sim_connection_finish(connection, FALSE);
    return FALSE;
}

/* (nullable): answers with the way to a node that sees the storage */
static SimObject *
find_host(SimConnection *connection, const SimObject *vdi)
{
    Sim *sim = sim_connection_sim(connection);
    const SimNode *node = sim_connection_node(connection);
    SimObject *here = sim_node_host(sim, node);
    const SimObject *sr = sim_object_follow(vdi, "SR");
    SimObject *there = sr != NULL ? sim_sr_find_host(sim, sr) : NULL;
    g_autofree char *url = NULL;
    g_autofree char *location = NULL;

    if (sr != NULL && here != NULL && sim_host_sees_sr(here, sr))
        return here;
    if (there == NULL || sim_node_of_host(sim, there) == NULL) {
        sim_page_send(connection, SIM_PAGE_INTERNAL, "SR_NOT_ATTACHED");
        return NULL;
    }
    url = sim_node_url(sim, sim_node_of_host(sim, there));
    location = g_strconcat(url, sim_connection_head(connection)->target, NULL);
    sim_page_redirect(connection, location);
    return NULL;
}

/* ---- begin ---- */

void
sim_transfer_free(SimTransfer *transfer)
{
    sim_clock_cancel(transfer->sim->clock, transfer->timer);
    if (transfer->hold != NULL)
        sim_faults_unhold(transfer->hold);
    if (transfer->free_codec != NULL)
        transfer->free_codec(transfer->codec);
    if (transfer->fd >= 0)
        close(transfer->fd);
    g_clear_pointer(&transfer->vdi, sim_object_unref);
    g_clear_pointer(&transfer->host, sim_object_unref);
    g_clear_pointer(&transfer->task, sim_object_unref);
    g_clear_pointer(&transfer->drive, sim_drive_free);
    g_free(transfer->result);
    g_clear_pointer(&transfer->fault, sim_fault_unref);
    sim_connection_unref(transfer->connection);
    g_free(transfer);
}

/* The one that the client made, or one of our own. */
static SimObject *
find_task(SimConnection *connection, const char *label, const char *session, gboolean *own)
{
    Sim *sim = sim_connection_sim(connection);
    const SimHead *head = sim_connection_head(connection);
    const char *ref = sim_head_parameter(head, "task_id");
    SimObject *task = ref != NULL ? sim_db_find(sim->db, "task", ref) : NULL;
    g_autoptr(SimValue) config = NULL;

    *own = task == NULL;
    if (task != NULL)
        return task;
    config = sim_rpc_task_config(head);
    task = sim_task_new(sim, label, "", session);
    if (sim_value_size(config) > 0)
        sim_object_set(task, "other_config", sim_value_ref(config));
    return task;
}

static void
send_status(SimTransfer *transfer)
{
    const SimFault *fault = transfer->fault;

    if (fault->in_task)
        sim_task_fail(transfer->sim, transfer->task, fault->error);
    if (fault->text != NULL)
        sim_page_status(transfer->connection, fault->text);
    else
        sim_page_send(transfer->connection, SIM_PAGE_INTERNAL, NULL);
}

static gboolean
strike_at_once(SimTransfer *transfer)
{
    SimFaultAction action = transfer->fault->action;
    SimConnection *connection = transfer->connection;

    sim_faults_fired(transfer->sim->faults, transfer->fault);
    if (action == SIM_FAULT_STATUS) {
        send_status(transfer);
    } else if (action == SIM_FAULT_REDIRECT) {
        sim_page_redirect(connection, transfer->fault->text != NULL ? transfer->fault->text
                                                                    : "https://192.0.2.1/");
    } else if (action == SIM_FAULT_ERROR || action == SIM_FAULT_TASK_FAIL) {
        sim_task_fail(transfer->sim, transfer->task, transfer->fault->error);
        sim_page_send(connection, SIM_PAGE_INTERNAL,
                      sim_value_text(sim_value_at(transfer->fault->error, 0)));
    } else {
        sim_connection_drop(connection);
    }
    return TRUE;
}

/* Those that strike before there is an answer. */
static gboolean
is_immediate(const SimFault *fault)
{
    static const SimFaultAction immediate[] = {SIM_FAULT_STATUS, SIM_FAULT_REDIRECT};

    for (guint i = 0; i < G_N_ELEMENTS(immediate); i++) {
        if (fault->action == immediate[i])
            return TRUE;
    }
    return fault->bytes < 0 && !fault->after &&
           (fault->action == SIM_FAULT_ERROR || fault->action == SIM_FAULT_DROP);
}

SimTransfer *
sim_transfer_begin(SimConnection *connection, const char *method, const char *realm,
                   const char *label)
{
    Sim *sim = sim_connection_sim(connection);
    const char *tag = sim_rpc_tag(sim_connection_head(connection));
    const char *session = sim_transfer_authenticate(connection, realm, SIM_ROLE_VM_ADMIN);
    SimTransfer *transfer;

    sim_stats_note(sim->stats, method, tag, TRUE);
    if (session == NULL)
        return NULL;
    transfer = g_new0(SimTransfer, 1);
    transfer->sim = sim;
    transfer->fd = -1;
    transfer->connection = sim_connection_ref(connection);
    transfer->task = sim_object_ref(find_task(connection, label, session, &transfer->own_task));
    transfer->fault = sim_faults_match(sim->faults, method, tag, TRUE);
    if ((transfer->fault != NULL && is_immediate(transfer->fault) && strike_at_once(transfer)) ||
        !read_format(connection, transfer->task, &transfer->format)) {
        sim_transfer_free(transfer);
        return NULL;
    }
    transfer->vdi = find_vdi(connection, transfer->task);
    transfer->host = transfer->vdi != NULL ? find_host(connection, transfer->vdi) : NULL;
    if (transfer->host == NULL) {
        transfer->vdi = NULL;
        sim_transfer_free(transfer);
        return NULL;
    }
    sim_object_ref(transfer->vdi);
    sim_object_ref(transfer->host);
    return transfer;
}

static void
send_head(SimTransfer *transfer, const char *rest)
{
    g_autofree char *text = g_strdup_printf(
        "Connection: close\r\nCache-Control: no-cache, no-store\r\ntask-id:%s\r\n%s\r\n",
        sim_object_get_ref(transfer->task), rest);

    sim_page_status_line(transfer->connection, "200 OK");
    sim_connection_write(transfer->connection, text, strlen(text));
}

void
sim_transfer_accept(SimTransfer *transfer, const char *rest)
{
    const SimFault *fault = transfer->fault;
    g_autofree char *more = NULL;

    if (fault == NULL || fault->action != SIM_FAULT_LENGTH) {
        send_head(transfer, rest);
        return;
    }
    transfer->struck = TRUE;
    sim_faults_fired(transfer->sim->faults, transfer->fault);
    more =
        g_strdup_printf("%scontent-length: %s\r\n", rest, fault->text != NULL ? fault->text : "0");
    send_head(transfer, more);
}

static void on_client_gone(SimConnection *connection, gpointer data);

/* ---- the control domain's drive ---- */

static gboolean
is_written_by_another(const SimObject *vdi)
{
    g_autoptr(GPtrArray) vbds = sim_object_follow_all(vdi, "VBDs");

    for (guint i = 0; i < vbds->len; i++) {
        const SimObject *vbd = g_ptr_array_index(vbds, i);

        if (sim_object_bool(vbd, "currently_attached") &&
            strcmp(sim_object_text(vbd, "mode"), "RW") == 0)
            return TRUE;
    }
    return FALSE;
}

static void
on_plugged(gpointer data)
{
    SimTransfer *transfer = data;

    transfer->fd = sim_disk_open(transfer->sim->disks, transfer->vdi, transfer->for_writing);
    transfer->proceed(transfer);
}

void
sim_transfer_attach(SimTransfer *transfer, gboolean for_writing,
                    void (*proceed)(SimTransfer *transfer))
{
    if (for_writing && is_written_by_another(transfer->vdi)) {
        sim_transfer_fail(transfer,
                          sim_strings("VDI_IN_USE", sim_object_get_ref(transfer->vdi), NULL));
        return;
    }
    transfer->for_writing = for_writing;
    transfer->proceed = proceed;
    sim_connection_set_gone_func(transfer->connection, on_client_gone, transfer);
    sim_drive_attach(&transfer->drive, transfer->sim, transfer->vdi, transfer->host, transfer->task,
                     for_writing, on_plugged, transfer);
}

/* ---- the ends ---- */

/* At its end: what strikes in the middle is done by then. */
static gboolean
is_task_spoilt(const SimTransfer *transfer)
{
    const SimFault *fault = transfer->fault;

    if (fault == NULL)
        return FALSE;
    return fault->action == SIM_FAULT_TASK_HANG ||
           (fault->bytes < 0 &&
            (fault->action == SIM_FAULT_TASK_VANISH || fault->action == SIM_FAULT_TASK_FAIL));
}

static void
finish_task(SimTransfer *transfer, const SimValue *error, const char *result)
{
    SimObject *task = transfer->task;

    if (!sim_object_is_alive(task))
        return;
    if (is_task_spoilt(transfer)) {
        sim_faults_fired(transfer->sim->faults, transfer->fault);
        if (transfer->fault->action == SIM_FAULT_TASK_VANISH)
            sim_db_destroy(task);
        else if (transfer->fault->action == SIM_FAULT_TASK_FAIL)
            sim_task_fail(transfer->sim, task, transfer->fault->error);
        return;
    }
    if (error != NULL)
        sim_task_fail(transfer->sim, task, error);
    else
        sim_task_succeed(transfer->sim, task, result != NULL ? result : "");
    if (transfer->own_task && sim_object_is_alive(task))
        sim_db_destroy(task);
}

static gboolean
end(SimTransfer *transfer, const SimValue *error, const char *result)
{
    if (transfer->over)
        return FALSE;
    transfer->over = TRUE;
    sim_connection_stop_stream(transfer->connection);
    sim_connection_set_gone_func(transfer->connection, NULL, NULL);
    g_clear_pointer(&transfer->drive, sim_drive_free);
    finish_task(transfer, error, result);
    return TRUE;
}

static void
on_unplugged(gpointer data)
{
    SimTransfer *transfer = data;

    if (!end(transfer, NULL, transfer->result))
        return;
    sim_connection_finish(transfer->connection, FALSE);
    sim_transfer_free(transfer);
}

/* Nobody waits for the answer any more. */
static void
on_unplugged_alone(SimConnection *connection, gpointer data)
{
    (void) connection;
    on_unplugged(data);
}

void
sim_transfer_succeed(SimTransfer *transfer, const char *result)
{
    if (transfer->over)
        return;
    transfer->result = g_strdup(result);
    sim_connection_stop_stream(transfer->connection);
    sim_connection_set_gone_func(transfer->connection, on_unplugged_alone, transfer);
    sim_drive_detach(transfer->drive, on_unplugged, transfer);
}

void
sim_transfer_fail(SimTransfer *transfer, SimValue *error)
{
    g_autoptr(SimValue) taken = error;

    if (!end(transfer, taken, NULL))
        return;
    sim_page_send(transfer->connection, SIM_PAGE_INTERNAL, sim_value_text(sim_value_at(taken, 0)));
    sim_transfer_free(transfer);
}

void
sim_transfer_fail_cut(SimTransfer *transfer)
{
    sim_transfer_fail(transfer, sim_strings("VDI_IO_ERROR", "Device I/O errors", NULL));
}

static void
on_client_gone(SimConnection *connection, gpointer data)
{
    (void) connection;
    sim_transfer_fail_cut(data);
}

/* ---- faults on the way ---- */

static gboolean
is_pending(const SimTransfer *transfer)
{
    return transfer->fault != NULL && !is_task_spoilt(transfer) && !transfer->struck;
}

static gint64
strike_point(const SimTransfer *transfer)
{
    return MAX(transfer->fault->bytes, 0);
}

gsize
sim_transfer_until_fault(const SimTransfer *transfer, gsize length)
{
    gint64 left;

    if (!is_pending(transfer))
        return length;
    left = strike_point(transfer) - transfer->done;
    return left < 0 ? length : MIN((gsize) left, length);
}

static void
on_released(gpointer data)
{
    SimTransfer *transfer = data;

    transfer->hold = NULL;
    transfer->proceed(transfer);
}

static gboolean
fail_task(SimTransfer *transfer)
{
    sim_task_fail(transfer->sim, transfer->task, transfer->fault->error);
    return FALSE;
}

static gboolean
destroy_task(SimTransfer *transfer)
{
    if (sim_object_is_alive(transfer->task))
        sim_db_destroy(transfer->task);
    return FALSE;
}

static gboolean
fail(SimTransfer *transfer)
{
    sim_transfer_fail(transfer, sim_value_ref(transfer->fault->error));
    return TRUE;
}

static gboolean
end_early(SimTransfer *transfer)
{
    sim_transfer_succeed(transfer, NULL);
    return TRUE;
}

static gboolean
send_garbage(SimTransfer *transfer)
{
    sim_connection_write(transfer->connection, "\x01garbage", strlen("\x01garbage"));
    return FALSE;
}

static void
flood(SimConnection *connection, gpointer data)
{
    static const char wave[64 * 1024] = {0};

    sim_connection_write(connection, wave, sizeof(wave));
    sim_connection_when_written(connection, flood, data);
}

/* Until the client goes. */
static gboolean
start_flood(SimTransfer *transfer)
{
    sim_connection_stop_stream(transfer->connection);
    flood(transfer->connection, transfer);
    return TRUE;
}

/* The bytes end here; the task says what it says of any cut. */
static gboolean
cut(SimTransfer *transfer)
{
    sim_connection_set_gone_func(transfer->connection, NULL, NULL);
    sim_connection_drop(transfer->connection);
    sim_transfer_fail_cut(transfer);
    return TRUE;
}

/* %TRUE: it does not go on by itself. Those that are missing cut the connection. */
static gboolean (*const strikes[])(SimTransfer *transfer) = {
    [SIM_FAULT_ERROR] = fail,
    [SIM_FAULT_DOUBLE] = fail,
    [SIM_FAULT_GARBAGE] = send_garbage,
    [SIM_FAULT_TASK_FAIL] = fail_task,
    [SIM_FAULT_TASK_VANISH] = destroy_task,
    [SIM_FAULT_SHORT] = end_early,
    [SIM_FAULT_FLOOD] = start_flood,
};

gboolean
sim_transfer_strike(SimTransfer *transfer, gint64 bytes, void (*proceed)(SimTransfer *transfer))
{
    SimFault *fault = transfer->fault;

    if (!is_pending(transfer) || bytes < strike_point(transfer))
        return FALSE;
    transfer->struck = TRUE;
    if (fault->action == SIM_FAULT_HOLD) {
        transfer->proceed = proceed;
        transfer->hold = sim_faults_hold(transfer->sim->faults, fault, on_released, transfer);
        return TRUE;
    }
    sim_faults_fired(transfer->sim->faults, fault);
    if (fault->action < G_N_ELEMENTS(strikes) && strikes[fault->action] != NULL)
        return strikes[fault->action](transfer);
    return cut(transfer);
}
