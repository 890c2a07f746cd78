/* A call and its answer, and the two ways to spell them: XML-RPC and JSON-RPC 1.0 and 2.0. */
#pragma once

#include "base/value.h"

G_BEGIN_DECLS

#define SIM_MAX_BODY  (300 * 1024) /* toolstack, constants.ml: http_limit_max_rpc_size */
#define SIM_MAX_DEPTH 64

typedef enum {
    SIM_XML_RPC,
    SIM_JSON_RPC_1,
    SIM_JSON_RPC_2,
} SimEncoding;

typedef struct {
    SimEncoding encoding;
    char *method;
    SimValue *params; /* array */
    SimValue *id;     /* of JSON-RPC: a string or a number */
} SimRequest;

/* Exactly one of @value and @error; @error is the code and its parameters. */
typedef struct {
    SimValue *value;
    SimValue *error;
    gboolean bare; /* system.listMethods alone: XML-RPC without the Status envelope */
} SimAnswer;

void sim_request_clear(SimRequest *request);
void sim_answer_clear(SimAnswer *answer);

/* On failure @problem is the text that the toolstack's HTTP 500 would carry. */
gboolean sim_xmlrpc_parse(const char *body, gsize length, SimRequest *request, char **problem);
gboolean sim_jsonrpc_parse(const char *body, gsize length, SimRequest *request, char **problem);

/* (transfer full): the body of the answer to @request */
GString *sim_rpc_print(const SimRequest *request, const SimAnswer *answer);

/* The pieces. */
void sim_xml_print_value(GString *out, const SimValue *value); /* <value>...</value> */
void sim_xml_print_answer(GString *out, const SimAnswer *answer);
void sim_xml_escape(GString *out, const char *text);
void sim_json_print(GString *out, const SimValue *value);
/* Strict JSON, at most SIM_MAX_DEPTH deep. (nullable) */
SimValue *sim_json_parse(const char *text, gsize length, char **problem);
/* (nullable) on success: where and why @text is not JSON */
char *sim_json_check(const char *text, gsize length);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SimRequest, sim_request_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SimAnswer, sim_answer_clear)

G_END_DECLS
