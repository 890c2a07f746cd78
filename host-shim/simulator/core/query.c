#include "core/query.h"

#include <string.h>

#define MAX_DEPTH      64
#define MAX_OPERATIONS 4096

typedef enum { OP_EQUAL, OP_AND, OP_OR, OP_NOT, OP_TRUE, OP_FALSE } OpCode;

typedef struct {
    gboolean is_field;
    char *text;
} Operand;

/* In the order of evaluation: operands first. */
typedef struct {
    OpCode code;
    Operand left; /* of OP_EQUAL */
    Operand right;
} Operation;

struct _SimQuery {
    GArray *operations;
};

typedef struct {
    const char *at;
    SimQuery *query;
    guint depth;
} Parser;

static void
operation_clear(gpointer data)
{
    Operation *operation = data;

    g_free(operation->left.text);
    g_free(operation->right.text);
}

void
sim_query_free(SimQuery *query)
{
    g_array_unref(query->operations);
    g_free(query);
}

static gboolean
emit(Parser *parser, OpCode code, Operand left, Operand right)
{
    Operation operation = {code, left, right};

    g_array_append_val(parser->query->operations, operation);
    return parser->query->operations->len <= MAX_OPERATIONS;
}

static gboolean
emit_code(Parser *parser, OpCode code)
{
    return emit(parser, code, (Operand){FALSE, NULL}, (Operand){FALSE, NULL});
}

/* The lexer knows no word boundaries: "trueand" is two words there too. */
static gboolean
take(Parser *parser, const char *word)
{
    gsize length = strlen(word);

    while (*parser->at != '\0' && strchr(" \t\n", *parser->at) != NULL)
        parser->at++;
    if (strncmp(parser->at, word, length) != 0)
        return FALSE;
    parser->at += length;
    return TRUE;
}

static gboolean
take_operand(Parser *parser, Operand *operand)
{
    const char *end;

    operand->is_field = take(parser, "field");
    if (!take(parser, "\""))
        return FALSE;
    end = strchr(parser->at, '"');
    if (end == NULL)
        return FALSE;
    operand->text = g_strndup(parser->at, (gsize) (end - parser->at));
    parser->at = end + 1;
    return TRUE;
}

static gboolean
parse_comparison(Parser *parser)
{
    Operand left = {FALSE, NULL};
    Operand right = {FALSE, NULL};

    if (take_operand(parser, &left) && take(parser, "=") && take_operand(parser, &right))
        return emit(parser, OP_EQUAL, left, right);
    g_free(left.text);
    g_free(right.text);
    return FALSE;
}

static gboolean parse_expression(Parser *parser);

static gboolean
parse_primary(Parser *parser)
{
    if (take(parser, "true"))
        return emit_code(parser, OP_TRUE);
    if (take(parser, "false"))
        return emit_code(parser, OP_FALSE);
    if (take(parser, "("))
        return parse_expression(parser) && take(parser, ")");
    /* "not" binds weaker than "and" and "or" in the toolstack's grammar: it takes all that follows.
     */
    if (take(parser, "not"))
        return parse_expression(parser) && emit_code(parser, OP_NOT);
    return parse_comparison(parser);
}

static gboolean
parse_expression(Parser *parser)
{
    if (parser->depth == MAX_DEPTH)
        return FALSE;
    parser->depth++;
    if (!parse_primary(parser))
        return FALSE;
    for (;;) {
        gboolean both = take(parser, "and");

        if (!both && !take(parser, "or"))
            break;
        if (!parse_primary(parser) || !emit_code(parser, both ? OP_AND : OP_OR))
            return FALSE;
    }
    parser->depth--;
    return TRUE;
}

SimQuery *
sim_query_parse(const char *text)
{
    SimQuery *query = g_new0(SimQuery, 1);
    Parser parser = {text, query, 0};

    query->operations = g_array_new(FALSE, TRUE, sizeof(Operation));
    g_array_set_clear_func(query->operations, operation_clear);
    if (parse_expression(&parser) && take(&parser, "") && *parser.at == '\0')
        return query;
    sim_query_free(query);
    return NULL;
}

/* toolstack, datamodel: fields in a namespace are stored as namespace__name. */
static const struct {
    const char *prefix;
    const char *column;
} namespaces[] = {
    {"name_", "name__"},
    {"memory_", "memory__"},
    {"VCPUs_", "VCPUs__"},
    {"actions_", "actions__"},
    {"HVM_", "HVM__"},
    {"qos_", "qos__"},
    {"API_version_", "API_version__"},
    {"io_", "io__"},
};

char *
sim_query_column(const SimField *field)
{
    /* PV_drivers_version is a name of its own. */
    if (g_str_has_prefix(field->name, "PV_") && !g_str_has_prefix(field->name, "PV_drivers"))
        return g_strconcat("PV__", field->name + strlen("PV_"), NULL);
    for (guint i = 0; i < G_N_ELEMENTS(namespaces); i++) {
        if (g_str_has_prefix(field->name, namespaces[i].prefix))
            return g_strconcat(namespaces[i].column, field->name + strlen(namespaces[i].prefix),
                               NULL);
    }
    return g_strdup(field->name);
}

static void
print_stored(GString *out, const SimValue *value)
{
    g_autofree char *date = NULL;

    switch ((int) sim_value_kind(value)) {
    case SIM_STRING: g_string_append(out, sim_value_text(value)); break;
    case SIM_BOOL: g_string_append(out, sim_value_bool(value) ? "true" : "false"); break;
    case SIM_FLOAT: g_string_append_printf(out, "%.16g", sim_value_float(value)); break;
    case SIM_DATE:
        date = sim_date_format(sim_value_int(value));
        g_string_append(out, date);
        break;
    case SIM_INT: g_string_append_printf(out, "%" G_GINT64_FORMAT, sim_value_int(value)); break;
    default: break;
    }
}

/* Sets and maps as the database stores them: ('a' 'b') and (('k' 'v')). */
char *
sim_query_stored_text(const SimValue *value)
{
    GString *out = g_string_new(NULL);
    gboolean map = sim_value_kind(value) == SIM_MAP;

    if (!map && sim_value_kind(value) != SIM_ARRAY) {
        print_stored(out, value);
        return g_string_free(out, FALSE);
    }
    g_string_append_c(out, '(');
    for (guint i = 0; i < sim_value_size(value); i++) {
        g_string_append(out, i > 0 ? " " : "");
        if (map)
            g_string_append_printf(out, "('%s' ", sim_map_key(value, i));
        g_string_append_c(out, '\'');
        print_stored(out, sim_value_at(value, i));
        g_string_append(out, map ? "')" : "'");
    }
    g_string_append_c(out, ')');
    return g_string_free(out, FALSE);
}

/* (nullable): NULL where there is no such field */
static char *
operand_value(const Operand *operand, const SimObject *object)
{
    const GArray *fields = sim_object_class(object)->fields;

    if (!operand->is_field)
        return g_strdup(operand->text);
    if (strcmp(operand->text, "_ref") == 0)
        return g_strdup(sim_object_get_ref(object));
    for (guint i = 0; i < fields->len; i++) {
        g_autofree char *column = sim_query_column(&g_array_index(fields, SimField, i));

        if (strcmp(column, operand->text) == 0)
            return sim_query_stored_text(sim_object_get_at(object, i));
    }
    return NULL;
}

static gboolean
compare(const Operation *operation, const SimObject *object, const char **missing)
{
    g_autofree char *left = operand_value(&operation->left, object);
    g_autofree char *right = operand_value(&operation->right, object);

    if (left == NULL)
        *missing = operation->left.text;
    else if (right == NULL)
        *missing = operation->right.text;
    return g_strcmp0(left, right) == 0;
}

gboolean
sim_query_match(const SimQuery *query, const SimObject *object, const char **missing)
{
    g_autofree gboolean *stack = g_new0(gboolean, query->operations->len + 1);
    guint depth = 0;

    for (guint i = 0; i < query->operations->len; i++) {
        const Operation *operation = &g_array_index(query->operations, Operation, i);

        switch (operation->code) {
        case OP_EQUAL: stack[depth++] = compare(operation, object, missing); break;
        case OP_TRUE: stack[depth++] = TRUE; break;
        case OP_FALSE: stack[depth++] = FALSE; break;
        case OP_NOT: stack[depth - 1] = !stack[depth - 1]; break;
        case OP_AND:
            depth--;
            stack[depth - 1] = stack[depth - 1] && stack[depth];
            break;
        case OP_OR:
            depth--;
            stack[depth - 1] = stack[depth - 1] || stack[depth];
            break;
        }
    }
    return stack[0];
}
