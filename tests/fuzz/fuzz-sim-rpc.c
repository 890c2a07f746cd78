/* The simulator's readers of calls: what they take is said in the same encoding, and in JSON in any case, and
 * what is said then is read as the same. */
#include "fuzz.h"

#include "wire/rpc.h"

#include <math.h>
#include <string.h>

/* Which the toolstack spells in JSON as words that are none (xenapi-protocol). */
static gboolean
has_endless_number(const SimValue *value)
{
    if (sim_value_kind(value) == SIM_FLOAT)
        return !isfinite(sim_value_float(value));
    for (guint i = 0; i < sim_value_size(value); i++) {
        if (has_endless_number(sim_value_at(value, i)))
            return TRUE;
    }
    return FALSE;
}

static char *
print_json(const SimValue *value)
{
    GString *text = g_string_new(NULL);

    sim_json_print(text, value);
    return g_string_free(text, FALSE);
}

static char *
print_xml(const SimValue *value)
{
    GString *text = g_string_new("<methodCall><methodName>m</methodName><params>");

    for (guint i = 0; i < sim_value_size(value); i++) {
        g_string_append(text, "<param>");
        sim_xml_print_value(text, sim_value_at(value, i));
        g_string_append(text, "</param>");
    }
    g_string_append(text, "</params></methodCall>");
    return g_string_free(text, FALSE);
}

/* (transfer full): @text as it is said once it was read */
static char *
reprint_json(const char *text)
{
    g_autofree char *problem = NULL;
    g_autofree char *fault = sim_json_check(text, strlen(text));
    SimValue *value = sim_json_parse(text, strlen(text), &problem);
    char *again;

    FUZZ_CHECK(g_utf8_validate(text, -1, NULL));
    FUZZ_CHECK(fault == NULL);
    FUZZ_CHECK(value != NULL);
    again = print_json(value);
    sim_value_unref(value);
    return again;
}

static void
check_json(const SimValue *value)
{
    g_autofree char *text = print_json(value);
    g_autofree char *once = reprint_json(text); /* XML may have named a member twice */
    g_autofree char *twice = reprint_json(once);

    FUZZ_CHECK(strcmp(once, twice) == 0);
}

static void
check_xml(const SimValue *value)
{
    g_autofree char *text = print_xml(value);
    g_autofree char *problem = NULL;
    g_autofree char *twice = NULL;
    g_auto(SimRequest) again = {0};

    FUZZ_CHECK(g_utf8_validate(text, -1, NULL));
    FUZZ_CHECK(sim_xmlrpc_parse(text, strlen(text), &again, &problem));
    g_strdelimit(text, "\r", '\n'); /* a line's end, to XML */
    twice = print_xml(again.params);
    FUZZ_CHECK(strcmp(text, twice) == 0);
}

typedef gboolean (*Parse)(const char *, gsize, SimRequest *, char **);

static void
check(const char *text, gsize length, Parse parse)
{
    g_autofree char *problem = NULL;
    g_auto(SimRequest) request = {0};

    if (!parse(text, length, &request, &problem)) {
        FUZZ_CHECK(problem != NULL && g_utf8_validate(problem, -1, NULL));
        return;
    }
    FUZZ_CHECK(problem == NULL);
    FUZZ_CHECK(request.method != NULL && g_utf8_validate(request.method, -1, NULL));
    FUZZ_CHECK(request.params != NULL); /* of any kind in JSON: named ones are refused later */
    if (!has_endless_number(request.params))
        check_json(request.params);
    if (request.encoding == SIM_XML_RPC) { /* the other one has names that this one refuses */
        FUZZ_CHECK(sim_value_kind(request.params) == SIM_ARRAY);
        check_xml(request.params);
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    /* as the connection gives it: with a NUL behind it */
    g_autofree char *text = g_malloc(size + 1);

    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    check(text, size, sim_xmlrpc_parse);
    check(text, size, sim_jsonrpc_parse);
    return 0;
}
