"""Is every text for operators marked for translation? What is not marked has to be no text, by a rule below, or
stand in the list of what deliberately is none. test_texts.py plants each offence.

Not looked at: the messages of the driver's errors and its log. The driver is a guest and knows no locale; its message
is the same in a service's log, in a service's answer, and here. What can be done about it (the meaning of the code,
the advice, the steps, the reasons of reconcile) the shim translates, and that is looked at. xapi-sim is for developers.

    texts.py TOP
"""

import pathlib
import re
import sys

from lint import blank

# Functions whose arguments an operator reads, and from which one on.
SHOWN = {"output_line": 1, "output_note": 1, "output_tell": 1, "output_text": 1, "output_stderr": 1,
         "failure_set": 2, "failure_new": 1, "g_set_error": 3, "g_set_error_literal": 3, "g_prefix_error": 1,
         "doctor_say": 2, "terminal_confirm": 0, "terminal_read_secret": 0, "broken": 1, "table_cell": 1,
         "table_cell_styled": 1, "table_take": 1, "add_pair": 1, "add_time": 1, "add_fact": 1, "add_answer": 1,
         "add_objects": 3, "append_line": 1, "append_lines": 1, "append_title": 1, "append_entry": 1, "refuse": 2,
         "describe": 2}
# Members of tables that are shown.
MEMBERS = ("summary", "details", "json", "meaning", "about", "title")
MARKS = {"_": 1, "N_": 1, "C_": 2, "NC_": 2, "ngettext": 2, "g_dngettext": 3}
# Words of the driver that the shim translates: here all sentences are such, but for those of errors' messages.
DRIVER = ("plugin/ops/mend.c", "plugin/ops/remains.c", "plugin/xenapi/failure.c")
DRIVER_MESSAGES = ("xd_error_new", "xd_set_error", "g_strdup_printf", "g_string_append_printf")

# What is no text: the file, what the literal is (a pattern for all of it), why it is not translated.
UNTRANSLATED = [
    (r"commands\.c", r"(?:[\w.:/=-]| |\\n)+", "names, operands and examples are typed as they stand; operands are "
     "translated by commands_spell()", r"\.(?:name|operands|needs|examples)$"),
    (r"commands\.c", r"[A-Z\[\]. ]+", "operands: translated by commands_spell()", r"\.operands$"),
    (r"commands\.c", r"[A-Z]{26}", "the alphabet", r""),
    (r"cmd-complete\.c", r"[A-Z.=]+", "operands, as the table of commands has them", r""),
    (r"cmd-power\.c", r"power [a-z]+", "names of commands", r""),
    (r"cmd-spawn\.c", r"/[a-z_*/]+", "members of a document", r""),
    (r"failure\.c", r"[A-Z_]+", "codes: programs look for them", r""),
    (r"help\.c", r"hvd help ", "typed as it stands", r""),
    (r"(?:help|output|cmd-watch|credential)\.c", r"HVD_CREDENTIAL|XDG_STATE_HOME|NO_COLOR|TERM|LANG, LANGUAGE",
     "variables of the environment", r""),
    (r"image\.c", r"[A-Z]+|7zXZ.*|BZh|# Disk Desc|(?:PK|QFI).*", "formats of disks, and how they begin", r""),
    (r"checks-pool\.c", r"XCP-ng|XenServer|Citrix Hypervisor", "names of products", r""),
    (r"text\.c", r"[KMGT]iB| B|xXeEpP", "units: the same in every language, and as --memory takes them", r""),
    (r"progress\.c", r"  %s/s", "a unit", r""),
    (r"text\.c", r"\\\\U%08x", "an escape", r""),
    (r"partial\.c", r"X{6}", "the name of a file", r""),
    (r"cmd-events\.c", r"%Y-%m-%dT%H:%M:%SZ", "a time in JSON", r""),
    (r"checks-pool\.c", r"root", "an account", r""),
    (r"fetch-(?:head|wire)\.c", r"bytes(?: |=%)|HTTP/|(?:If-)?Range", "words of HTTP", r""),
    (r"fetch-trust\.c", r"--image-ca-file: %s", "typed as it stands, and what libcurl says", r""),
    (r"plugin/xenapi/failure\.c", r"[^%]*%\d.*|a failure without a proper code| \[opterr=", "of its messages", r""),
    (r"expect\.c", r"[A-Za-z0-9_]{63}", "the bytes of a name", r""),
    (r"expect\.c", r"json", "the member of a scenario's step in front of a pointer", r""),
    (r"shim\.c", r"XD_OP", "a field of the log", r""),
    (r"shim\.c", r"debug|info|note|warning|error|hvd: %s: %s: %s", "a line of the log: programs look for its level", r""),
    (r"runner\.c", r"the driver broke its contract: %s called back twice", "told to the host's developer by GLib", r""),
    (r"settings\.c", r"secret reference", "compared with the driver's word", r""),
    (r"cmd-config\.c", r"<redacted>", "stands for a secret, in JSON and in the driver's log too", r""),
    (r"steps\.c", r"undo ", "in front of a step's name, in what the driver tells", r""),
    (r"(?:failure|output)\.c", r"hvd: (?:%s%s%s: %s\\n)?", "who speaks", r""),
    (r"help\.c", r"  hvd %s\\n", "an example, typed as it stands", r""),
    (r"(?:simulated|cmd-migrate)\.c", r"\{.*", "JSON", r""),
    (r"main\.c|output\.c", r"UTF-8", "an encoding", r""),
    (r"arguments\.c", r"password=", "looked for in the command line", r""),
]
# Numbers before a word that needs no plural, in any language: what stands there is no counted thing, or the
# translation can say "removed: 2".
NUMBERS = (r"%u completed, %u removed, %u left where they are", r".*step %u of %u.*", r"none of %u is more than.*",
           r".*older than %u (?:min|s) was.*", r".*within %u s", r"reconcile: %u of what .*", r".*port %u answers.*",
           r".*clock is %u s (?:ahead|behind).*", r".*takes a number from %d to %d.*", r".*version %u\.%u of .*",
           r".*exit status %d.*", r".*is %d %% full.*",
           r"%s: nothing came for %u s", r".*more than %d times", r".*tried %u times in vain")

TOKENS = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|#[ \t]*include[^\n]*|\.?[A-Za-z_]\w*|[(){}\[\],;=]')
FORMAT = re.compile(r"%[-+ 0#]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z)?[a-zA-Z%]")
ESCAPE = re.compile(r"\\(?:x[0-9a-f]{2}|[0-7]{1,3}(?:\[\d*[A-Za-z])?|.)")
DATA = re.compile(r"[a-z0-9_.:/=*~${}+<>()\[\],|@#&;?!'-]*")  # identifiers: no blank, no capital


class Literal:
    """One string, and the calls and members that it stands in, from the outside in: (name, argument)."""

    def __init__(self, offset, text, places):
        self.offset, self.text, self.places = offset, text, places

    def is_in(self, names):
        return any(name in names for name, _ in self.places)

    def is_shown(self):
        """By what it is handed to, if that is no other function's business."""
        calls = [(name, argument) for name, argument in self.places if name and name[0] not in "{."]
        if any(name[0] == "." and name[1:] in MEMBERS for name, _ in self.places if name):
            return True
        return bool(calls) and calls[-1][0] in SHOWN and calls[-1][1] >= SHOWN[calls[-1][0]]

    def has_words(self):
        return re.search("[A-Za-z]", ESCAPE.sub("", FORMAT.sub("", self.text))) is not None

    def is_data(self):
        return DATA.fullmatch(ESCAPE.sub("", FORMAT.sub("", self.text))) is not None


def literals(code):
    """All strings of a file without comments."""
    places, last = [], ""
    for match in TOKENS.finditer(code):
        token = match[0]
        if token[0] in "#'":
            continue
        if token[0] == '"':
            yield Literal(match.start(), token[1:-1], [tuple(place) for place in places])
        elif token in "([{":
            places.append([last if token == "(" else "{", 0])
        elif token in ")]}":
            # a member's value ends with the braces that it stands in
            while places and places[-1][0].startswith("."):
                places.pop()
            places[-1:] = []
        elif token == "=" and last.startswith("."):
            places.append([last, 0])
        elif token in ",;" and places:
            while places and places[-1][0].startswith("."):
                places.pop()
            if places:
                places[-1][1] += 1
        last = token if re.match(r"\.?[A-Za-z_]", token) else ""


def is_excepted(name, literal, rows=UNTRANSLATED):
    for where, text, _, member in rows:
        inside = literal.places[-1][0] if literal.places else ""
        if re.search(rf"(?:^|/)(?:{where})$", name) and re.fullmatch(text, literal.text) and re.search(member, inside):
            return True
    return False


def check_literals(name, code):
    """What is unmarked and looks like a text."""
    for literal in literals(code):
        if literal.is_in(MARKS) or not literal.has_words():
            continue
        if (literal.is_shown() or not literal.is_data()) and not is_excepted(name, literal):
            yield literal.offset, f'"{literal.text}" is not marked for translation'


def check_columns(_, code):
    """Titles of tables, also where they look like something else."""
    for block in re.finditer(r"\bColumn \w+\[\] = (\{(?:[^{}]|\{[^{}]*\})*\})", code):
        for literal in literals(block[1]):
            if not literal.is_in(MARKS):
                yield block.start(1) + literal.offset, f'"{literal.text}" is not marked for translation'


def marked_calls(code):
    """Each mark: its offset, its name, what stands in its brackets."""
    for match in re.finditer(rf"(?<!\w)({'|'.join(MARKS)})\((?=\s*\")", code):
        depth, end = 1, match.end()
        for token in re.finditer(r'"(?:\\.|[^"\\])*"|[()]', code[match.end():]):
            depth += {"(": 1, ")": -1}.get(token[0], 0)
            if depth == 0:
                end = match.end() + token.start()
                break
        yield match.start(), match[1], code[match.end():end]


def check_marks(_, code):
    """What xgettext would cut off, what no plural was thought of for."""
    for offset, name, inside in marked_calls(code):
        texts = re.match(r'(?:[\s\\]*"(?:\\.|[^"\\\n])*"[\s\\]*,?)*', inside)[0]
        rest = inside[len(texts):].strip()
        if rest and (MARKS[name] == 1 or name in ("C_", "NC_") or not texts.rstrip().endswith(",")):
            yield offset, f"{name}() has more in it than literals: xgettext does not see {rest!r}"
        text = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', inside))
        if name in ("_", "N_") and re.search(r"%[uid] ['a-z%]", text.replace("%d %% ", "%d %% x")) and \
                not any(re.fullmatch(number, text) for number in NUMBERS):
            yield offset, f'"{text}" counts something: ngettext() knows how many plurals a language has'


def check_idle_marks(name, code):
    """N_() translates nothing: what is handed to a function has to be _()."""
    for literal in literals(code):
        places = [place for place, _ in literal.places]
        if "N_" in places and any(place not in ("N_", "{", "PLAN", "") and not place.startswith(".")
                                  for place in places):
            outside = [place for place in places if place in SHOWN]
            if outside:
                yield literal.offset, f"N_() in a call of {outside[-1]}(): nothing translates it there"


def check_driver(name, code):
    """Sentences in the tables of the driver, and all advice."""
    for literal in literals(code):
        if " " in literal.text and not literal.is_in((*MARKS, *DRIVER_MESSAGES)) and not is_excepted(name, literal):
            yield literal.offset, f'"{literal.text}" is not marked for translation'


def check_advice(_, code):
    for literal in literals(code):
        advice = [1 for place in literal.places if place in (("xd_error_set_advice", 1), ("fail_state", 2))]
        if advice and not literal.is_in(MARKS):
            yield literal.offset, f'"{literal.text}" is not marked for translation'


def check(top):
    top = pathlib.Path(top)
    for path in sorted([*top.glob("host-shim/*.[ch]"), *top.glob("plugin/**/*.[ch]")]):
        name = str(path.relative_to(top))
        text = path.read_text(encoding="utf-8")
        code = blank(text, False)
        checks = [check_advice, check_marks] if name.startswith("plugin/") else \
            [check_literals, check_columns, check_marks, check_idle_marks]
        checks += [check_driver] if name in DRIVER else []
        for offset, what in sorted({offence for one in checks for offence in one(name, code)}):
            yield f"{name}:{text.count(chr(10), 0, offset) + 1}: {what}"


if __name__ == "__main__":
    found = list(check(sys.argv[1]))
    print("\n".join(found))
    sys.exit(1 if found else 0)
