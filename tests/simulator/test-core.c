/* Types, the database's relations and generations, the query language, request heads, batches. */
#include "core/batch.h"
#include "core/query.h"
#include "core/sim.h"
#include "http/head.h"

#include <string.h>

static Sim *
new_sim(void)
{
    const SimOptions options = {.hosts = 1, .seed = 7};

    return sim_new(&options);
}

static void
test_seed(void)
{
    g_autoptr(SimIds) a = sim_ids_new_with_seed(5);
    g_autoptr(SimIds) b = sim_ids_new_with_seed(5);
    g_autofree char *first = sim_ids_ref(a);
    g_autofree char *second = sim_ids_ref(b);
    g_autofree char *third = sim_ids_ref(a);

    g_assert_cmpstr(first, ==, second);
    g_assert_cmpstr(first, !=, third);
    g_assert_cmpuint(strlen(first), ==, strlen("OpaqueRef:") + 36);
}

static void
test_dates(void)
{
    static const char *const texts[] = {"20010909T01:46:40Z", "2001-09-09T01:46:40Z",
                                        "20010909T014640Z", "20010909T01:46:40",
                                        "20010909T03:46:40+0200"};
    static const char *const kept[] = {"20010909T01:46:40Z", "00260820T12:00:00Z",
                                       "99991231T23:59:59Z"};

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        gint64 seconds = 0;

        g_assert_true(sim_date_parse(texts[i], &seconds));
        g_assert_cmpint(seconds, ==, 1000000000);
    }
    for (guint i = 0; i < G_N_ELEMENTS(kept); i++) {
        gint64 seconds = 0;
        g_autofree char *again = NULL;

        g_assert_true(sim_date_parse(kept[i], &seconds));
        again = sim_date_format(seconds);
        g_assert_cmpstr(again, ==, kept[i]);
    }
    g_assert_false(sim_date_parse("20010909", &(gint64){0}));
    g_assert_false(sim_date_parse("", &(gint64){0}));
}

static char *
accept_text(const SimField *field, SimValue *taken)
{
    g_autoptr(SimValue) value = taken;
    g_autofree char *problem = NULL;
    g_autoptr(SimValue) accepted = sim_type_accept(field->type, value, &problem);

    return accepted != NULL ? sim_value_describe(accepted) : g_steal_pointer(&problem);
}

static void
test_types(void)
{
    g_autoptr(Sim) sim = new_sim();
    const SimClass *vm = sim_model_find_class(sim->model, "VM");
    const SimField *label = sim_class_find_field(vm, "name_label");
    const SimField *memory = sim_class_find_field(vm, "memory_static_max");
    const SimField *template = sim_class_find_field(vm, "is_a_template");
    const SimField *shutdown = sim_class_find_field(vm, "actions_after_shutdown");
    const SimField *config = sim_class_find_field(vm, "other_config");
    const SimField *tags = sim_class_find_field(vm, "tags");
    g_autofree char *a = accept_text(label, sim_int(5));
    g_autofree char *b = accept_text(memory, sim_string("268435456"));
    g_autofree char *c = accept_text(template, sim_string("false"));
    g_autofree char *d = accept_text(shutdown, sim_string("DESTROY"));
    g_autofree char *e = accept_text(config, sim_string_map("a", "b", NULL));
    g_autofree char *f = accept_text(tags, sim_string("x"));
    g_autofree char *g = accept_text(label, sim_nil());

    g_assert_cmpstr(a, ==, "Expected string, got 'I(5)'");
    g_assert_cmpstr(b, ==, "I(268435456)");
    g_assert_cmpstr(c, ==, "Expected bool, got 'S(false)'");
    g_assert_cmpstr(d, ==, "S(destroy)");
    g_assert_cmpstr(e, ==, "{a:S(b)}");
    g_assert_cmpstr(f, ==, "Expected list, got 'S(x)'");
    g_assert_cmpstr(g, ==, "Expected string, got 'N'");
}

static void
test_relations(void)
{
    g_autoptr(Sim) sim = new_sim();
    SimObject *vm = sim_db_create(sim->db, "VM");
    SimObject *other = sim_db_create(sim->db, "VM");
    SimObject *vbd = sim_db_create(sim->db, "VBD");
    guint64 before;

    sim_object_set_ref(vbd, "VM", vm);
    g_assert_true(sim_array_has(sim_object_get(vm, "VBDs"), sim_object_get_ref(vbd)));
    before = sim_object_modified(other);
    sim_object_set_ref(vbd, "VM", other);
    g_assert_cmpuint(sim_value_size(sim_object_get(vm, "VBDs")), ==, 0);
    g_assert_true(sim_object_follow(vbd, "VM") == other);
    g_assert_cmpuint(sim_object_modified(other), >, before);
    sim_db_destroy(vbd);
    g_assert_cmpuint(sim_value_size(sim_object_get(other, "VBDs")), ==, 0);
}

/* verified-sequences 1.1: a write of the present value makes no event. */
static void
test_no_op(void)
{
    g_autoptr(Sim) sim = new_sim();
    SimObject *vm = sim_db_create(sim->db, "VM");
    guint64 before;

    sim_object_set_text(vm, "name_label", "x");
    before = sim_db_generation(sim->db);
    sim_object_set_text(vm, "name_label", "x");
    sim_object_map_set(vm, "other_config", "k", "v");
    g_assert_cmpuint(sim_db_generation(sim->db), ==, before + 1);
    sim_object_map_set(vm, "other_config", "k", "v");
    g_assert_cmpuint(sim_db_generation(sim->db), ==, before + 1);
}

static void
test_uuids(void)
{
    g_autoptr(Sim) sim = new_sim();
    SimObject *sr = sim_db_create(sim->db, "SR");
    g_autofree char *old = g_strdup(sim_object_text(sr, "uuid"));

    g_assert_true(sim_db_find_uuid(sim->db, "SR", old) == sr);
    g_assert_null(sim_db_find_uuid(sim->db, "VM", old));
    sim_object_set_text(sr, "uuid", "new");
    g_assert_null(sim_db_find_uuid(sim->db, "SR", old));
    g_assert_true(sim_db_find_uuid(sim->db, "SR", "new") == sr);
    sim_db_destroy(sr);
    g_assert_null(sim_db_find_uuid(sim->db, "SR", "new"));
}

static void
collect(SimBatch *batch, Sim *sim, const char *class_name, guint64 since)
{
    g_auto(SimSubscriptions) subscriptions = {0};
    g_autoptr(SimValue) classes = sim_strings(class_name, NULL);
    const char *bad = NULL;

    g_assert_true(sim_subscriptions_read(&subscriptions, classes, &bad));
    sim_batch_clear(batch);
    sim_batch_collect(batch, sim->db, &subscriptions, since);
}

static void
test_batches(void)
{
    g_autoptr(Sim) sim = new_sim();
    g_auto(SimBatch) batch = {0};
    SimObject *kept = sim_db_create(sim->db, "VM");
    SimObject *gone = sim_db_create(sim->db, "VM");
    guint64 since = sim_db_generation(sim->db);
    SimObject *brief = sim_db_create(sim->db, "VM");
    SimObject *added = sim_db_create(sim->db, "VDI");

    sim_object_set_text(kept, "name_label", "a");
    sim_object_set_text(kept, "name_label", "b");
    sim_object_set_text(added, "name_label", "c");
    sim_db_destroy(brief);
    sim_db_destroy(gone);
    collect(&batch, sim, "*", since);
    g_assert_cmpuint(batch.adds->len, ==, 1);
    g_assert_cmpuint(batch.mods->len, ==, 1);
    g_assert_cmpuint(batch.dels->len, ==, 1);
    g_assert_cmpuint(batch.last, ==, sim_db_generation(sim->db));
    collect(&batch, sim, "vdi", since);
    g_assert_cmpuint(batch.adds->len, ==, 1);
    g_assert_cmpuint(batch.mods->len + batch.dels->len, ==, 0);
    collect(&batch, sim, "session", 0);
    g_assert_true(sim_batch_is_empty(&batch));
}

/* A server that is away too long has forgotten the oldest deletions. */
static void
test_lossy_deletions(void)
{
    g_autoptr(Sim) sim = new_sim();
    g_auto(SimBatch) batch = {0};
    SimObject *objects[600];
    guint64 since;

    for (guint i = 0; i < G_N_ELEMENTS(objects); i++)
        objects[i] = sim_db_create(sim->db, "task");
    since = sim_db_generation(sim->db);
    for (guint i = 0; i < G_N_ELEMENTS(objects); i++)
        sim_db_destroy(objects[i]);
    collect(&batch, sim, "task", since);
    g_assert_cmpuint(batch.dels->len, >=, 256);
    g_assert_cmpuint(batch.dels->len, <, 600);
    sim_db_drop_deletions(sim->db, 10000);
    collect(&batch, sim, "task", since);
    g_assert_cmpuint(batch.dels->len, ==, 0);
}

static gboolean
matches(const SimObject *object, const char *text)
{
    g_autoptr(SimQuery) query = sim_query_parse(text);
    const char *missing = NULL;
    gboolean result;

    if (query == NULL)
        g_error("%s does not parse", text);
    result = sim_query_match(query, object, &missing);
    g_assert_cmpstr(missing, ==, NULL);
    return result;
}

static void
test_queries(void)
{
    g_autoptr(Sim) sim = new_sim();
    SimObject *vm = sim_db_create(sim->db, "VM");

    sim_object_set_text(vm, "name_label", "web 1");
    sim_object_set(vm, "tags", sim_strings("a", NULL));
    g_assert_true(matches(vm, "true"));
    g_assert_false(matches(vm, "false"));
    g_assert_true(matches(vm, "field \"name__label\" = \"web 1\""));
    g_assert_true(matches(vm, "field \"is_a_template\"=\"false\" and not field \"domid\"=\"5\""));
    g_assert_true(matches(vm, "(field \"domid\"=\"5\") or field \"memory__static_max\"=\"0\""));
    g_assert_true(matches(vm, "field \"tags\"=\"('a')\""));
    /* "not" takes all that follows */
    g_assert_true(matches(vm, "not false and false"));
    g_assert_false(matches(vm, "(not false) and false"));
    g_assert_true(matches(vm, "\"a\"=\"a\""));
}

static void
test_bad_queries(void)
{
    static const char *const texts[] = {
        "",      "field", "field \"a\"", "field \"a\" = ", "field 'a' = 'b'", "true and",
        "(true", "true)", "not",         "\"a\" \"b\"",    "field \"a\"=\"b", "true true",
    };
    g_autoptr(Sim) sim = new_sim();
    g_autoptr(SimQuery) query = sim_query_parse("field \"name_label\"=\"x\"");
    g_autofree char *deep = g_strnfill(100000, '(');
    const char *missing = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_assert_null(sim_query_parse(texts[i]));
    g_assert_null(sim_query_parse(deep));
    /* single underscores name no column (verified-sequences 1.3) */
    sim_query_match(query, sim_db_create(sim->db, "VM"), &missing);
    g_assert_cmpstr(missing, ==, "name_label");
}

static void
test_heads(void)
{
    const char *text = "PUT /a%20b?x=1%26&y=&z HTTP/1.0\r\nHost: h\r\nContent-Length: 5\r\n"
                       "Cookie: session_id=OpaqueRef:1; x=2\r\nno colon here\r\n\r\nBODY";
    gsize length = sim_head_measure(text, strlen(text));
    g_autoptr(SimHead) head = sim_head_parse(text, length);

    g_assert_cmpstr(text + length, ==, "BODY");
    g_assert_cmpstr(head->method, ==, "PUT");
    g_assert_cmpstr(head->path, ==, "/a b");
    g_assert_cmpstr(head->version, ==, "1.0");
    g_assert_true(head->close);
    g_assert_cmpint(head->content_length, ==, 5);
    g_assert_cmpstr(sim_head_header(head, "host"), ==, "h");
    g_assert_cmpstr(sim_head_parameter(head, "x"), ==, "2");
    g_assert_cmpstr(g_hash_table_lookup(head->query, "x"), ==, "1&");
    g_assert_cmpstr(sim_head_parameter(head, "z"), ==, "");
    g_assert_null(sim_head_parameter(head, "w"));
}

static void
test_bad_heads(void)
{
    static const char *const texts[] = {
        "garbage\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / x HTTP/1.1\r\n\r\n",
        "GET / FTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "GET /\xff HTTP/1.1\r\n\r\n",
    };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        g_assert_null(sim_head_parse(texts[i], strlen(texts[i])));
    g_assert_cmpuint(sim_head_measure("GET / HTTP/1.1\r\nHost: x\r\n", 25), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/simulator/ids/seed", test_seed);
    g_test_add_func("/simulator/value/dates", test_dates);
    g_test_add_func("/simulator/type/accept", test_types);
    g_test_add_func("/simulator/database/relations", test_relations);
    g_test_add_func("/simulator/database/no-op", test_no_op);
    g_test_add_func("/simulator/database/uuids", test_uuids);
    g_test_add_func("/simulator/batch/order", test_batches);
    g_test_add_func("/simulator/batch/lossy-deletions", test_lossy_deletions);
    g_test_add_func("/simulator/query/matches", test_queries);
    g_test_add_func("/simulator/query/refused", test_bad_queries);
    g_test_add_func("/simulator/head/parsed", test_heads);
    g_test_add_func("/simulator/head/refused", test_bad_heads);
    return g_test_run();
}
