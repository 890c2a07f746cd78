/* The command line against the table: every error of the parser, and that the table is sound. */
#include "arguments.h"
#include "failure.h"

#include <string.h>

static Arguments *
parse(const char *line, GError **error)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);

    return arguments_parse(words, error);
}

static void
test_options(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Arguments) arguments =
        parse("--pin a=1 list --json --pin=b=2 --timeout 30 --simulate --set x.y=z", &error);
    g_auto(GStrv) pins = NULL;

    g_assert_no_error(error);
    g_assert_cmpstr(arguments_get_command(arguments)->name, ==, "list");
    g_assert_true(arguments_has(arguments, "json"));
    g_assert_false(arguments_has(arguments, "plan"));
    g_assert_cmpint(arguments_number(arguments, "timeout", 0), ==, 30);
    g_assert_cmpint(arguments_number(arguments, "absent", 7), ==, 7);
    g_assert_cmpstr(arguments_get(arguments, "simulate"), ==, "");
    pins = arguments_list(arguments, "pin");
    g_assert_cmpuint(g_strv_length(pins), ==, 2);
    g_assert_cmpstr(pins[0], ==, "a=1");
    g_assert_cmpstr(pins[1], ==, "b=2");
}

static void
test_operands(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Arguments) arguments = parse("info --simulate=/x -- --json", &error);

    g_assert_no_error(error);
    g_assert_cmpuint(arguments_count(arguments), ==, 1);
    g_assert_cmpstr(arguments_operand(arguments, 0), ==, "--json");
    g_assert_null(arguments_operand(arguments, 1));
    g_assert_cmpstr(arguments_get(arguments, "simulate"), ==, "/x");
    g_assert_false(arguments_has(arguments, "json"));
}

static void
test_letters(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Arguments) arguments = parse("destroy -yv a", &error);

    g_assert_no_error(error);
    g_assert_true(arguments_has(arguments, "yes"));
    g_assert_true(arguments_has(arguments, "verbose"));
    g_assert_cmpstr(arguments_operand(arguments, 0), ==, "a");
}

static void
test_help_needs_no_operands(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Arguments) arguments = parse("info --help", &error);

    g_assert_no_error(error);
    g_assert_true(arguments_has(arguments, "help"));
}

static void
test_nothing(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Arguments) arguments = parse("--json", &error);

    g_assert_no_error(error);
    g_assert_true(arguments_is_empty(arguments));
}

static void
test_refused(void)
{
    static const struct {
        const char *line;
        const char *message;
        const char *advice;
    } cases[] = {
        {"lst", "there is no command \"lst\"", "did you mean \"list\"?"},
        {"xyzzy", "there is no command \"xyzzy\"", "see \"hvd help\""},
        {"--jsn list", "there is no option --jsn", "did you mean \"--json\"?"},
        {"list --frobnicate=1", "there is no option --frobnicate", "see \"hvd help list\""},
        {"-x", "there is no option -x", "see \"hvd help\""},
        {"destroy -yx a", "there is no option -x", "see \"hvd help destroy\""},
        {"-json list", "there is no option -json", "did you mean \"--json\"?"},
        {"--simulate /x list", "there is no command \"/x\"",
         "a directory is written as --simulate=/x"},
        {"spawn x --memory 4x", "--memory takes a size, not \"4x\"", "write 512M"},
        {"--json=1 list", "--json takes no value", NULL},
        {"list --timeout", "--timeout needs a value: --timeout SECONDS", NULL},
        {"list --timeout 0", "--timeout takes a number from 1 to 604800, not \"0\"", NULL},
        {"list --timeout 1s", "--timeout takes a number from 1 to 604800, not \"1s\"", NULL},
        {"--pool a --pool b list", "--pool was given twice", NULL},
        {"--config= list", "the value of --config is empty", NULL},
        {"info", "info: INSTANCE is missing", "usage: hvd info INSTANCE"},
        {"list x", "list: \"x\" is one word too many", "usage: hvd list"},
        {"info x y", "info: \"y\" is one word too many", "usage: hvd info INSTANCE"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Arguments) arguments = parse(cases[i].line, &error);
        g_autofree char *text = NULL;

        g_assert_null(arguments);
        g_assert_true(failure_is(error, FAILURE_USAGE));
        g_assert_cmpint(failure_get_exit_status(error), ==, 2);
        g_assert_cmpstr(error->message, ==, cases[i].message);
        text = failure_print(error, FALSE);
        if (cases[i].advice != NULL)
            g_assert_nonnull(strstr(text, cases[i].advice));
        else
            g_assert_null(strstr(text, "advice"));
    }
}

/* SEC-2: no option takes a password, and no message repeats what may be one. */
static void
test_passwords(void)
{
    static const char *const lines[] = {
        "--password=hunter2 list",          "--set pool.password=hunter2 list",
        "--set pool.Password=file:/x list", "info PASSWORD=hunter2",
        "-- auth_password=hunter2",
    };
    g_autoptr(GError) unknown = NULL;
    g_autoptr(Arguments) arguments = parse("--password hunter2 list", &unknown);

    g_assert_null(arguments);
    g_assert_null(strstr(unknown->message, "hunter2"));
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = NULL;

        g_assert_null(parse(lines[i], &error));
        g_assert_true(failure_is(error, HVD_ERROR_SECRET_LITERAL));
        text = failure_print(error, FALSE);
        g_assert_null(strstr(text, "hunter2"));
    }
    for (const Option *option = global_options; option->name != NULL; option++)
        g_assert_null(strstr(option->name, "passw"));
}

/* ---- the table ---- */

static void
check_options(const Option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        g_assert_nonnull(options->summary);
        g_assert_cmpint(options->value == NULL, ==, options->kind == OPTION_FLAG);
        g_assert_null(strstr(options->name, "passw"));
        if (options->kind == OPTION_NUMBER)
            g_assert_cmpint(options->least, <, options->most);
    }
}

static void
check_examples(const Command *command)
{
    g_auto(GStrv) lines = g_strsplit(command->examples, "\n", -1);

    for (guint i = 0; lines[i] != NULL; i++) {
        g_auto(GStrv) words = NULL;
        g_autoptr(GError) error = NULL;
        g_autoptr(Arguments) arguments = NULL;

        g_assert_true(g_shell_parse_argv(lines[i], NULL, &words, &error));
        arguments = arguments_parse(words, &error);
        g_assert_no_error(error);
        g_assert_true(arguments_get_command(arguments) == command);
    }
}

static void
test_table(void)
{
    for (const Command *command = commands; command->name != NULL; command++) {
        g_test_message("%s", command->name);
        g_assert_nonnull(command->operands);
        g_assert_nonnull(command->summary);
        g_assert_nonnull(command->json);
        g_assert_nonnull(command->examples);
        g_assert_true(command->run != NULL);
        g_assert_true(commands_find(command->name) == command);
        g_assert_false(commands_is_prefix(command->name));
        check_options(command->options);
        check_examples(command);
    }
    check_options(global_options);
    g_assert_null(commands_find("no such command"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shim/arguments/options", test_options);
    g_test_add_func("/shim/arguments/operands", test_operands);
    g_test_add_func("/shim/arguments/letters", test_letters);
    g_test_add_func("/shim/arguments/help-needs-no-operands", test_help_needs_no_operands);
    g_test_add_func("/shim/arguments/nothing", test_nothing);
    g_test_add_func("/shim/arguments/refused", test_refused);
    g_test_add_func("/shim/arguments/passwords", test_passwords);
    g_test_add_func("/shim/arguments/table", test_table);
    return g_test_run();
}
