/* Checks of the pool: log-in, role, clock, coordinator, nodes, versions, what was left half-done. */
#include "doctor.h"
#include "failure.h"

#include <glib/gi18n.h>
#include <string.h>

#define CLOCK_WARNING_S 30
#define CLOCK_PROBLEM_S 300

void
check_login(Doctor *doctor)
{
    g_autofree char *user = target_get_value(doctor->target, "pool", "username");
    g_autoptr(GPtrArray) nodes = doctor_nodes(doctor);

    if (doctor->open_error != NULL)
        doctor_say_error(doctor, doctor->open_error);
    else
        doctor_say(doctor, CHECK_OK, NULL,
                   ngettext("\"%s\" is logged in, %u node is known",
                            "\"%s\" is logged in, %u nodes are known", nodes->len),
                   user != NULL ? user : "root", nodes->len);
}

/* (nullable): what the pool said when it was asked */
static JsonObject *
login_of(const Doctor *doctor)
{
    g_autoptr(GPtrArray) nodes = doctor_nodes(doctor);

    for (guint i = 0; i < nodes->len; i++) {
        JsonObject *login = document_member(g_ptr_array_index(nodes, i), "login");

        if (login != NULL)
            return login;
    }
    return NULL;
}

static const char *
why_not_asked(const Doctor *doctor)
{
    return doctor->ask_error != NULL ? doctor->ask_error->message : _("the driver does not say");
}

/* What each role lacks, from the smallest on (schemas/roles.json). */
void
check_role(Doctor *doctor)
{
    static const struct {
        const char *role;
        CheckState state;
        const char *lacks; /* marked for translation */
    } rows[] = {
        {"none", CHECK_PROBLEM, N_("nothing at all")},
        {"read-only", CHECK_PROBLEM, N_("power, instances, migration, volumes and reconcile")},
        {"vm-operator", CHECK_PROBLEM, N_("instances, migration, volumes and reconcile")},
        {"vm-admin", CHECK_WARNING, N_("choosing a node, migration, volumes and reconcile")},
        {"vm-power-admin", CHECK_WARNING, N_("volumes and reconcile")},
    };
    JsonObject *login = login_of(doctor);
    const char *role = document_text(login, "role");
    const char *account = document_text(login, "account");

    for (gsize i = 0; i < G_N_ELEMENTS(rows) && role != NULL; i++) {
        if (strcmp(role, rows[i].role) != 0)
            continue;
        doctor_say(doctor, rows[i].state,
                   _("give it the role pool-operator, the smallest that may do all of it"),
                   _("\"%s\" has the role %s, which is too small for %s"), account, role,
                   _(rows[i].lacks));
        return;
    }
    if (role != NULL)
        doctor_say(doctor, CHECK_OK, NULL, _("\"%s\" has the role %s"), account, role);
    else
        doctor_say(doctor, CHECK_UNKNOWN, NULL, "%s", why_not_asked(doctor));
}

void
check_clock(Doctor *doctor)
{
    JsonObject *login = login_of(doctor);
    gint64 theirs = document_number(login, "server_time", 0);
    gint64 ahead = theirs - doctor->asked_at;
    gint64 off = ABS(ahead);

    if (theirs == 0)
        doctor_say(doctor, CHECK_UNKNOWN, NULL, "%s", why_not_asked(doctor));
    else if (off < CLOCK_WARNING_S)
        doctor_say(doctor, CHECK_OK, NULL, "%s", _("this machine and the pool agree"));
    else
        doctor_say(
            doctor, off < CLOCK_PROBLEM_S ? CHECK_WARNING : CHECK_PROBLEM,
            _("let both follow the same time servers (NTP): certificates and the age of what "
              "was left half-done depend on it"),
            ahead > 0 ? _("the pool's clock is %u s ahead of this machine's")
                      : _("the pool's clock is %u s behind this machine's"),
            (guint) MIN(off, G_MAXUINT));
}

void
check_coordinator(Doctor *doctor)
{
    g_autoptr(GPtrArray) nodes = doctor_nodes(doctor);

    for (guint i = 0; i < nodes->len; i++) {
        JsonObject *node = g_ptr_array_index(nodes, i);

        if (!document_flag(node, "coordinator"))
            continue;
        if (document_flag(node, "live"))
            doctor_say(doctor, CHECK_OK, NULL, "%s (%s)", document_text(node, "name"),
                       document_text(node, "address"));
        else
            doctor_say(doctor, CHECK_PROBLEM,
                       _("look at that node; where it is gone for good, make another one the "
                         "coordinator: xe pool-emergency-transition-to-master"),
                       _("%s is the coordinator, and down"), document_text(node, "name"));
        return;
    }
    doctor_say(doctor, CHECK_PROBLEM, _("look at the pool with xe pool-list params=master"), "%s",
               _("the pool names no coordinator"));
}

void
check_nodes(Doctor *doctor)
{
    g_autoptr(GPtrArray) nodes = doctor_nodes(doctor);
    guint n = 0;

    for (guint i = 0; i < nodes->len; i++) {
        JsonObject *node = g_ptr_array_index(nodes, i);
        const char *name = document_text(node, "name");

        if (!document_flag(node, "live"))
            doctor_say(doctor, CHECK_PROBLEM, _("look at its console and its network"),
                       _("%s is down"), name);
        else if (!document_flag(node, "enabled"))
            doctor_say(doctor, CHECK_WARNING,
                       _("after maintenance: xe host-enable; until then it takes no instances"),
                       _("%s is disabled"), name);
        else
            n++;
    }
    if (n == nodes->len)
        doctor_say(doctor, CHECK_OK, NULL,
                   ngettext("%u of %u is live and enabled", "%u of %u are live and enabled", n), n,
                   n);
}

/* ---- versions ---- */

/* The products whose answers are known here, by the start of their version. */
static gboolean
is_known_product(const char *brand, const char *version)
{
    static const struct {
        const char *brand;
        const char *version;
    } rows[] = {
        {"XCP-ng", "8.2."},
        {"XCP-ng", "8.3."},
        {"XenServer", "8."},
        {"Citrix Hypervisor", "8.2."},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (g_strcmp0(brand, rows[i].brand) == 0 && version != NULL &&
            g_str_has_prefix(version, rows[i].version))
            return TRUE;
    }
    return FALSE;
}

void
check_versions(Doctor *doctor)
{
    g_autoptr(GPtrArray) nodes = doctor_nodes(doctor);
    const char *first = NULL;
    gboolean fine = nodes->len > 0;

    for (guint i = 0; i < nodes->len; i++) {
        JsonObject *node = g_ptr_array_index(nodes, i);
        const char *brand = document_text(node, "brand");
        const char *version = document_text(node, "version");

        if (!is_known_product(brand, version)) {
            doctor_say(doctor, CHECK_WARNING, _("try it with instances that nobody needs first"),
                       _("%s runs %s %s, with which the driver was not tried"),
                       document_text(node, "name"), brand, version);
            fine = FALSE;
        }
        if (first != NULL && g_strcmp0(first, version) != 0) {
            doctor_say(
                doctor, CHECK_WARNING, _("end the upgrade: nodes of one pool run one version"),
                _("%s runs %s, the coordinator %s"), document_text(node, "name"), version, first);
            fine = FALSE;
        }
        first = first != NULL ? first : version;
    }
    if (fine)
        doctor_say(doctor, CHECK_OK, NULL, _("%s %s on every node"),
                   document_text(g_ptr_array_index(nodes, 0), "brand"), first);
}

/* ---- what was left half-done ---- */

/* Reading is no repair. */
static guint
count_repairs(JsonObject *plan)
{
    g_autoptr(GPtrArray) steps = document_objects(plan, "steps");
    guint n = 0;

    for (guint i = 0; i < steps->len; i++) {
        g_autoptr(GPtrArray) calls = document_objects(g_ptr_array_index(steps, i), "calls");

        for (guint k = 0; k < calls->len; k++) {
            const char *method = document_text(g_ptr_array_index(calls, k), "method");

            n += method != NULL && strstr(method, ".get_") == NULL;
        }
    }
    return n;
}

void
check_leftovers(Doctor *doctor)
{
    Runner *runner = doctor->shim->runner;
    HvdCall *call = runner_get_call(runner);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    g_autoptr(JsonNode) plan = NULL;
    guint n;

    if ((doctor->shim->driver->capabilities & HVD_CAPABILITY_PLAN) == 0 ||
        !runner_has(runner, "reconcile")) {
        doctor_say(doctor, CHECK_UNKNOWN, NULL, "%s", _("the driver cannot plan a reconcile"));
        return;
    }
    call->flags |= HVD_CALL_PLAN_ONLY;
    text = runner_call(runner, "reconcile", &error);
    call->flags &= ~(guint) HVD_CALL_PLAN_ONLY;
    if (text == NULL) {
        g_autofree char *advice = failure_dup_advice(error);

        doctor_say(doctor, CHECK_UNKNOWN, advice, "%s", error->message);
        return;
    }
    plan = document_parse(text);
    n = count_repairs(document_object(plan));
    if (n == 0)
        doctor_say(doctor, CHECK_OK, NULL, "%s", _("nothing that reconcile would put right"));
    else
        doctor_say(doctor, CHECK_WARNING,
                   _("look with \"hvd --plan reconcile\"; without --plan it puts it right"),
                   ngettext("processes that are gone have left something: %u call would put it "
                            "right",
                            "processes that are gone have left something: %u calls would put it "
                            "right",
                            n),
                   n);
}
