#include "wire/rpc.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <math.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlParserCtxt, xmlFreeParserCtxt)

static gboolean
is_element(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *) node->name, name) == 0;
}

/* (nullable): the next element from @node on; text between elements is of no account */
static xmlNode *
next_element(xmlNode *node)
{
    while (node != NULL && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

static xmlNode *
find_child(xmlNode *parent, const char *name)
{
    xmlNode *child = next_element(parent->children);

    while (child != NULL && !is_element(child, name))
        child = next_element(child->next);
    return child;
}

static char *
text_of(xmlNode *node)
{
    xmlChar *content = xmlNodeGetContent(node);
    char *copy = g_strdup(content != NULL ? (const char *) content : "");

    xmlFree(content);
    return copy;
}

static SimValue *read_value(xmlNode *node, guint depth, char **problem);

static SimValue *
refuse(char **problem, const char *why)
{
    *problem = g_strdup_printf("Xmlrpc.Parse_error(\"%s\")", why);
    return NULL;
}

static SimValue *
read_array(xmlNode *node, guint depth, char **problem)
{
    g_autoptr(SimValue) array = sim_array();
    xmlNode *data = find_child(node, "data");
    xmlNode *child = data != NULL ? next_element(data->children) : NULL;

    for (; child != NULL; child = next_element(child->next)) {
        SimValue *item = is_element(child, "value") ? read_value(child, depth + 1, problem)
                                                    : refuse(problem, "value expected");

        if (item == NULL)
            return NULL;
        sim_array_add(array, item);
    }
    return g_steal_pointer(&array);
}

static gboolean
read_member(SimValue *map, xmlNode *member, guint depth, char **problem)
{
    xmlNode *name = find_child(member, "name");
    xmlNode *value = find_child(member, "value");
    g_autofree char *key = NULL;
    SimValue *item;

    if (!is_element(member, "member") || name == NULL || value == NULL)
        return refuse(problem, "member expected") != NULL;
    key = text_of(name);
    /* An empty key is a parse error: xenapi-protocol 1.4. */
    if (key[0] == '\0')
        return refuse(problem, "empty name") != NULL;
    item = read_value(value, depth + 1, problem);
    if (item == NULL)
        return FALSE;
    sim_map_add(map, key, item);
    return TRUE;
}

static SimValue *
read_struct(xmlNode *node, guint depth, char **problem)
{
    g_autoptr(SimValue) map = sim_map();

    for (xmlNode *child = next_element(node->children); child != NULL;
         child = next_element(child->next)) {
        if (!read_member(map, child, depth, problem))
            return NULL;
    }
    return g_steal_pointer(&map);
}

static SimValue *
read_number(const char *text, char **problem)
{
    gint64 number;

    if (!g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &number, NULL))
        return refuse(problem, "number expected");
    return sim_int(number);
}

static SimValue *
read_double(const char *text, char **problem)
{
    char *end = NULL;
    double number = g_ascii_strtod(text, &end);

    if (text[0] == '\0' || *end != '\0')
        return refuse(problem, "double expected");
    return sim_float(number);
}

static SimValue *
read_boolean(const char *text, char **problem)
{
    if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0)
        return refuse(problem, "boolean expected");
    return sim_bool(text[0] == '1');
}

static SimValue *
read_date(const char *text, char **problem)
{
    gint64 seconds;

    if (!sim_date_parse(text, &seconds))
        return refuse(problem, "date expected");
    return sim_date(seconds);
}

static SimValue *
read_string(const char *text, char **problem)
{
    (void) problem;
    return sim_string(text);
}

static const struct {
    const char *element;
    SimValue *(*read)(const char *text, char **problem);
} scalars[] = {
    {"string", read_string}, {"int", read_number},
    {"i4", read_number},     {"i8", read_number},
    {"double", read_double}, {"boolean", read_boolean},
    {"base64", read_string}, {"dateTime.iso8601", read_date},
};

static SimValue *
read_value(xmlNode *node, guint depth, char **problem)
{
    xmlNode *inner = next_element(node->children);
    g_autofree char *text = NULL;

    if (depth > SIM_MAX_DEPTH)
        return refuse(problem, "nested too deeply");
    if (inner == NULL) {
        text = text_of(node);
        return sim_string_take(g_steal_pointer(&text));
    }
    if (is_element(inner, "array"))
        return read_array(inner, depth, problem);
    if (is_element(inner, "struct"))
        return read_struct(inner, depth, problem);
    if (is_element(inner, "nil"))
        return sim_nil();
    text = text_of(inner);
    for (guint i = 0; i < G_N_ELEMENTS(scalars); i++) {
        if (is_element(inner, scalars[i].element))
            return scalars[i].read(text, problem);
    }
    return refuse(problem, "unknown type");
}

static gboolean
read_params(xmlNode *params, SimRequest *request, char **problem)
{
    for (xmlNode *param = next_element(params->children); param != NULL;
         param = next_element(param->next)) {
        xmlNode *value = find_child(param, "value");
        SimValue *read =
            value != NULL ? read_value(value, 0, problem) : refuse(problem, "value expected");

        if (read == NULL)
            return FALSE;
        sim_array_add(request->params, read);
    }
    return TRUE;
}

/* The names in it are the client's, and may be no text. */
static char *
describe_mismatch(const xmlError *error)
{
    g_autofree char *wanted = g_utf8_make_valid(error->str1, -1);
    g_autofree char *found = g_utf8_make_valid(error->str2, -1);

    return g_strdup_printf("Xmlm.Error(%d:%d, \"expected one of these character sequence: "
                           "\"%s\", found \"%s\"\")",
                           error->line, error->int2 - 1, wanted, found);
}

/* What the toolstack's parser says of what is not even XML; its words for the rest differ. */
static char *
describe_syntax(const char *body, gsize length, xmlParserCtxt *context)
{
    const xmlError *error = xmlCtxtGetLastError(context);

    if (length == 0)
        return g_strdup("Xmlm.Error(1:1, \"unexpected end of input\")");
    if (body[0] != '<')
        return g_strdup("Xmlm.Error(1:1, \"expected root element\")");
    if (error == NULL)
        return g_strdup("Xmlm.Error(1:1, \"malformed\")");
    if (error->code == XML_ERR_TAG_NAME_MISMATCH && error->str1 != NULL && error->str2 != NULL)
        return describe_mismatch(error);
    return g_strdup_printf("Xmlm.Error(%d:%d, \"malformed\")", error->line, error->int2);
}

gboolean
sim_xmlrpc_parse(const char *body, gsize length, SimRequest *request, char **problem)
{
    g_autoptr(xmlParserCtxt) context = xmlNewParserCtxt();
    g_autoptr(xmlDoc) document = xmlCtxtReadMemory(context, body, (int) length, NULL, NULL,
                                                   XML_PARSE_NONET | XML_PARSE_NOERROR |
                                                       XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
    xmlNode *root = document != NULL ? xmlDocGetRootElement(document) : NULL;
    xmlNode *method;
    xmlNode *params;

    if (root == NULL) {
        *problem = describe_syntax(body, length, context);
        return FALSE;
    }
    /* Entities of their own are the only way to grow a document; nobody needs them here. */
    if (document->intSubset != NULL)
        return refuse(problem, "no DTD is taken") != NULL;
    method = find_child(root, "methodName");
    params = find_child(root, "params");
    if (!is_element(root, "methodCall") || method == NULL || params == NULL)
        return refuse(problem, "methodCall expected") != NULL;
    request->encoding = SIM_XML_RPC;
    request->method = text_of(method);
    request->params = sim_array();
    return read_params(params, request, problem);
}

/* Control characters but tab, LF and CR are dropped: xenapi-protocol 1.4. */
void
sim_xml_escape(GString *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
        case '<': g_string_append(out, "&lt;"); break;
        case '>': g_string_append(out, "&gt;"); break;
        case '&': g_string_append(out, "&amp;"); break;
        case '"': g_string_append(out, "&quot;"); break;
        default:
            if ((guchar) *c >= 0x20 || strchr("\t\n\r", *c) != NULL)
                g_string_append_c(out, *c);
        }
    }
}

static void
print_float(GString *out, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (isnan(number) || isinf(number))
        g_string_append_printf(out, "<double>%s</double>",
                               isnan(number) ? "nan"
                               : number < 0  ? "-inf"
                                             : "inf");
    else
        g_string_append_printf(out, "<double>%s</double>",
                               g_ascii_formatd(text, sizeof(text), "%.16g", number));
}

static void
print_array(GString *out, const SimValue *value)
{
    g_string_append(out, "<array><data>");
    for (guint i = 0; i < sim_value_size(value); i++)
        sim_xml_print_value(out, sim_value_at(value, i));
    g_string_append(out, "</data></array>");
}

static void
print_struct(GString *out, const SimValue *value)
{
    g_string_append(out, "<struct>");
    for (guint i = 0; i < sim_value_size(value); i++) {
        g_string_append(out, "<member><name>");
        sim_xml_escape(out, sim_map_key(value, i));
        g_string_append(out, "</name>");
        sim_xml_print_value(out, sim_value_at(value, i));
        g_string_append(out, "</member>");
    }
    g_string_append(out, "</struct>");
}

/* Strings and numbers of 64 bits come bare: the type is in the model, not on the wire. */
static void
print_inner(GString *out, const SimValue *value)
{
    g_autofree char *date = NULL;

    switch (sim_value_kind(value)) {
    case SIM_STRING: sim_xml_escape(out, sim_value_text(value)); break;
    case SIM_INT: g_string_append_printf(out, "%" G_GINT64_FORMAT, sim_value_int(value)); break;
    case SIM_I4:
        g_string_append_printf(out, "<i4>%" G_GINT64_FORMAT "</i4>", sim_value_int(value));
        break;
    case SIM_FLOAT: print_float(out, sim_value_float(value)); break;
    case SIM_BOOL:
        g_string_append_printf(out, "<boolean>%d</boolean>", sim_value_bool(value));
        break;
    case SIM_DATE:
        date = sim_date_format(sim_value_int(value));
        g_string_append_printf(out, "<dateTime.iso8601>%s</dateTime.iso8601>", date);
        break;
    case SIM_ARRAY: print_array(out, value); break;
    case SIM_MAP: print_struct(out, value); break;
    case SIM_NIL: g_string_append(out, "<nil/>"); break;
    }
}

void
sim_xml_print_value(GString *out, const SimValue *value)
{
    g_string_append(out, "<value>");
    print_inner(out, value);
    g_string_append(out, "</value>");
}

void
sim_xml_print_answer(GString *out, const SimAnswer *answer)
{
    gboolean failed = answer->error != NULL;

    g_string_append(out, "<?xml version=\"1.0\"?><methodResponse><params><param>");
    if (answer->bare) {
        sim_xml_print_value(out, answer->value);
    } else {
        g_string_append_printf(out,
                               "<value><struct><member><name>Status</name><value>%s</value>"
                               "</member><member><name>%s</name>",
                               failed ? "Failure" : "Success",
                               failed ? "ErrorDescription" : "Value");
        sim_xml_print_value(out, failed ? answer->error : answer->value);
        g_string_append(out, "</member></struct></value>");
    }
    g_string_append(out, "</param></params></methodResponse>");
}
