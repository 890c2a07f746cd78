/* doctor: what is wrong between here and the pool, and what to do about it. */
#include "cmd.h"
#include "doctor.h"
#include "failure.h"
#include "resolve.h"
#include "text.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#define HTTPS_PORT  443
#define NO_WRAPPING 100000

/* ---- the table of checks, in the order in which they are shown ---- */

static const Check checks[] = {
    {"driver", N_("the driver loads and speaks the same interface as hvd"), 0, check_driver},
    {"configuration", N_("its file is readable, safe from others, and has no unknown key"), 0,
     check_configuration},
    {"credentials", N_("the password is where only its owner can read it"), 0, check_credentials},
    {"locked-memory", N_("secrets can be kept out of swap"), 0, check_locked_memory},
    {"core-files", N_("secrets get into no core file"), 0, check_core_files},
    {"address", N_("the pool's name resolves, and somebody answers there"), 0, check_address},
    {"certificate", N_("the pool's certificate is trusted"), CHECK_NEEDS_TLS, check_certificate},
    {"login", N_("the account can log in"), CHECK_NEEDS_DRIVER, check_login},
    {"role", N_("the account may do what the driver needs"), CHECK_NEEDS_POOL, check_role},
    {"clock", N_("this machine and the pool have the same time"), CHECK_NEEDS_POOL, check_clock},
    {"coordinator", N_("one node speaks for the pool, and is live"), CHECK_NEEDS_POOL,
     check_coordinator},
    {"nodes", N_("every node is live and takes instances"), CHECK_NEEDS_POOL, check_nodes},
    {"versions", N_("the nodes run one version of a product that is known"), CHECK_NEEDS_POOL,
     check_versions},
    {"pins", N_("the key of each node, to compare with what is pinned"), CHECK_NEEDS_TLS,
     check_pins},
    {"expiry", N_("no certificate expires soon"), CHECK_NEEDS_TLS, check_expiry},
    {"transfers", N_("every node can be reached for disks, with a trusted certificate"),
     CHECK_NEEDS_POOL, check_transfers},
    {"storage-links", N_("every node is connected to its storage"), CHECK_NEEDS_POOL,
     check_storage_links},
    {"storage-space", N_("no storage is nearly full"), CHECK_NEEDS_POOL, check_storage_space},
    {"default-storage", N_("it is said where new disks go"), CHECK_NEEDS_POOL,
     check_default_storage},
    {"guest-drivers", N_("running instances have paravirtual drivers"), CHECK_NEEDS_POOL,
     check_guest_drivers},
    {"leftovers", N_("nothing of processes that are gone is left"), CHECK_NEEDS_POOL,
     check_leftovers},
};

/* ---- findings ---- */

typedef struct {
    const Check *check;
    CheckState state;
    char *text;
    char *advice;
} Finding;

static void
finding_free(gpointer data)
{
    Finding *finding = data;

    g_free(finding->text);
    g_free(finding->advice);
    g_free(finding);
}

void
doctor_say(Doctor *doctor, CheckState state, const char *advice, const char *format, ...)
{
    Finding *finding = g_new0(Finding, 1);
    va_list arguments;

    finding->check = doctor->check;
    finding->state = state;
    finding->advice = g_strdup(advice);
    va_start(arguments, format);
    finding->text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_ptr_array_add(doctor->findings, finding);
}

void
doctor_say_error(Doctor *doctor, const GError *error)
{
    g_autofree char *advice = failure_dup_advice(error);

    doctor_say(doctor, CHECK_PROBLEM, advice, "%s: %s", failure_get_name(error), error->message);
}

static const struct {
    const char *word; /* in JSON; marked for translation, for eyes */
    Style style;
} states[] = {
    [CHECK_OK] = {N_("ok"), STYLE_GOOD},
    [CHECK_UNKNOWN] = {N_("unknown"), STYLE_FAINT},
    [CHECK_WARNING] = {N_("warning"), STYLE_WARN},
    [CHECK_PROBLEM] = {N_("problem"), STYLE_BAD},
};

static guint
count(const Doctor *doctor, CheckState state)
{
    guint n = 0;

    for (guint i = 0; i < doctor->findings->len; i++)
        n += ((const Finding *) g_ptr_array_index(doctor->findings, i))->state == state;
    return n;
}

/* ---- what is found out once ---- */

GPtrArray *
doctor_nodes(const Doctor *doctor)
{
    return document_elements(doctor->nodes);
}

static void
read_address(Doctor *doctor)
{
    g_autofree char *url = target_get_value(doctor->target, "pool", "url");
    g_autofree char *pins = target_get_value(doctor->target, "tls", "pins");
    g_autoptr(GUri) uri = url != NULL ? g_uri_parse(url, G_URI_FLAGS_NONE, NULL) : NULL;

    doctor->pins = g_strsplit(pins != NULL ? pins : "", ";", -1);
    if (uri == NULL || g_uri_get_host(uri) == NULL || g_uri_get_host(uri)[0] == '\0')
        return;
    doctor->tls = g_strcmp0(g_uri_get_scheme(uri), "http") != 0;
    doctor->host = g_strdup(g_uri_get_host(uri));
    doctor->port =
        g_uri_get_port(uri) > 0 ? (guint) g_uri_get_port(uri) : (doctor->tls ? HTTPS_PORT : 80);
}

/* With what only the pool can tell, where it does. */
static void
read_nodes(Doctor *doctor)
{
    HvdCall *call = runner_get_call(doctor->shim->runner);
    g_autofree char *text = NULL;

    call->flags |= HVD_CALL_ASK;
    text = runner_call(doctor->shim->runner, "list_nodes", &doctor->ask_error);
    call->flags &= ~(guint) HVD_CALL_ASK;
    doctor->asked_at = g_get_real_time() / G_USEC_PER_SEC;
    doctor->nodes =
        text != NULL ? document_parse(text) : resolve_read(doctor->shim, "list_nodes", NULL, NULL);
    doctor->instances = resolve_read(doctor->shim, "list_instances", NULL, NULL);
}

static guint
connect_timeout(const Doctor *doctor)
{
    g_autofree char *text = target_get_value(doctor->target, "http", "connect-timeout");
    guint64 seconds = text != NULL ? g_ascii_strtoull(text, NULL, 10) : 0;

    return seconds > 0 && seconds <= 300 ? (guint) seconds : 10;
}

static void
probe_all(Doctor *doctor, GCancellable *cancellable)
{
    g_autofree char *ca_file = target_get_value(doctor->target, "tls", "ca-file");
    g_autoptr(GPtrArray) nodes = doctor_nodes(doctor);
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    ProbeTrust trust = {.ca_file = ca_file != NULL && ca_file[0] != '\0' ? ca_file : NULL,
                        .pins = doctor->pins,
                        .tls = doctor->tls,
                        .port = doctor->port,
                        .timeout_s = connect_timeout(doctor)};

    if (doctor->host == NULL)
        return;
    doctor->front = probe_new(NULL, doctor->host);
    g_ptr_array_add(all, doctor->front);
    for (guint i = 0; i < nodes->len; i++) {
        JsonObject *node = g_ptr_array_index(nodes, i);

        if (document_text(node, "address") == NULL)
            continue;
        g_ptr_array_add(doctor->probes,
                        probe_new(document_text(node, "name"), document_text(node, "address")));
        g_ptr_array_add(all, g_ptr_array_index(doctor->probes, doctor->probes->len - 1));
    }
    probe_run(all, &trust, cancellable);
}

/* Everything that the checks look at. What cannot be had is said by them. Errors: USAGE, CANCELLED. */
static gboolean
examine(Doctor *doctor, GError **error)
{
    Shim *shim = doctor->shim;

    doctor->described = target_describe(shim->arguments, error);
    if (doctor->described == NULL)
        return FALSE;
    shim_load(shim, &doctor->load_error);
    if (shim->driver != NULL)
        shim_connect(shim, &doctor->open_error);
    doctor->target = shim->target != NULL ? shim->target : doctor->described;
    if (failure_is(doctor->open_error, FAILURE_CANCELLED)) {
        g_propagate_error(error, g_steal_pointer(&doctor->open_error));
        return FALSE;
    }
    read_address(doctor);
    if (shim->driver != NULL && doctor->open_error == NULL)
        read_nodes(doctor);
    probe_all(doctor, shim->runner != NULL ? runner_get_cancellable(shim->runner) : NULL);
    return shim->runner == NULL || shim_check_cancelled(shim, error);
}

static void
doctor_clear(Doctor *doctor)
{
    g_ptr_array_unref(doctor->findings);
    g_ptr_array_unref(doctor->probes);
    g_clear_pointer(&doctor->described, target_free);
    g_clear_pointer(&doctor->front, probe_free);
    g_clear_pointer(&doctor->nodes, json_node_unref);
    g_clear_pointer(&doctor->instances, json_node_unref);
    g_clear_error(&doctor->load_error);
    g_clear_error(&doctor->open_error);
    g_clear_error(&doctor->ask_error);
    g_free(doctor->host);
    g_strfreev(doctor->pins);
}

/* ---- running ---- */

/* (nullable): why a check cannot be made */
static const char *
why_not(const Doctor *doctor, CheckNeeds needs)
{
    if ((needs & (CHECK_NEEDS_DRIVER | CHECK_NEEDS_POOL)) != 0 && doctor->load_error != NULL)
        return _("not looked at: there is no driver");
    if ((needs & CHECK_NEEDS_POOL) != 0 && doctor->nodes == NULL)
        return _("not looked at: the pool could not be opened");
    if ((needs & CHECK_NEEDS_TLS) != 0 && doctor->host != NULL && !doctor->tls)
        return _("not looked at: the address is one of plain http");
    return NULL;
}

static void
run_checks(Doctor *doctor)
{
    for (gsize i = 0; i < G_N_ELEMENTS(checks); i++) {
        const char *reason = why_not(doctor, checks[i].needs);

        doctor->check = &checks[i];
        if (reason != NULL)
            doctor_say(doctor, CHECK_UNKNOWN, NULL, "%s", reason);
        else
            checks[i].run(doctor);
    }
}

/* ---- showing ---- */

static void
show_json(const Doctor *doctor)
{
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_ARRAY);
    JsonArray *array = json_array_new();
    g_autofree char *text = NULL;

    for (guint i = 0; i < doctor->findings->len; i++) {
        const Finding *finding = g_ptr_array_index(doctor->findings, i);
        JsonObject *object = json_object_new();
        g_autofree char *valid = g_utf8_make_valid(finding->text, -1);

        json_object_set_string_member(object, "check", finding->check->name);
        json_object_set_string_member(object, "state", states[finding->state].word);
        json_object_set_string_member(object, "text", valid);
        if (finding->advice != NULL)
            json_object_set_string_member(object, "advice", finding->advice);
        json_array_add_object_element(array, object);
    }
    json_node_take_array(node, array);
    text = document_print(node);
    output_json(doctor->shim->output, text);
}

static guint
name_columns(void)
{
    guint widest = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
        widest = MAX(widest, (guint) strlen(checks[i].name));
    return widest;
}

static guint
state_columns(void)
{
    guint widest = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(states); i++)
        widest = MAX(widest, text_width(_(states[i].word)));
    return widest;
}

#define GAP "  "

/* Text is wrapped and not cut: what is wrong stands at its end, as a rule. */
static void
show_finding(const Doctor *doctor, const Finding *finding, gboolean named)
{
    Output *output = doctor->shim->output;
    guint terminal = output->out_is_terminal ? output_width(STDOUT_FILENO) : 0;
    guint indent = state_columns() + name_columns() + 2 * (guint) strlen(GAP);
    guint columns = terminal > indent + 20 ? terminal : NO_WRAPPING;
    g_autofree char *safe = text_escape(finding->text);
    g_autofree char *advice = finding->advice != NULL
                                  ? g_strdup_printf(_("advice: %s"), _(finding->advice))
                                  : g_strdup("");
    g_autofree char *safe_advice = text_escape(advice);
    g_autoptr(GString) words = g_string_new(NULL);
    g_autoptr(GString) line = g_string_new(NULL);

    text_wrap(words, safe, indent, columns);
    if (finding->advice != NULL)
        text_wrap(words, safe_advice, indent, columns);
    g_string_append(line, style_begin(states[finding->state].style, output->out_colours));
    text_pad(line, _(states[finding->state].word), state_columns(), FALSE);
    g_string_append(line, style_end(states[finding->state].style, output->out_colours));
    g_string_append(line, GAP);
    text_pad(line, named ? finding->check->name : "", name_columns(), FALSE);
    g_string_append(line, GAP);
    g_string_append(line, words->str + indent);
    output_text(output, line->str);
}

/* Each number has a plural of its own. */
static void
show_counts(const Doctor *doctor)
{
    guint n_checks = (guint) G_N_ELEMENTS(checks);
    guint n_problems = count(doctor, CHECK_PROBLEM);
    guint n_warnings = count(doctor, CHECK_WARNING);
    guint n_unknown = count(doctor, CHECK_UNKNOWN);
    g_autofree char *all = g_strdup_printf(ngettext("%u check", "%u checks", n_checks), n_checks);
    g_autofree char *problems =
        g_strdup_printf(ngettext("%u problem", "%u problems", n_problems), n_problems);
    g_autofree char *warnings =
        g_strdup_printf(ngettext("%u warning", "%u warnings", n_warnings), n_warnings);
    g_autofree char *unknown =
        g_strdup_printf(ngettext("%u unknown", "%u unknown", n_unknown), n_unknown);

    /* "21 checks: 0 problems, 1 warning, 0 unknown" */
    output_line(doctor->shim->output, _("%s: %s, %s, %s"), all, problems, warnings, unknown);
}

static void
show(const Doctor *doctor)
{
    const Check *last = NULL;

    for (guint i = 0; i < doctor->findings->len; i++) {
        const Finding *finding = g_ptr_array_index(doctor->findings, i);

        show_finding(doctor, finding, finding->check != last);
        last = finding->check;
    }
    show_counts(doctor);
}

static void
show_list(Shim *shim)
{
    static const Column columns[] = {{N_("CHECK")}, {N_("WHAT IT LOOKS AT"), FALSE, TRUE}};
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_ARRAY);
    JsonArray *array = json_array_new();
    g_autofree char *text = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(checks); i++) {
        JsonObject *object = json_object_new();

        table_row(table);
        table_cell(table, checks[i].name);
        table_cell(table, _(checks[i].about));
        json_object_set_string_member(object, "check", checks[i].name);
        json_object_set_string_member(object, "about", _(checks[i].about));
        json_array_add_object_element(array, object);
    }
    json_node_take_array(node, array);
    text = document_print(node);
    if (shim->output->json)
        output_json(shim->output, text);
    else
        output_table(shim->output, table);
}

/* Whoever looks at the exit status alone has to know, too. */
static gboolean
judge(const Doctor *doctor, GError **error)
{
    guint n = count(doctor, CHECK_PROBLEM);

    if (n == 0)
        return TRUE;
    failure_set(error, FAILURE_PROBLEMS, NULL, _("doctor: problems found: %u"), n);
    return FALSE;
}

gboolean
cmd_doctor(Shim *shim, GError **error)
{
    Doctor doctor = {.shim = shim};
    gboolean done;

    if (arguments_has(shim->arguments, "list")) {
        show_list(shim);
        return TRUE;
    }
    doctor.findings = g_ptr_array_new_with_free_func(finding_free);
    doctor.probes = g_ptr_array_new_with_free_func((GDestroyNotify) probe_free);
    done = examine(&doctor, error);
    if (done) {
        run_checks(&doctor);
        if (shim->progress != NULL)
            progress_end(shim->progress);
        if (shim->output->json)
            show_json(&doctor);
        else
            show(&doctor);
        done = judge(&doctor, error);
    }
    doctor_clear(&doctor);
    return done;
}
