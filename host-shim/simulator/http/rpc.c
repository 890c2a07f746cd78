#include "http/rpc.h"

#include "core/call.h"
#include "core/stats.h"
#include "http/pages.h"
#include "http/power.h"
#include "wire/rpc.h"

#include <string.h>

#define CONFIG_HEADER "x-http-other-config-"
#define TAG_HEADER    CONFIG_HEADER "hvd"

/* One request on its way through faults and call to its answer. It is in one hand at a time: that
 * of a hold, or that of a call; the connection's gone function only borrows it. */
typedef struct {
    SimConnection *connection;
    Sim *sim;
    SimRequest request;
    SimValue *config;
    SimFault *fault;
    SimHold *hold;
    GString *body; /* of the answer */
} Exchange;

static void
exchange_free(Exchange *exchange)
{
    sim_connection_unref(exchange->connection);
    g_clear_pointer(&exchange->config, sim_value_unref);
    g_clear_pointer(&exchange->fault, sim_fault_unref);
    if (exchange->body != NULL)
        g_string_free(exchange->body, TRUE);
    sim_request_clear(&exchange->request);
    g_free(exchange);
}

SimValue *
sim_rpc_task_config(const SimHead *head)
{
    SimValue *config = sim_map();
    GHashTableIter iter;
    gpointer name;
    gpointer value;

    g_hash_table_iter_init(&iter, head->headers);
    while (g_hash_table_iter_next(&iter, &name, &value)) {
        g_autofree char *key = NULL;

        if (!g_str_has_prefix(name, CONFIG_HEADER))
            continue;
        key = g_strconcat("http:", (char *) name + strlen(CONFIG_HEADER), NULL);
        sim_map_set_string(config, key, value);
    }
    return config;
}

const char *
sim_rpc_tag(const SimHead *head)
{
    return sim_head_header(head, TAG_HEADER);
}

static const char *
content_type(const Exchange *exchange)
{
    return exchange->request.encoding == SIM_XML_RPC ? "text/xml" : "application/json";
}

/* The client hung up: what was held is let go, what waited for events ends; a call that does
 * something goes on to its end, as on the real server (verified-sequences 1.3). */
static void
on_gone(SimConnection *connection, gpointer data)
{
    Exchange *exchange = data;

    if (exchange->hold != NULL)
        sim_faults_unhold(exchange->hold);
    else if (g_str_has_prefix(exchange->request.method, "event."))
        sim_calls_forget(exchange->sim->calls, exchange);
    else
        return;
    sim_connection_drop(connection);
    exchange_free(exchange);
}

static void
send_answer(Exchange *exchange)
{
    SimConnection *connection = exchange->connection;

    sim_page_rpc(connection, content_type(exchange), exchange->body->str, exchange->body->len);
}

static void
send_truncated(Exchange *exchange)
{
    SimConnection *connection = exchange->connection;
    gsize length = exchange->fault->bytes < 0
                       ? exchange->body->len / 2
                       : MIN((gsize) exchange->fault->bytes, exchange->body->len);
    g_autofree char *head =
        g_strdup_printf("content-length: %" G_GSIZE_FORMAT "\r\nconnection: keep-alive\r\n"
                        "content-type: %s\r\n\r\n",
                        exchange->body->len, content_type(exchange));

    sim_page_status_line(connection, "200 OK");
    sim_connection_write(connection, head, strlen(head));
    sim_connection_write(connection, exchange->body->str, length);
    sim_connection_finish(connection, FALSE);
}

/* Two answers to one request: observed.md, "Transfers". */
static void
send_double(Exchange *exchange)
{
    SimConnection *connection = exchange->connection;
    g_autofree char *head =
        g_strdup_printf("content-length: %" G_GSIZE_FORMAT "\r\nconnection: keep-alive\r\n"
                        "content-type: %s\r\n\r\n",
                        exchange->body->len, content_type(exchange));

    sim_page_status_line(connection, "200 OK");
    sim_connection_write(connection, head, strlen(head));
    sim_connection_write(connection, exchange->body->str, exchange->body->len);
    send_answer(exchange);
}

static void
send_garbage(Exchange *exchange)
{
    const char *text = exchange->fault->text != NULL ? exchange->fault->text : "\x01garbage<{";

    sim_page_rpc(exchange->connection, content_type(exchange), text, strlen(text));
}

static void
send_status(Exchange *exchange)
{
    sim_page_status(exchange->connection,
                    exchange->fault->text != NULL ? exchange->fault->text : "500 Internal Error");
}

static void
send_redirect(Exchange *exchange)
{
    sim_page_redirect(exchange->connection,
                      exchange->fault->text != NULL ? exchange->fault->text : "https://192.0.2.1/");
}

static void
send_error(Exchange *exchange)
{
    SimAnswer answer = {NULL, sim_value_ref(exchange->fault->error), FALSE};

    if (exchange->body != NULL)
        g_string_free(exchange->body, TRUE);
    exchange->body = sim_rpc_print(&exchange->request, &answer);
    sim_answer_clear(&answer);
    send_answer(exchange);
}

static void
drop_connection(Exchange *exchange)
{
    sim_connection_drop(exchange->connection);
}

static void
stop_toolstack(Exchange *exchange)
{
    Sim *sim = exchange->sim;

    sim_connection_drop(exchange->connection);
    sim_power_stop(sim);
}

/* What is sent instead of an answer. Those that need one to mangle have it by then. */
static void (*const mangle[])(Exchange *) = {
    [SIM_FAULT_ERROR] = send_error,       [SIM_FAULT_DROP] = drop_connection,
    [SIM_FAULT_GARBAGE] = send_garbage,   [SIM_FAULT_STATUS] = send_status,
    [SIM_FAULT_REDIRECT] = send_redirect, [SIM_FAULT_TRUNCATE] = send_truncated,
    [SIM_FAULT_DOUBLE] = send_double,     [SIM_FAULT_STOP_AFTER] = stop_toolstack,
};

static void
mangle_and_free(Exchange *exchange)
{
    sim_faults_fired(exchange->sim->faults, exchange->fault);
    mangle[exchange->fault->action](exchange);
    exchange_free(exchange);
}

static void
hold(Exchange *exchange, SimHoldFunc released)
{
    exchange->hold = sim_faults_hold(exchange->sim->faults, exchange->fault, released, exchange);
    sim_connection_set_gone_func(exchange->connection, on_gone, exchange);
}

static void
leave_hold(Exchange *exchange)
{
    exchange->hold = NULL;
    sim_connection_set_gone_func(exchange->connection, NULL, NULL);
}

static void
on_released_after(gpointer data)
{
    Exchange *exchange = data;

    leave_hold(exchange);
    send_answer(exchange);
    exchange_free(exchange);
}

static gboolean
is_mangled_after(const Exchange *exchange)
{
    const SimFault *fault = exchange->fault;

    if (fault == NULL || sim_fault_is_of_task(fault))
        return FALSE;
    /* There is no half of an answer, nor a second, before there is one. */
    return fault->after || fault->action == SIM_FAULT_TRUNCATE || fault->action == SIM_FAULT_DOUBLE;
}

static void
on_done(SimCall *call, const SimAnswer *answer, gpointer data)
{
    Exchange *exchange = data;

    (void) call;
    sim_connection_set_gone_func(exchange->connection, NULL, NULL);
    if (answer == NULL || sim_connection_is_closed(exchange->connection)) {
        sim_connection_drop(exchange->connection);
        exchange_free(exchange);
        return;
    }
    exchange->body = sim_rpc_print(&exchange->request, answer);
    if (is_mangled_after(exchange) && exchange->fault->action == SIM_FAULT_HOLD) {
        hold(exchange, on_released_after);
        return;
    }
    if (is_mangled_after(exchange)) {
        mangle_and_free(exchange);
        return;
    }
    send_answer(exchange);
    exchange_free(exchange);
}

static void
start_call(Exchange *exchange)
{
    SimFault *fault = exchange->fault;
    SimCallStart start = {
        .method = exchange->request.method,
        .params = exchange->request.params,
        .node = sim_connection_node(exchange->connection),
        .task_config = exchange->config,
        .fault = fault != NULL && sim_fault_is_of_task(fault) ? fault : NULL,
        .done = on_done,
        .data = exchange,
    };

    sim_connection_set_gone_func(exchange->connection, on_gone, exchange);
    sim_call_start(exchange->sim, &start);
}

static void
on_released_before(gpointer data)
{
    Exchange *exchange = data;

    leave_hold(exchange);
    start_call(exchange);
}

static void
take_request(SimConnection *connection, SimRequest *request)
{
    Exchange *exchange = g_new0(Exchange, 1);
    Sim *sim = sim_connection_sim(connection);
    const SimHead *head = sim_connection_head(connection);
    SimFault *fault;

    exchange->connection = sim_connection_ref(connection);
    exchange->sim = sim;
    exchange->request = *request;
    exchange->config = sim_rpc_task_config(head);
    sim_stats_note(sim->stats, request->method, sim_rpc_tag(head), FALSE);
    fault = sim_faults_match(sim->faults, request->method, sim_rpc_tag(head), FALSE);
    exchange->fault = fault;
    if (fault == NULL || sim_fault_is_of_task(fault) || is_mangled_after(exchange))
        start_call(exchange);
    else if (fault->action == SIM_FAULT_HOLD)
        hold(exchange, on_released_before);
    else
        mangle_and_free(exchange);
}

typedef gboolean (*Parse)(const char *, gsize, SimRequest *, char **);

static void
take_body(SimConnection *connection, const char *body, gsize length, Parse parse)
{
    SimRequest request = {0};
    g_autofree char *problem = NULL;

    if (parse(body, length, &request, &problem)) {
        take_request(connection, &request);
        return;
    }
    sim_request_clear(&request);
    sim_page_send(connection, SIM_PAGE_INTERNAL, problem);
}

static void
on_xml_body(SimConnection *connection, const char *body, gsize length, gpointer data)
{
    (void) data;
    take_body(connection, body, length, sim_xmlrpc_parse);
}

static void
on_json_body(SimConnection *connection, const char *body, gsize length, gpointer data)
{
    (void) data;
    take_body(connection, body, length, sim_jsonrpc_parse);
}

static void
post(SimConnection *connection, SimBodyFunc on_body)
{
    gint64 length = sim_connection_head(connection)->content_length;

    if (length < 0)
        sim_page_send(connection, SIM_PAGE_INTERNAL,
                      "Failure(\"We require a content-length: HTTP header\")");
    else if (length > SIM_MAX_BODY)
        sim_page_send(connection, SIM_PAGE_INTERNAL, "Http_svr.Client_requested_size_over_limit");
    else
        sim_connection_read_body(connection, on_body, NULL);
}

void
sim_rpc_post_xml(SimConnection *connection)
{
    post(connection, on_xml_body);
}

void
sim_rpc_post_json(SimConnection *connection)
{
    post(connection, on_json_body);
}

void
sim_rpc_options(SimConnection *connection)
{
    const char *text = "content-length: 0\r\nconnection: keep-alive\r\n"
                       "cache-control: no-cache, no-store\r\nAccess-Control-Allow-Origin: *\r\n"
                       "Access-Control-Allow-Headers: X-Requested-With\r\n"
                       "Access-Control-Allow-Methods: PUT\r\n\r\n";

    sim_page_status_line(connection, "200 OK");
    sim_connection_write(connection, text, strlen(text));
    sim_connection_finish(connection, TRUE);
}
