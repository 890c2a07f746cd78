"""The linter finds nothing in the tree, and every planted offence.

    test_lint.py TOP
"""

import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "schemas")]
sys.dont_write_bytecode = True

import lint  # noqa: E402
import tap  # noqa: E402

TOP = pathlib.Path(sys.argv[1])
HEADER = "plugin/include/hvd-driver.h"
SETTINGS = "schemas/x.gschema.xml"


def slot(comment, declaration="    HvdCallAsync list_async;\n"):
    return ("/* SPDX-License-Identifier: X */\ntypedef struct {\n    guint32 major;\n    /**\n     * open: x. Since: 0.1\n"
            f"     */\n    char *(*open)(void);\n{comment}{declaration}" "} HvdDriver;\n")


def settings(name):
    return f'<schemalist>\n  <schema id="org.x.one" path="/">\n    <key name="{name}" type="s"/>\n  </schema>\n</schemalist>\n'


# rule, file, line of the offence, text
OFFENCES = [
    ("banned-call", "plugin/ops/a.c", 2, "int f(void)\n{ strcpy (a, b); }\n"),
    ("banned-call", "host-shim/a.c", 1, "x = system(a);\n"),
    ("banned-call", "tests/unit/a.c", 1, "x = atoi(a);\n"),
    ("banned-call", "plugin/wire/a.c", 1, "x = g_newa(char, n);\n"),
    ("locale", "plugin/wire/a.c", 1, "x = strtod(a, NULL);\n"),
    ("guest", "plugin/base/a.c", 1, "setlocale(LC_ALL, x);\n"),
    ("guest", "plugin/base/a.c", 1, "g_log_set_writer_func(f, NULL, NULL);\n"),
    ("guest", "plugin/http/a.c", 1, "curl_global_cleanup();\n"),
    ("guest", "plugin/wire/a.c", 1, "xmlSetGenericErrorFunc(NULL, f);\n"),
    ("guest", "plugin/base/a.c", 1, "umask(0);\n"),
    ("loop", "plugin/ops/a.c", 1, "g_main_context_iteration(NULL, TRUE);\n"),
    ("loop", "plugin/ops/a.c", 1, "g_main_loop_run(loop);\n"),
    ("loop", "plugin/ops/a.c", 1, "g_task_run_in_thread(task, f);\n"),
    ("output", "plugin/ops/a.c", 1, 'printf("a");\n'),
    ("output", "plugin/ops/a.c", 1, 'g_warning("a");\n'),
    ("output", "plugin/http/a.c", 1, "set(CURLOPT_VERBOSE, 1L);\n"),
    ("output", "host-shim/a.c", 1, 'g_print("a");\n'),
    ("output", "host-shim/a.c", 1, 'syslog(1, "a");\n'),
    ("environment", "plugin/base/a.c", 1, 'x = g_getenv("HOME");\n'),
    ("environment", "host-shim/simulator/core/a.c", 1, 'x = getenv("HOME");\n'),
    ("tls", "plugin/http/http.c", 1, "set(easy, CURLOPT_SSL_VERIFYPEER, 0L);\n"),
    ("tls", "plugin/http/exchange.c", 1, "set(easy, CURLOPT_CAINFO, file);\n"),
    ("tls", "host-shim/fetch-wire.c", 1, "set(easy, CURLOPT_CAINFO, file);\n"),
    ("tls", "plugin/http/exchange.c", 1, "set(easy, CURLOPT_PINNEDPUBLICKEY, pin);\n"),
    ("tls", "plugin/http/exchange.c", 1, "set(easy, CURLOPT_FOLLOWLOCATION, 1L);\n"),
    ("authorities", "plugin/http/trust.c", 3, "void f(void)\n{\n    set(easy, CURLOPT_CAINFO, file);\n}\n"
     "void g(void)\n{\n    set(easy, CURLOPT_CAINFO, file);\n    set(easy, CURLOPT_CAPATH, NULL);\n}\n"),
    ("authorities", "host-shim/fetch-trust.c", 2, "\nset(easy, CURLOPT_CAINFO, file);\nset(easy, CURLOPT_CAPATH, folder);\n"),
    ("goto", "plugin/ops/a.c", 1, "goto out;\n"),
    ("goto", "host-shim/simulator/core/a.c", 1, "goto out;\n"),
    ("static", "plugin/ops/a.c", 1, "static int n;\n"),
    ("static", "plugin/ops/a.c", 1, 'static const char *name = "x";\n'),
    ("static", "plugin/ops/a.c", 2, "void f(void) {\n    static gsize once = 0;\n}\n"),
    ("static", "plugin/ops/a.c", 1, "static XdThing things[] = {\n    {1},\n};\n"),
    ("static", "host-shim/a.c", 1, "static struct { int n; } all;\n"),
    ("step", "plugin/ops/a.c", 1, 'static const XdStep steps[] = {{"a", f, NULL, 1, 0}, {0}};\n'),
    ("step", "plugin/ops/a.c", 2, '\nstatic const XdStep steps[] = {\n    {"b", f, NULL, 1, 5},\n    {"a", f, NULL},\n    {0},\n};\n'),
    ("step", "plugin/ops/a.h", 1, '#define XD_STEP_A     \\\n    {                 \\\n        "a", f, NULL, 1, 0  \\\n    }\n'),
    ("secret-member", "plugin/ops/a.h", 2, "typedef struct {\n    char *password;\n} Login;\n"),
    ("secret-member", "plugin/ops/a.c", 3, "struct _Login {\n    int n;\n    const char *chap_secret;\n};\n"),
    ("secret-member", "plugin/ops/a.c", 2, "typedef struct {\n    char session_ref[80];\n} Login;\n"),
    ("slot", HEADER, 9, slot("\n")),
    ("slot", HEADER, 9, slot("    /** list: Result: all. Errors: BUSY. */\n")),
    ("slot", HEADER, 9, slot("    /** list: all. Errors: BUSY. Since: 0.1 */\n")),
    ("slot", HEADER, 9, slot("    /** list: Result: all. Since: 0.1 */\n")),
    ("slot", HEADER, 9, slot("    /** other: Result: all. Errors: BUSY. Since: 0.1 */\n")),
    ("slot", HEADER, 8, slot("", "    void (*f_async)(int a);\n")),
    ("format", "plugin/ops/a.c", 1, "x = g_strdup_printf(format, a);\n"),
    ("format", "plugin/ops/a.c", 1, "xd_set_error(error, HVD_ERROR_FAILED, text);\n"),
    ("format", "plugin/ops/a.c", 1, 'x = g_strdup_printf("field \\"name__label\\" = \\"%s\\"", a);\n'),
    ("format", "plugin/ops/a.c", 1, 'g_string_append_printf(out,\n                       "a" "<b>%s</b>", a);\n'),
    ("format", "host-shim/a.c", 1, 'x = g_strdup_printf("https://%s/", a);\n'),
    ("format", "plugin/ops/a.c", 1, 'e = xd_error_new(HVD_ERROR_FAILED, "Not found");\n'),
    ("format", "plugin/ops/a.c", 1, 'e = xd_error_new(HVD_ERROR_FAILED, "not found.");\n'),
    ("format", "plugin/ops/a.c", 1, 'e = xd_error_new(HVD_ERROR_FAILED, "not found\\n");\n'),
    ("format", "host-shim/a.c", 1, 'g_set_error_literal(e, D, C, _("Not found"));\n'),
    ("setting", SETTINGS, 3, settings("in-vain")),
    ("setting", SETTINGS, 3, settings("text")),
    ("text", "plugin/ops/a.c", 1, "int n; \n"),
    ("text", "tests/a.py", 2, "a = 1\nb = 2\t\n"),
    ("text", "plugin/ops/a.c", 1, "\tint n;\n"),
    ("text", "plugin/ops/a.c", 1, "int n;"),
    ("text", "plugin/ops/a.c", 801, "\n" * 801),
    ("text", "plugin/include/other.h", 1, "#pragma once\n"),
]

# what must not be taken for an offence
INNOCENT = [
    ("plugin/ops/a.c", '/* never use strcpy(a, b), goto or "static int n;" */\n'),
    ("plugin/ops/a.c", '// goto\nx = "goto strcpy(a) CURLOPT_SSL_VERIFYPEER";\n'),
    ("plugin/ops/a.c", "static void f(int a);\nstatic G_GNUC_PRINTF(2, 0) int g(int a, va_list b)\n{\n}\n"),
    ("plugin/ops/a.c", "static const char *const names[] = {\"a\"};\nstatic const Row rows[] = {{1}};\n"),
    ("plugin/ops/a.c", "static inline int f(void)\n{\n}\nstatic const struct {\n    int n;\n} all[] = {{1}};\n"),
    ("plugin/ops/a.c", "static const XdStep a_steps[] = {\n    XD_STEP_SEE_POOL,\n    {\"a\", f, undo, 1, SHORT_S},\n    {0},\n};\n"),
    ("plugin/ops/a.c", "x = g_strdup_printf(\"%s-%u\", a, b);\nx = g_strdup_printf(n > 1 ? \"%u\" : \"%u.\", n);\n"),
    ("plugin/ops/a.c", 'xd_set_error(error, C, "HTTP status %u", n);\nxd_set_error(error, C, "XenAPI said so");\n'),
    ("plugin/ops/a.h", "void xd_tell(int a, const char *format, ...) G_GNUC_PRINTF(2, 3);\n"),
    ("plugin/ops/a.h", "typedef struct {\n    XdSecret *password;\n    XdSession *session;\n} Login;\n"),
    ("plugin/http/trust.c", "set(easy, CURLOPT_SSL_VERIFYPEER, 1L);\n"),
    ("plugin/http/exchange.c", "set(easy, CURLOPT_FOLLOWLOCATION, 0L);\n"),
    ("host-shim/output.c", 'fputs("a", stdout);\n'),
    ("host-shim/credential.c", 'x = getenv("HVD_CREDENTIAL");\n'),
    (HEADER, slot("    /** list: Result: all. Errors: BUSY. Since: 0.1 */\n")),
    (SETTINGS, settings("a-word")),
]


# What each offence stands beside.
BESIDE = {"plugin/base/read.c": 'x = get(XD_CONFIG_ONE_A_WORD, "XD_CONFIG_ONE_TEXT");\n',
          "plugin/base/error.h": "void xd_set_error(GError **error, int code, const char *format, ...) G_GNUC_PRINTF(3, 4);\n"
          "GError *xd_error_new(int code, const char *format, ...) G_GNUC_PRINTF(2, 3);\n"}


def offences_of(files):
    """Those of a tree of these files, where each folder has a README."""
    with tempfile.TemporaryDirectory() as place:
        top = pathlib.Path(place)
        for name, text in files.items():
            path = top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            if path.name != "README.md" and not (path.parent / "README.md").exists():
                (path.parent / "README.md").write_text("Here.\n")
        return list(lint.check(top))


class Lint(unittest.TestCase):
    def test_tree(self):
        self.assertEqual(list(lint.check(TOP)), [])

    def test_offences(self):
        for rule, name, line, text in OFFENCES:
            found = offences_of({name: text, **BESIDE})
            self.assertEqual(len(found), 1, (rule, text, found))
            self.assertTrue(found[0].startswith(f"{name}:{line}: [{rule}] "), (rule, text, found))

    def test_every_rule_is_planted(self):
        rules = {row[0] for row in lint.PATTERNS} | {row[0] for row in lint.CHECKS} | {"format", "setting"}
        self.assertEqual(rules, {offence[0] for offence in OFFENCES})

    def test_innocent(self):
        for name, text in INNOCENT:
            self.assertEqual(offences_of({name: text, **BESIDE}), [], text)

    def test_own_formats(self):
        header = "void tell(int a, const char *format, ...) G_GNUC_PRINTF(2, 3);\n"
        found = offences_of({"plugin/base/a.h": header, "plugin/base/a.c": "tell(1, text);\n"})
        self.assertEqual(len(found), 1, found)

    def test_readme(self):
        found = offences_of({"plugin/a/c.c": "", "plugin/a/README.md": "`c.c`, but not `gone.h`.\n"})
        self.assertEqual(found, ["plugin/a/README.md: [readme] names gone.h, which is not there"])
        with tempfile.TemporaryDirectory() as place:
            (pathlib.Path(place) / "plugin").mkdir()
            (pathlib.Path(place) / "plugin" / "c.c").touch()
            self.assertEqual(list(lint.check(place)), ["plugin: [readme] has no README.md"])

    def test_exceptions_are_needed(self):
        """But for files that are still to come."""
        for (rule, name, text), reason in lint.EXCEPTIONS.items():
            self.assertIn(text if rule != "readme" else name.split("/")[0], (TOP / name).read_text() + name, reason)


if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__]))
