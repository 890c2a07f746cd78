#include "data/rrd.h"

#include "data/metrics.h"
#include "data/transfer.h"
#include "http/pages.h"

#include <math.h>
#include <string.h>

#define STEP         5
#define DAY          (24 * 60 * 60)
#define MAX_INTERVAL (366 * DAY)

/* What the daemon keeps: so many steps of five seconds to a row, so many rows. */
static const struct {
    gint64 steps;
    guint rows;
} archives[] = {
    {1, 120},
    {12, 120},
    {720, 168},
    {17280, 366},
};

/* Five digits, as the daemon prints them (captures: GET_rrd_updates_xml). */
static void
append_number(GString *out, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (isnan(number))
        g_string_append(out, "NaN");
    else if (isinf(number))
        g_string_append(out, number < 0 ? "-Infinity" : "Infinity");
    else if (number == 0)
        g_string_append(out, "0.0");
    else
        g_string_append(out, g_ascii_formatd(text, sizeof(text), "%.5g", number));
}

static void
send_document(SimConnection *connection, gboolean json, const GString *body, gboolean keep)
{
    const char *type = json ? "application/json" : "text/xml";
    g_autofree char *head = g_strdup_printf(
        "Connection: keep-alive\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n"
        "Cache-Control: no-cache, no-store\r\ncontent-type: %s\r\n"
        "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: X-Requested-With\r\n\r\n",
        body->len, type);
    g_autofree char *closing =
        g_strdup_printf("HTTP/1.0 200 OK\r\nConnection: close\r\n"
                        "Cache-Control: no-cache, no-store\r\ncontent-type: %s\r\n"
                        "Access-Control-Allow-Origin: *\r\n\r\n",
                        type);

    if (keep)
        sim_page_status_line(connection, "200 OK");
    sim_connection_write(connection, keep ? head : closing, strlen(keep ? head : closing));
    sim_connection_write(connection, body->str, body->len);
    sim_connection_finish(connection, keep && !sim_connection_head(connection)->close);
}

/* xenapi-protocol 5.6 */
static gboolean
wants_json(const SimHead *head)
{
    const char *wish = sim_head_parameter(head, "json");
    const char *accept = sim_head_header(head, "accept");

    if (wish != NULL)
        return strcmp(wish, "true") == 0;
    return accept != NULL &&
           (strstr(accept, "application/json") != NULL || strstr(accept, "*/*") != NULL);
}

/* ---- /rrd_updates: the same columns for every row, the newest row first ---- */

typedef struct {
    const SimObject *object;
    const SimMetric *metric;
    const char *kind;
} Column;

typedef struct {
    GArray *columns;
    GPtrArray *owned; /* of GPtrArray of SimMetric */
    gint64 start;
    gint64 end;
    gint64 step;
} Table;

static void
table_clear(Table *table)
{
    g_array_unref(table->columns);
    g_ptr_array_unref(table->owned);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Table, table_clear)

static void
add_columns(Table *table, Sim *sim, const SimObject *object, const char *kind)
{
    GPtrArray *metrics = sim_metrics_of(sim, object);

    g_ptr_array_add(table->owned, metrics);
    for (guint i = 0; i < metrics->len; i++) {
        Column column = {object, g_ptr_array_index(metrics, i), kind};

        /* captures: the toolstack's own counts are recorded although they are not standard */
        if (column.metric->standard || column.metric->signed_value)
            g_array_append_val(table->columns, column);
    }
}

static void
fill_columns(Table *table, Sim *sim, const SimObject *host, const SimHead *head)
{
    const char *only = sim_head_parameter(head, "vm_uuid");
    const char *function = sim_head_parameter(head, "cf");
    g_autoptr(GPtrArray) vms = sim_object_follow_all(host, "resident_VMs");

    if (only == NULL)
        only = sim_head_parameter(head, "uuid");
    /* Averages are all that the daemon keeps. */
    if (function != NULL && strcmp(function, "AVERAGE") != 0)
        return;
    if (g_strcmp0(sim_head_parameter(head, "host"), "true") == 0)
        add_columns(table, sim, host, "host");
    for (guint i = 0; i < vms->len; i++) {
        const SimObject *vm = g_ptr_array_index(vms, i);

        if (only == NULL || strcmp(only, sim_object_text(vm, "uuid")) == 0)
            add_columns(table, sim, vm, "vm");
    }
}

/* From the finest archive that reaches back to @start and is no finer than @interval. */
static void
choose_rows(Table *table, gint64 start, gint64 interval, gint64 now)
{
    guint chosen = G_N_ELEMENTS(archives) - 1;

    for (guint i = G_N_ELEMENTS(archives); i > 0; i--) {
        gint64 step = archives[i - 1].steps * STEP;

        if (now - start <= step * archives[i - 1].rows && step >= interval)
            chosen = i - 1;
    }
    table->step = archives[chosen].steps * STEP;
    table->end = now - now % table->step;
    start = MAX(start, table->end - (archives[chosen].rows - 1) * table->step);
    table->start = (start + table->step - 1) / table->step * table->step;
}

static void
append_member(GString *out, gboolean json, const char *name, gint64 number)
{
    g_string_append_printf(out, json ? "\"%s\":\"%" G_GINT64_FORMAT "\"," : "<%s>%" G_GINT64_FORMAT,
                           name, number);
    if (!json)
        g_string_append_printf(out, "</%s>", name);
}

static void
print_legend(GString *out, const Table *table, gboolean json)
{
    g_string_append(out, json ? "\"legend\":[" : "<legend>");
    for (guint i = 0; i < table->columns->len; i++) {
        const Column *column = &g_array_index(table->columns, Column, i);

        g_string_append_printf(out, json ? "%s\"AVERAGE:%s:%s:%s\"" : "%s<entry>AVERAGE:%s:%s:%s",
                               json && i > 0 ? "," : "", column->kind,
                               sim_object_text(column->object, "uuid"), column->metric->name);
        if (!json)
            g_string_append(out, "</entry>");
    }
    g_string_append(out, json ? "]" : "</legend>");
}

static void
print_row(GString *out, const Table *table, gboolean json, gint64 seconds)
{
    g_string_append_printf(out,
                           json ? "{\"t\":\"%" G_GINT64_FORMAT "\",\"values\":["
                                : "<row><t>%" G_GINT64_FORMAT "</t>",
                           seconds);
    for (guint i = 0; i < table->columns->len; i++) {
        const Column *column = &g_array_index(table->columns, Column, i);

        g_string_append(out, !json ? "<v>" : i > 0 ? ",\"" : "\"");
        append_number(out, sim_metric_value(column->object, column->metric, seconds));
        g_string_append(out, json ? "\"" : "</v>");
    }
    g_string_append(out, json ? "]}" : "</row>");
}

static GString *
print_table(const Table *table, gboolean json)
{
    GString *out = g_string_new(json ? "{\"meta\":{"
                                     : "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xport><meta>");
    gint64 rows = table->end < table->start ? 0 : (table->end - table->start) / table->step + 1;

    append_member(out, json, "start", table->start);
    append_member(out, json, "step", table->step);
    append_member(out, json, "end", table->end);
    append_member(out, json, "rows", rows);
    append_member(out, json, "columns", table->columns->len);
    print_legend(out, table, json);
    g_string_append(out, json ? "},\"data\":[" : "</meta><data>");
    for (gint64 i = 0; i < rows; i++) {
        if (json && i > 0)
            g_string_append_c(out, ',');
        print_row(out, table, json, table->end - i * table->step);
    }
    g_string_append(out, json ? "]}" : "</data></xport>");
    return out;
}

static gint64
number_of(const SimHead *head, const char *name, gint64 otherwise)
{
    const char *text = sim_head_parameter(head, name);
    gint64 number;

    if (text == NULL ||
        !g_ascii_string_to_signed(text, 10, 0, G_MAXINT32 * (gint64) 2, &number, NULL))
        return otherwise;
    return number;
}

static void
get_updates(SimConnection *connection)
{
    Sim *sim = sim_connection_sim(connection);
    const SimHead *head = sim_connection_head(connection);
    const SimObject *host = sim_node_host(sim, sim_connection_node(connection));
    gint64 start = number_of(head, "start", -1);
    g_auto(Table) table = {g_array_new(FALSE, FALSE, sizeof(Column)), NULL, 0, 0, 0};
    g_autoptr(GString) body = NULL;

    table.owned = g_ptr_array_new_with_free_func((GDestroyNotify) g_ptr_array_unref);
    if (sim_transfer_authenticate(connection, "rrd_updates", SIM_ROLE_READ_ONLY) == NULL)
        return;
    if (start < 0 || host == NULL) {
        sim_page_send(connection, SIM_PAGE_BAD_REQUEST, NULL);
        return;
    }
    fill_columns(&table, sim, host, head);
    choose_rows(&table, start, MIN(number_of(head, "interval", 0), MAX_INTERVAL),
                sim_clock_now(sim->clock));
    body = print_table(&table, wants_json(head));
    send_document(connection, wants_json(head), body, TRUE);
}

/* ---- /vm_rrd, /host_rrd: everything there is ---- */

static void
print_value(GString *out, const char *name, double number)
{
    g_string_append_printf(out, "<%s>", name);
    append_number(out, number);
    g_string_append_printf(out, "</%s>", name);
}

static void
print_source(GString *out, const SimObject *object, const SimMetric *metric, gint64 now)
{
    g_string_append_printf(out, "<ds><name>%s</name><type>%s</type>", metric->name,
                           metric->derived ? "DERIVE" : "GAUGE");
    g_string_append(out, "<minimal_heartbeat>300</minimal_heartbeat>");
    print_value(out, "min", metric->signed_value ? -INFINITY : 0);
    print_value(out, "max", metric->max);
    print_value(out, "last_ds", sim_metric_value(object, metric, now));
    print_value(out, "value", sim_metric_value(object, metric, now));
    g_string_append(out, "<unknown_sec>0</unknown_sec></ds>");
}

static void
print_archive(GString *out, const SimObject *object, const GPtrArray *metrics, guint index,
              gint64 now)
{
    gint64 step = archives[index].steps * STEP;
    gint64 end = now - now % step;

    g_string_append_printf(out,
                           "<rra><cf>AVERAGE</cf><pdp_per_row>%" G_GINT64_FORMAT "</pdp_per_row>"
                           "<params><xff>0.5</xff></params><cdp_prep>",
                           archives[index].steps);
    for (guint i = 0; i < metrics->len; i++)
        g_string_append(out, "<ds><primary_value>0.0</primary_value><secondary_value>0.0"
                             "</secondary_value><value>0.0</value><unknown_datapoints>0"
                             "</unknown_datapoints></ds>");
    g_string_append(out, "</cdp_prep><database>");
    for (guint row = archives[index].rows; row > 0; row--) {
        g_string_append(out, "<row>");
        for (guint i = 0; i < metrics->len; i++)
            print_value(
                out, "v",
                sim_metric_value(object, g_ptr_array_index(metrics, i), end - (row - 1) * step));
        g_string_append(out, "</row>");
    }
    g_string_append(out, "</database></rra>");
}

static void
send_rrd(SimConnection *connection, const SimObject *object)
{
    Sim *sim = sim_connection_sim(connection);
    gint64 now = sim_clock_now(sim->clock);
    g_autoptr(GPtrArray) metrics = sim_metrics_of(sim, object);
    g_autoptr(GString) out = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rrd>");

    for (guint i = metrics->len; i > 0; i--) {
        if (!((SimMetric *) g_ptr_array_index(metrics, i - 1))->standard)
            g_ptr_array_remove_index(metrics, i - 1);
    }
    g_string_append_printf(
        out, "<version>0003</version><step>%d</step><lastupdate>%" G_GINT64_FORMAT "</lastupdate>",
        STEP, now);
    for (guint i = 0; i < metrics->len; i++)
        print_source(out, object, g_ptr_array_index(metrics, i), now);
    for (guint i = 0; i < G_N_ELEMENTS(archives); i++)
        print_archive(out, object, metrics, i, now);
    g_string_append(out, "</rrd>");
    send_document(connection, FALSE, out, FALSE);
}

static void
redirect_to(SimConnection *connection, const SimNode *node)
{
    g_autofree char *url = sim_node_url(sim_connection_sim(connection), node);
    g_autofree char *location = g_strconcat(url, sim_connection_head(connection)->target, NULL);

    sim_page_redirect(connection, location);
}

/* Of a guest its host knows, of a halted machine the coordinator (toolstack, rrdd_proxy.ml). */
static void
get_vm_rrd(SimConnection *connection)
{
    Sim *sim = sim_connection_sim(connection);
    const char *uuid = sim_head_parameter(sim_connection_head(connection), "uuid");
    const SimObject *vm = uuid != NULL ? sim_db_find_uuid(sim->db, "VM", uuid) : NULL;
    const SimObject *host = vm != NULL ? sim_object_follow(vm, "resident_on") : NULL;
    const SimNode *owner = host != NULL ? sim_node_of_host(sim, host) : sim_coordinator(sim);
    g_autofree char *text = NULL;

    if (sim_transfer_authenticate(connection, "get_vm_rrd", SIM_ROLE_READ_ONLY) == NULL)
        return;
    if (uuid == NULL) {
        sim_page_send(connection, SIM_PAGE_BAD_REQUEST, NULL);
    } else if (vm == NULL) {
        text = g_strdup_printf("Db_exn.Read_missing_uuid(\"VM\", \"\", \"%s\")", uuid);
        sim_page_send(connection, SIM_PAGE_INTERNAL, text);
    } else if (owner != NULL && owner != sim_connection_node(connection)) {
        redirect_to(connection, owner);
    } else {
        send_rrd(connection, vm);
    }
}

static void
get_host_rrd(SimConnection *connection)
{
    Sim *sim = sim_connection_sim(connection);
    const SimObject *host = sim_node_host(sim, sim_connection_node(connection));

    if (sim_transfer_authenticate(connection, "get_host_rrd", SIM_ROLE_READ_ONLY) == NULL)
        return;
    if (host != NULL)
        send_rrd(connection, host);
    else
        sim_page_send(connection, SIM_PAGE_UNAVAILABLE, NULL);
}

const SimRoute sim_rrd_routes[] = {
    {"GET", "/rrd_updates", get_updates},
    {"GET", "/vm_rrd", get_vm_rrd},
    {"GET", "/host_rrd", get_host_rrd},
    {NULL, NULL, NULL},
};
