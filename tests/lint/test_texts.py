"""Every text for operators is marked for translation, and a text that is not is found.

    test_texts.py TOP
"""

import pathlib
import re
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "schemas")]
sys.dont_write_bytecode = True

import lint  # noqa: E402
import tap  # noqa: E402
import texts  # noqa: E402

TOP = pathlib.Path(sys.argv[1])

# file, line of the offence, text
OFFENCES = [
    ("host-shim/a.c", 2, 'void f(void)\n{ output_line(output, "no instances"); }\n'),
    ("host-shim/a.c", 1, 'output_note(output, "%s", "gone");\n'),
    ("host-shim/a.c", 1, 'output_tell(output, "%s is %s", name, _("gone"));\n'),
    ("host-shim/a.c", 1, 'failure_set(error, C, NULL, "%s: missing", name);\n'),
    ("host-shim/a.c", 1, 'failure_set(error, C, "try", _("it is missing"));\n'),
    ("host-shim/a.c", 2, 'failure_set(error, C,\n    n > 1 ? "some" : _("one"), NULL);\n'),
    ("host-shim/a.c", 1, 'g_prefix_error(error, "not destroyed: ");\n'),
    ("host-shim/a.c", 1, 'doctor_say(doctor, CHECK_OK, NULL, "fine");\n'),
    ("host-shim/a.c", 1, 'terminal_confirm("Sure?", cancellable, error);\n'),
    ("host-shim/a.c", 1, 'table_cell(table, yes ? "yes" : _("no"));\n'),
    ("host-shim/a.c", 1, 'table_take(table, g_strdup("Some words"));\n'),
    ("host-shim/a.c", 1, 'x = g_strdup_printf("%u of them", n);\n'),
    ("host-shim/a.c", 1, 'static const Column columns[] = {{N_("NAME")}, {"STATE", FALSE, TRUE}};\n'),
    ("host-shim/failure.c", 1, 'static const Column columns[] = {{"EXIT", TRUE, FALSE}};\n'),
    ("host-shim/commands.c", 3, 'const Command c[] = {{\n.name = "list",\n.summary = "instances",\n}};\n'),
    ("host-shim/commands.c", 1, 'x = {.name = "list", .details = "It lists."};\n'),
    ("host-shim/a.c", 1, '{"driver", "the driver loads", 0, check},\n'),
    ("host-shim/a.c", 1, 'N_("half " B " whole")\n'),
    ("host-shim/a.c", 1, 'x = _("%" G_GINT64_FORMAT " is left");\n'),
    ("host-shim/a.c", 1, 'x = ngettext("%u thing", "%u things" S, n);\n'),
    ("host-shim/a.c", 1, 'output_line(output, _("%u instances"), n);\n'),
    ("host-shim/a.c", 1, 'failure_set(error, C, N_("try again"), _("it failed"));\n'),
    ("plugin/ops/mend.c", 1, 'static const A a[] = {{"VM", "nobody uses it", FALSE}};\n'),
    ("plugin/ops/a.c", 1, 'xd_error_set_advice(error, "restore it first");\n'),
    ("plugin/ops/a.c", 1, 'fail_state(op, "it is suspended", "resume it first");\n'),
]

# what must not be taken for an offence
INNOCENT = [
    ("host-shim/a.c", '/* "a comment of words" */\nx = json_object_get_string_member(o, "size_bytes");\n'),
    ("host-shim/a.c", 'output_line(output, _("it is \\"%s\\""), name);\noutput_line(output, "%s  %s", a, b);\n'),
    ("host-shim/a.c", 'failure_set(error, C, _("try " \n  "again"), "%s: %s", path, g_strerror(errno));\n'),
    ("host-shim/a.c", 'doctor_say(d, S, document_text(o, "advice"), _("%s is gone"), document_text(o, "name"));\n'),
    ("host-shim/a.c", 'table_cell(table, document_text(object, "name"));\nx = runner_call(r, "list_nodes", &e);\n'),
    ("host-shim/a.c", '#include "a file.h"\nx = g_str_has_prefix(y, "/etc/hvd/xenapi.conf");\n'),
    ("host-shim/a.c", 'static const char *const names[] = {N_("one"), "two", NULL};\nreturn N_("it is empty");\n'),
    ("host-shim/a.c", '#define A N_("some "   \\\n    "words")\nx = ngettext("%u call", "%u calls", n);\n'),
    ("host-shim/a.c", 'append_line(out, "\\033[H\\r\\n");\noutput_stderr(output, ": ");\n'),
    ("plugin/ops/mend.c", 'xd_set_error(error, C, "the pool shows no pool object");\n'),
    ("plugin/ops/a.c", 'xd_error_set_advice(error, row->advice);\nfail_state(op, "it is away", NULL);\n'),
    ("host-shim/simulator/a.c", 'output_line(output, "not ours");\n'),
]


def offences_of(name, text):
    with tempfile.TemporaryDirectory() as place:
        path = pathlib.Path(place) / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
        return list(texts.check(place))


class TestTexts(unittest.TestCase):
    def test_tree(self):
        self.assertEqual(list(texts.check(TOP)), [])

    def test_offences(self):
        for name, line, text in OFFENCES:
            found = offences_of(name, text)
            self.assertEqual([what.split(": ")[0] for what in found], [f"{name}:{line}"], (text, found))

    def test_innocent(self):
        for name, text in INNOCENT:
            self.assertEqual(offences_of(name, text), [], text)

    def test_each_mark(self):
        """Whichever mark of the shim is taken away is missed; but for single words in tables and pieces of a
        longer text, which e2e/test_untranslated.py sees on the screen."""
        n, unseen = 0, []
        for path in sorted((TOP / "host-shim").glob("*.c")):
            code = lint.blank(path.read_text(encoding="utf-8"), False)
            columns = [range(*block.span()) for block in re.finditer(r"\bColumn \w+\[\] = [^;]*;", code)]
            for literal in texts.literals(code):
                if not literal.is_in(texts.MARKS) or any(literal.offset in block for block in columns):
                    continue
                n += 1
                bare = texts.Literal(literal.offset, literal.text,
                                     [place for place in literal.places if place[0] not in texts.MARKS])
                if bare.is_data() and not bare.is_shown():
                    unseen.append(literal.text)
                else:
                    self.assertFalse(texts.is_excepted(f"host-shim/{path.name}", bare) and " " not in bare.text,
                                     (path.name, bare.text))
        self.assertGreater(n, 800)
        self.assertLess(len(unseen), 40, unseen)
        self.assertFalse([text for text in unseen if " " in text], unseen)

    def test_exceptions_are_needed(self):
        """None of the list that fits nothing any more."""
        used = set()
        for path in [*(TOP / "host-shim").glob("*.[ch]"), *(TOP / name for name in texts.DRIVER)]:
            name = str(path.relative_to(TOP))
            for literal in texts.literals(lint.blank(path.read_text(encoding="utf-8"), False)):
                used |= {row for row in texts.UNTRANSLATED
                         if not literal.is_in(texts.MARKS) and texts.is_excepted(name, literal, [row])}
        self.assertEqual([row for row in texts.UNTRANSLATED if row not in used], [])


if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__]))
