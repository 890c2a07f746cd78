#include "wire/rpc.h"

#include <string.h>

void
sim_request_clear(SimRequest *request)
{
    g_clear_pointer(&request->method, g_free);
    g_clear_pointer(&request->params, sim_value_unref);
    g_clear_pointer(&request->id, sim_value_unref);
}

void
sim_answer_clear(SimAnswer *answer)
{
    g_clear_pointer(&answer->value, sim_value_unref);
    g_clear_pointer(&answer->error, sim_value_unref);
}

static gboolean
malformed(char **problem, const char *why)
{
    *problem = g_strdup_printf("Jsonrpc.Malformed_method_request(\"%s\")", why);
    return FALSE;
}

/* The quotes and newlines of an OCaml string literal. */
static char *
quote_text(const char *text)
{
    return g_strescape(text, "'");
}

static gboolean
read_call(const SimValue *call, SimRequest *request, char **problem)
{
    const SimValue *id = sim_map_get(call, "id");
    const SimValue *params = sim_map_get(call, "params");
    const char *version = sim_map_get_text(call, "jsonrpc");
    const char *method = sim_map_get_text(call, "method");

    if (sim_value_kind(call) != SIM_MAP)
        return malformed(problem, "Invalid request body");
    if (id == NULL || (sim_value_kind(id) != SIM_STRING && sim_value_kind(id) != SIM_INT))
        return malformed(problem, "Invalid field 'id' in request body");
    if (method == NULL)
        return malformed(problem, "Invalid field 'method' in request body");
    if (version != NULL && strcmp(version, "2.0") != 0)
        return malformed(problem, "Invalid field 'jsonrpc' in request body");
    request->encoding = version != NULL ? SIM_JSON_RPC_2 : SIM_JSON_RPC_1;
    /* Only 2.0 may leave an empty list out. */
    if (params == NULL && version == NULL)
        return malformed(problem, "Invalid field 'params' in request body");
    request->method = g_strdup(method);
    request->id = sim_value_ref(id);
    request->params = params != NULL ? sim_value_ref(params) : sim_array();
    return TRUE;
}

gboolean
sim_jsonrpc_parse(const char *body, gsize length, SimRequest *request, char **problem)
{
    g_autofree char *why = NULL;
    g_autoptr(SimValue) call = sim_json_parse(body, length, &why);

    if (call == NULL) {
        g_autofree char *quoted = quote_text(why);

        *problem = g_strdup_printf("Yojson.Json_error(\"%s\")", quoted);
        return FALSE;
    }
    return read_call(call, request, problem);
}

static void
print_error_object(GString *out, const SimValue *error)
{
    g_string_append(out, "{\"code\":1,\"message\":");
    sim_json_print(out, sim_value_at(error, 0));
    g_string_append(out, ",\"data\":[");
    for (guint i = 1; i < sim_value_size(error); i++) {
        if (i > 1)
            g_string_append_c(out, ',');
        sim_json_print(out, sim_value_at(error, i));
    }
    g_string_append(out, "]}");
}

static void
print_version_1(GString *out, const SimAnswer *answer)
{
    g_string_append(out, "{\"result\":");
    if (answer->error != NULL)
        g_string_append(out, "null");
    else
        sim_json_print(out, answer->value);
    g_string_append(out, ",\"error\":");
    if (answer->error != NULL)
        sim_json_print(out, answer->error);
    else
        g_string_append(out, "null");
}

static void
print_version_2(GString *out, const SimAnswer *answer)
{
    g_string_append(out, "{\"jsonrpc\":\"2.0\",");
    if (answer->error != NULL) {
        g_string_append(out, "\"error\":");
        print_error_object(out, answer->error);
    } else {
        g_string_append(out, "\"result\":");
        sim_json_print(out, answer->value);
    }
}

GString *
sim_rpc_print(const SimRequest *request, const SimAnswer *answer)
{
    GString *out = g_string_new(NULL);

    if (request->encoding == SIM_XML_RPC) {
        sim_xml_print_answer(out, answer);
        return out;
    }
    if (request->encoding == SIM_JSON_RPC_1)
        print_version_1(out, answer);
    else
        print_version_2(out, answer);
    g_string_append(out, ",\"id\":");
    sim_json_print(out, request->id);
    g_string_append_c(out, '}');
    return out;
}
