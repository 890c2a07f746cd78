/* Tables: aligned whatever is in them, cut only where that was allowed. */
#include "table.h"

static const Column columns[] = {
    {"NAME", FALSE, TRUE},
    {"N", TRUE, FALSE},
    {"UUID", FALSE, FALSE},
};

static Table *
sample(void)
{
    Table *table = table_new(columns, G_N_ELEMENTS(columns));

    table_row(table);
    table_cell(table, "\346\227\245\346\234\254");
    table_cell(table, "7");
    table_cell(table, "u-1");
    table_row(table);
    table_cell(table, "a rather long name");
    table_cell(table, "100");
    table_cell(table, NULL);
    return table;
}

static void
test_aligned(void)
{
    g_autoptr(Table) table = sample();
    g_autofree char *text = table_print(table, 0, FALSE);

    g_assert_cmpstr(text, ==,
                    "NAME                  N  UUID\n"
                    "\346\227\245\346\234\254                  7  u-1\n"
                    "a rather long name  100  -\n");
}

static void
test_squeezed(void)
{
    g_autoptr(Table) table = sample();
    g_autofree char *text = table_print(table, 22, FALSE);
    g_autofree char *narrow = table_print(table, 5, FALSE);

    g_assert_cmpstr(text, ==,
                    "NAME           N  UUID\n"
                    "\346\227\245\346\234\254           7  u-1\n"
                    "a rather l\342\200\246  100  -\n");
    /* eight columns of a name are the least, however narrow the terminal */
    g_assert_nonnull(g_strstr_len(narrow, -1, "a rathe\342\200\246  100  -\n"));
}

static void
test_inert(void)
{
    g_autoptr(Table) table = table_new(columns, G_N_ELEMENTS(columns));
    g_autofree char *text = NULL;

    table_row(table);
    table_cell(table, "\033]0;x\007\n");
    table_cell(table, "\342\200\256");
    table_cell(table, "u");
    text = table_print(table, 0, TRUE);
    g_assert_null(g_strstr_len(text, -1, "\033]"));
    g_assert_null(g_strstr_len(text, -1, "\342\200\256"));
    g_assert_nonnull(g_strstr_len(text, -1, "\\x1b]0;x\\x07\\x0a  \\u202e  u\n"));
}

static void
test_colours(void)
{
    static const Column bare[] = {{NULL, FALSE, FALSE}, {NULL, FALSE, FALSE}};
    g_autoptr(Table) table = table_new(bare, G_N_ELEMENTS(bare));
    g_autofree char *plain = NULL;
    g_autofree char *coloured = NULL;

    table_row(table);
    table_cell_styled(table, "up", STYLE_GOOD);
    table_cell(table, "x");
    table_row(table);
    table_cell_styled(table, "down", STYLE_BAD);
    table_cell(table, "y");
    plain = table_print(table, 0, FALSE);
    coloured = table_print(table, 0, TRUE);
    g_assert_cmpstr(plain, ==, "up    x\ndown  y\n");
    g_assert_cmpstr(coloured, ==, "\033[32mup  \033[0m  x\n\033[31mdown\033[0m  y\n");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shim/table/aligned", test_aligned);
    g_test_add_func("/shim/table/squeezed", test_squeezed);
    g_test_add_func("/shim/table/inert", test_inert);
    g_test_add_func("/shim/table/colours", test_colours);
    return g_test_run();
}
