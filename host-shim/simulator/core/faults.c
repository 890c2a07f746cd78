#include "core/faults.h"

#include <string.h>

#define MAX_RULES 1000

struct _SimHold {
    SimFault *fault;
    SimHoldFunc func;
    gpointer data;
};

typedef struct {
    char *id;
    SimHoldFunc func;
    gpointer data;
} Waiter;

struct _SimFaults {
    Sim *sim;
    GPtrArray *rules;   /* of SimFault */
    GPtrArray *waiters; /* of Waiter */
    guint last_id;
};

static const char *const action_names[] = {
    [SIM_FAULT_ERROR] = "error",
    [SIM_FAULT_DROP] = "drop",
    [SIM_FAULT_HOLD] = "hold",
    [SIM_FAULT_GARBAGE] = "garbage",
    [SIM_FAULT_STATUS] = "status",
    [SIM_FAULT_REDIRECT] = "redirect",
    [SIM_FAULT_TRUNCATE] = "truncate",
    [SIM_FAULT_DOUBLE] = "double",
    [SIM_FAULT_TASK_FAIL] = "task-fail",
    [SIM_FAULT_TASK_HANG] = "task-hang",
    [SIM_FAULT_TASK_VANISH] = "task-vanish",
    [SIM_FAULT_STOP_AFTER] = "stop-after",
    [SIM_FAULT_LENGTH] = "length",
    [SIM_FAULT_SHORT] = "short",
    [SIM_FAULT_FLOOD] = "flood",
};

static const struct {
    const char *name;
    SimKind kind;
    gint64 minimum;
} rule_members[] = {
    {"id", SIM_STRING, 0},   {"method", SIM_STRING, 0}, {"nth", SIM_INT, 1},
    {"count", SIM_INT, 0},   {"when", SIM_STRING, 0},   {"action", SIM_STRING, 0},
    {"error", SIM_ARRAY, 0}, {"in", SIM_STRING, 0},     {"bytes", SIM_INT, 0},
    {"text", SIM_STRING, 0}, {"tag", SIM_STRING, 0},    {"transfers", SIM_BOOL, 0},
    {"step", SIM_INT, 0},
};

static void
waiter_free(gpointer data)
{
    Waiter *waiter = data;

    g_free(waiter->id);
    g_free(waiter);
}

SimFaults *
sim_faults_new(Sim *sim)
{
    SimFaults *faults = g_new0(SimFaults, 1);

    faults->sim = sim;
    faults->rules = g_ptr_array_new_with_free_func((GDestroyNotify) sim_fault_unref);
    faults->waiters = g_ptr_array_new_with_free_func(waiter_free);
    return faults;
}

void
sim_faults_free(SimFaults *faults)
{
    g_ptr_array_unref(faults->rules);
    g_ptr_array_unref(faults->waiters);
    g_free(faults);
}

SimFault *
sim_fault_ref(SimFault *fault)
{
    fault->references++;
    return fault;
}

void
sim_fault_unref(SimFault *fault)
{
    if (--fault->references > 0)
        return;
    g_ptr_array_unref(fault->held);
    g_clear_pointer(&fault->error, sim_value_unref);
    g_free(fault->id);
    g_free(fault->method);
    g_free(fault->text);
    g_free(fault->tag);
    g_free(fault);
}

gboolean
sim_fault_is_of_task(const SimFault *fault)
{
    return fault->action == SIM_FAULT_TASK_FAIL || fault->action == SIM_FAULT_TASK_HANG ||
           fault->action == SIM_FAULT_TASK_VANISH || fault->middle ||
           (fault->action == SIM_FAULT_ERROR && fault->in_task);
}

static gint64
number_or(const SimValue *rule, const char *key, gint64 otherwise)
{
    const SimValue *value = sim_map_get(rule, key);

    return value != NULL ? sim_value_int(value) : otherwise;
}

static gboolean
is_member(const char *name, const SimValue *value)
{
    for (guint i = 0; i < G_N_ELEMENTS(rule_members); i++) {
        if (strcmp(rule_members[i].name, name) == 0)
            return sim_value_kind(value) == rule_members[i].kind &&
                   (rule_members[i].kind != SIM_INT ||
                    sim_value_int(value) >= rule_members[i].minimum);
    }
    return FALSE;
}

static gboolean
check_members(const SimValue *rule, char **problem)
{
    if (rule == NULL || sim_value_kind(rule) != SIM_MAP) {
        *problem = g_strdup("a rule is an object");
        return FALSE;
    }
    for (guint i = 0; i < sim_value_size(rule); i++) {
        if (!is_member(sim_map_key(rule, i), sim_value_at(rule, i))) {
            *problem = g_strdup_printf("a rule has no such \"%s\"", sim_map_key(rule, i));
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
read_action(SimFault *fault, const char *name, char **problem)
{
    for (guint i = 0; name != NULL && i < G_N_ELEMENTS(action_names); i++) {
        if (strcmp(action_names[i], name) == 0) {
            fault->action = (SimFaultAction) i;
            return TRUE;
        }
    }
    *problem = g_strdup_printf("no action \"%s\"", name != NULL ? name : "");
    return FALSE;
}

/* What has no meaning for a call. */
static gboolean
check_transfer(const SimFault *fault, char **problem)
{
    if (fault->action < SIM_FAULT_LENGTH || fault->method[0] == '/')
        return TRUE;
    *problem = g_strdup_printf("action \"%s\" is for a transfer", action_names[fault->action]);
    return FALSE;
}

static gboolean
read_when(SimFault *fault, const char *when, char **problem)
{
    fault->after = g_strcmp0(when, "after") == 0;
    fault->middle = g_strcmp0(when, "middle") == 0;
    if (when != NULL && !fault->after && !fault->middle && strcmp(when, "before") != 0)
        *problem = g_strdup("\"when\" is \"before\", \"middle\" or \"after\"");
    else if (fault->middle && fault->action != SIM_FAULT_HOLD)
        *problem = g_strdup("in the middle there is only \"hold\"");
    return *problem == NULL;
}

static gboolean
read_rule(SimFault *fault, const SimValue *rule, char **problem)
{
    const SimValue *error = sim_map_get(rule, "error");
    const char *method = sim_map_get_text(rule, "method");

    fault->method = g_strdup(method != NULL ? method : "*");
    fault->nth = (guint) MIN(number_or(rule, "nth", 1), G_MAXINT);
    fault->count = (guint) MIN(number_or(rule, "count", 1), G_MAXINT);
    fault->bytes = number_or(rule, "bytes", -1);
    fault->step = (guint) MIN(number_or(rule, "step", 0), G_MAXINT);
    fault->text = g_strdup(sim_map_get_text(rule, "text"));
    fault->tag = g_strdup(sim_map_get_text(rule, "tag"));
    fault->transfers = sim_value_bool(sim_map_get(rule, "transfers"));
    fault->in_task = g_strcmp0(sim_map_get_text(rule, "in"), "task") == 0;
    fault->error = sim_value_size(error) > 0
                       ? sim_value_ref(error)
                       : sim_strings("INTERNAL_ERROR", "a fault that was asked for", NULL);
    return read_action(fault, sim_map_get_text(rule, "action"), problem) &&
           check_transfer(fault, problem) &&
           read_when(fault, sim_map_get_text(rule, "when"), problem);
}

gboolean
sim_faults_add(SimFaults *faults, const SimValue *rule, char **problem)
{
    g_autoptr(SimFault) fault = NULL;
    const char *id;

    if (!check_members(rule, problem))
        return FALSE;
    if (faults->rules->len >= MAX_RULES) {
        *problem = g_strdup("too many rules");
        return FALSE;
    }
    fault = g_new0(SimFault, 1);
    fault->references = 1;
    fault->held = g_ptr_array_new();
    id = sim_map_get_text(rule, "id");
    fault->id = id != NULL ? g_strdup(id) : g_strdup_printf("rule-%u", ++faults->last_id);
    if (!read_rule(fault, rule, problem))
        return FALSE;
    g_ptr_array_add(faults->rules, g_steal_pointer(&fault));
    return TRUE;
}

static void
release_held(SimFault *fault)
{
    g_autoptr(SimFault) hold G_GNUC_UNUSED = sim_fault_ref(fault);

    fault->released = TRUE;
    while (fault->held->len > 0) {
        SimHold *held = g_ptr_array_steal_index(fault->held, 0);
        SimHold copy = *held;

        g_free(held);
        copy.func(copy.data);
    }
}

static void
tell_waiters(SimFaults *faults, const SimFault *fault)
{
    for (guint i = faults->waiters->len; i > 0; i--) {
        Waiter *waiter = g_ptr_array_index(faults->waiters, i - 1);

        if (strcmp(waiter->id, fault->id) != 0)
            continue;
        g_ptr_array_steal_index(faults->waiters, i - 1);
        waiter->func(waiter->data);
        waiter_free(waiter);
    }
}

void
sim_faults_clear(SimFaults *faults, const char *id)
{
    for (guint i = faults->rules->len; i > 0; i--) {
        SimFault *fault = g_ptr_array_index(faults->rules, i - 1);

        if (id != NULL && strcmp(fault->id, id) != 0)
            continue;
        g_ptr_array_steal_index(faults->rules, i - 1);
        release_held(fault);
        tell_waiters(faults, fault);
        sim_fault_unref(fault);
    }
}

/* Sessions and events are not part of an operation, so "*" passes them over. */
static gboolean
fits_any(const SimFault *fault, const char *method, gboolean transfer)
{
    if (transfer)
        return fault->transfers;
    return !g_str_has_prefix(method, "session.") && !g_str_has_prefix(method, "event.");
}

static gboolean
fits(const SimFault *fault, const char *method, const char *tag, gboolean transfer)
{
    if (fault->tag != NULL && (tag == NULL || strstr(tag, fault->tag) == NULL))
        return FALSE;
    if (strcmp(fault->method, "*") == 0)
        return fits_any(fault, method, transfer);
    return strcmp(fault->method, method) == 0 ||
           (g_str_has_prefix(method, "Async.") &&
            strcmp(fault->method, method + strlen("Async.")) == 0);
}

SimFault *
sim_faults_match(SimFaults *faults, const char *method, const char *tag, gboolean transfer)
{
    SimFault *due = NULL;

    for (guint i = 0; i < faults->rules->len; i++) {
        SimFault *fault = g_ptr_array_index(faults->rules, i);

        if (!fits(fault, method, tag, transfer))
            continue;
        fault->seen++;
        if (due == NULL && fault->seen >= fault->nth &&
            (fault->count == 0 || fault->seen - fault->nth < fault->count))
            due = fault;
    }
    return due != NULL ? sim_fault_ref(due) : NULL;
}

void
sim_faults_fired(SimFaults *faults, SimFault *fault)
{
    fault->fired++;
    tell_waiters(faults, fault);
}

SimHold *
sim_faults_hold(SimFaults *faults, SimFault *fault, SimHoldFunc func, gpointer data)
{
    SimHold *hold = g_new0(SimHold, 1);

    hold->fault = fault;
    hold->func = func;
    hold->data = data;
    g_ptr_array_add(fault->held, hold);
    sim_faults_fired(faults, fault);
    return hold;
}

void
sim_faults_unhold(SimHold *hold)
{
    g_ptr_array_remove(hold->fault->held, hold);
    g_free(hold);
}

static SimFault *
find_rule(SimFaults *faults, const char *id)
{
    for (guint i = 0; i < faults->rules->len; i++) {
        SimFault *fault = g_ptr_array_index(faults->rules, i);

        if (strcmp(fault->id, id) == 0)
            return fault;
    }
    return NULL;
}

gboolean
sim_faults_release(SimFaults *faults, const char *id)
{
    SimFault *fault = find_rule(faults, id);

    if (fault != NULL)
        release_held(fault);
    return fault != NULL;
}

gboolean
sim_faults_wait(SimFaults *faults, const char *id, SimHoldFunc func, gpointer data)
{
    SimFault *fault = find_rule(faults, id);
    Waiter *waiter;

    if (fault == NULL)
        return FALSE;
    if (fault->fired > 0) {
        func(data);
        return TRUE;
    }
    waiter = g_new0(Waiter, 1);
    waiter->id = g_strdup(id);
    waiter->func = func;
    waiter->data = data;
    g_ptr_array_add(faults->waiters, waiter);
    return TRUE;
}

void
sim_faults_forget_waiter(SimFaults *faults, gpointer data)
{
    for (guint i = faults->waiters->len; i > 0; i--) {
        Waiter *waiter = g_ptr_array_index(faults->waiters, i - 1);

        if (waiter->data == data)
            g_ptr_array_remove_index(faults->waiters, i - 1);
    }
}

SimValue *
sim_faults_describe(SimFaults *faults)
{
    SimValue *list = sim_array();

    for (guint i = 0; i < faults->rules->len; i++) {
        const SimFault *fault = g_ptr_array_index(faults->rules, i);
        SimValue *rule = sim_string_map("id", fault->id, "method", fault->method, "action",
                                        action_names[fault->action], NULL);

        sim_map_add(rule, "seen", sim_int(fault->seen));
        sim_map_add(rule, "fired", sim_int(fault->fired));
        sim_map_add(rule, "held", sim_int(fault->held->len));
        sim_array_add(list, rule);
    }
    return list;
}
