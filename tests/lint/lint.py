"""The linter of the house: what compilers do not see. One table of rules; test_lint.py plants each offence.

    lint.py TOP
"""

import pathlib
import re
import sys

ROOTS = ("plugin", "host-shim", "schemas", "tests", "po", ".ci")
DATA = ("tests/captures/", "tests/fuzz/seeds/", "tests/golden/")
CODE = (".c", ".h", ".py")
MAX_LINES = 800
PLUGIN = r"plugin/.*\.[ch]"
SHIM = r"host-shim/(?!simulator/).*\.[ch]"
SIMULATOR = r"host-shim/simulator/.*\.[ch]"
PRODUCT, ANY_C = f"{PLUGIN}|{SHIM}|{SIMULATOR}", r".*\.[ch]"


def calls(names):
    return rf"\b(?:{names.replace(' ', '|')})\s*\("


# What may stand in code: rule, where, pattern, why not. Comments and the insides of strings are not looked at.
PATTERNS = [
    ("banned-call", ANY_C, calls("strcpy stpcpy strcat sprintf vsprintf gets system popen atoi atol atoll atof "
                                 "alloca g_alloca g_newa g_newa0 tmpnam tempnam mktemp strtok"),
     "unbounded, unchecked or not thread-safe (SEC-43)"),
    ("locale", PLUGIN, calls("strtod strtof strtol strtoll strtoul strtoull sscanf scanf isalpha isdigit isalnum "
                             "isspace isupper islower toupper tolower strcasecmp strncasecmp"),
     "means something else in another locale, or is not strict (SEC-18): use wire/number.h or g_ascii_*"),
    ("guest", PLUGIN, calls("setlocale uselocale signal sigaction sigprocmask chdir fchdir umask exit _exit quick_exit "
                            "abort atexit setenv putenv unsetenv clearenv g_setenv g_unsetenv fork vfork prctl "
                            r"setrlimit g_log_set_\w+ g_set_print\w* g_set_prgname curl_global_cleanup "
                            "curl_global_init_mem xmlCleanupParser xmlKeepBlanksDefault xmlMemSetup "
                            r"xmlSubstituteEntitiesDefault xmlSet\w*ErrorFunc xmlRegister\w+ xmlSetExternalEntityLoader"),
     "the module is a guest in its host's process (house-style section 10)"),
    ("loop", PLUGIN, calls(r"g_main_context_iteration g_main_loop_\w+ g_main_context_push_thread_default g_thread_new "
                           r"g_thread_try_new g_thread_pool_\w+ g_task_run_in_thread\w* pthread_create sleep usleep "
                           "nanosleep g_usleep poll select"),
     "the module never iterates, blocks or starts threads"),
    ("output", f"{PLUGIN}|(?!host-shim/(?:output|terminal)\\.c){SHIM}",
     calls("printf vprintf fprintf vfprintf dprintf puts fputs putchar putc fputc perror g_print g_printerr "
           "syslog vsyslog g_message g_warning g_info g_debug sd_journal_print sd_journal_send")
     + r"|CURLOPT_(?:VERBOSE|DEBUGFUNCTION|STDERR)",
     "there is one door: xd_log() in the plugin, output.c in the shim (SEC-28)"),
    ("environment", f"{PLUGIN}|{SIMULATOR}", calls("getenv secure_getenv g_getenv g_get_environ g_environ_getenv"),
     "only the shim looks at the environment"),
    ("tls", f"(?!plugin/http/trust\\.c|host-shim/fetch-trust\\.c)(?:{PRODUCT})",
     r"CURLOPT_(?:PROXY_)?(?:SSL\w*|PINNEDPUBLICKEY|CAINFO\w*|CAPATH|CRLFILE|ISSUERCERT\w*|TLS\w*)"
     r"|CURLOPT_(?:FOLLOWLOCATION|UNRESTRICTED_AUTH|POSTREDIR)\b(?!\s*,\s*0L)",
     "whom we trust is decided in plugin/http/trust.c and host-shim/fetch-trust.c, and redirects are not followed (SEC-11, SEC-13)"),
    ("goto", PRODUCT, r"\bgoto\b", "early returns and g_autoptr"),
]

# (rule, file, what the line has in it): reason
EXCEPTIONS = {
    ("environment", "plugin/base/secret-source.c", "CREDENTIALS_DIRECTORY"): "systemd's interface, read only",
    ("secret-member", "plugin/ops/storage-access.h", "char *secret"): "names of the object that holds the secret",
    ("secret-member", "plugin/wire/method.h", "secrets;"): "names of parameters",
    ("secret-member", "plugin/xenapi/barrier.c", "char *token;"): "of events: opens nothing",
    ("secret-member", "plugin/xenapi/batch.c", "token"): "of events: opens nothing",
    ("secret-member", "plugin/xenapi/mirror.c", "char *token;"): "of events: opens nothing",
    ("secret-member", "plugin/xenapi/tag.h", "char *session;"): "the uuid of a session: opens nothing",
    ("format", "plugin/xenapi/steps.c", '"<%s>"'): "stands in a plan for what a call would give",
    ("output", "host-shim/runner.c", "g_warning"): "for the host's developer: there is no call left to fail",
    ("readme", "tests/simulator/README.md", "replay.py"): "promised",
    ("readme", "tests/simulator/README.md", "scenarios.py"): "promised",
}

ERROR_MAKERS = {"xd_error_new", "xd_set_error", "g_set_error", "g_set_error_literal", "g_error_new",
                "g_error_new_literal", "failure_set"}
FORMATS = {"g_strdup_printf": 0, "g_string_printf": 1, "g_string_append_printf": 1, "g_snprintf": 2, "snprintf": 2,
           "g_set_error": 3, "g_error_new": 2, "g_prefix_error": 1, "g_error": 0, "g_critical": 0}
LITERAL_TEXTS = {"g_set_error_literal": 3, "g_error_new_literal": 2}
TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
STEP_TABLE = r"\bXdStep\s+\w+\[\]\s*=\s*\{(?:[^{}]|\{[^{}]*\})*\}|#define XD_STEP_\w+[\s\\]*\{[^{}]*\}"
SECRET_MEMBER = re.compile(r"\b(?:char|GString|GBytes|guint8|guchar)\b[^;(]*\b(\w*(?:passw|pwd|secret|session|token|chap)"
                           r"\w*)\s*(?:\[[^;]*)?;", re.IGNORECASE)


def blank(text, strings):
    """Without comments, or also without what stands in strings; lines stay where they are."""
    def replace(match):
        token = match[0]
        if token[0] == "/":
            return re.sub(r"[^\n]", " ", token)
        return token if not strings else token[0] + " " * (len(token) - 2) + token[-1]
    return TOKENS.sub(replace, text)


class File:
    def __init__(self, top, path):
        self.name = str(path.relative_to(top))
        self.text = path.read_text(encoding="utf-8")
        self.is_c = path.suffix in (".c", ".h")
        self.code = blank(self.text, False) if self.is_c else ""
        self.bare = blank(self.text, True) if self.is_c else ""

    def fits(self, where):
        return re.fullmatch(where, self.name)


def arguments(code, offset):
    """Of the call whose bracket has just been opened at @offset."""
    depth, start, found = 0, offset, []
    for match in re.finditer(r'[()\[\]{},]|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'', code[offset:]):
        at = offset + match.start()
        if match[0] in "([{":
            depth += 1
        elif match[0] in ")]}" and depth > 0:
            depth -= 1
        elif match[0] == ")" or (match[0] == "," and depth == 0):
            found.append(code[start:at].strip())
            start = at + 1
            if match[0] == ")":
                break
    return found


# ---- rules that are more than a pattern: each gives (offset, what is wrong) ----

def check_statics(file):
    for match in re.finditer(r"^[ \t]*static\s+([^;={(]+?)\s*(?:\[[^;={(]*)?(=|;|\{)", file.bare, re.MULTILINE):
        is_const = r"\*\s*const\b" if "*" in match[1] else r"\bconst\b|GSourceFuncs"  # GLib's type lacks const
        if not re.search(is_const, match[1]):
            yield match.start(), f"a variable that outlives the call: static {' '.join(match[1].split())}"


def check_formats(file, formats):
    for match in re.finditer(calls(" ".join(formats)), file.code):
        given = arguments(file.code, match.end())
        name = match[0].rstrip("( \t\n")
        text = given[formats[name]] if len(given) > formats[name] else "char *"
        if re.match(r"(?:const )?(?:g?char) \*", text):  # a declaration
            continue
        words = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', text))
        if '"' not in text and name not in LITERAL_TEXTS:
            yield match.start(), f"{name}: the format is no literal (SEC-17)"
        if name not in ERROR_MAKERS and not file.fits(SIMULATOR) and re.search(r'field \\"|<|://', words):
            yield match.start(), f"{name}: a document, filter or URL is made by pasting (SEC-14)"
        if name in ERROR_MAKERS and (re.match(r"[A-Z][a-z](?!nAPI)", words) or re.search(r"\.$|\\n", words)):
            yield match.start(), f"{name}: an error begins in lower case, has no full stop, and is one line"


def check_steps(file):
    """Rows of tables; what a table takes from a macro is looked at where that is defined."""
    for table in re.finditer(STEP_TABLE, file.code):
        for row in re.findall(r"\{([^{}]+)\}", table[0]):
            cells = [cell.strip(" \n\\") for cell in row.split(",")]
            if cells not in (["0"], ["NULL"]) and not re.fullmatch(r"[1-9]\d*|[A-Z][A-Z0-9_]+", "".join(cells[4:])):
                yield table.start(), f"the step {cells[0]} has no time limit"


def check_secret_members(file):
    for body in re.finditer(r"\bstruct\b[^;{}()]*\{(?:[^{}]|\{[^{}]*\})*\}", file.code):
        for member in SECRET_MEMBER.finditer(body[0]):
            yield body.start() + member.start(), f"{member[1]}: is it a secret? then it is an XdSecret (SEC-6)"


def check_authorities(file):
    """libcurl looks into the folder that it was built with besides the file, unless it is told not to."""
    for match in re.finditer(r"CURLOPT_CAINFO\b", file.bare):
        before, after = file.bare[:match.start()].rpartition("\n}")[2], file.bare[match.end():].partition("\n}")[0]
        if not re.search(r"CURLOPT_CAPATH\s*,\s*NULL\b", before + after):
            yield match.start(), "authorities beside those of the system, not in place of them (SEC-11)"


def check_settings(file, used):
    """@used: what there is in the plugin of names of settings."""
    for group in re.finditer(r'<schema id="[\w.]*\.(\w+)".*?</schema>', file.text, re.DOTALL):
        for key in re.finditer(r'<key name="([\w-]+)"', group[0]):
            if f"XD_CONFIG_{group[1]}_{key[1]}".replace("-", "_").upper() not in used:
                yield group.start() + key.start(), f"nothing reads {group[1]}.{key[1]}"


SAID_OF_SLOTS = ("Result:", "Errors:", "Since:")
WITHOUT_RESULT = ("describe_config", "describe_error", "open", "close")


def lacks_words(name, comment):
    """What a slot's documentation leaves out."""
    if not comment or not re.match(rf"\s*(?:\* )?{name}\b", comment[1]):
        return SAID_OF_SLOTS
    return [word for word in SAID_OF_SLOTS
            if word not in comment[1] and (word == "Since:" or name not in WITHOUT_RESULT)]


def check_slots(file):
    table = re.search(r"typedef struct \{\s*guint32 major;.*?\} HvdDriver;", file.text, re.DOTALL)
    for slot in re.finditer(r"\b(\w+?)(?:_async)?(?:\)\s*\(|;)", table[0]) if table else ():
        before = table[0][:slot.start()]
        declared = re.search(r"(?:\(\*|Async )$", before)
        comment = re.search(r"/\*\*((?:(?!\*/).)*)\*/[^;/]*$", before, re.DOTALL)
        if not declared or slot[1].endswith("_finish"):
            continue
        lacking = lacks_words(slot[1], comment)
        if lacking:
            words = ", ".join(f"\"{word}\"" for word in lacking)
            yield table.start() + slot.start(), f"the slot {slot[1]} has no documentation with {words}"


def check_text(file):
    for match in re.finditer(r"[ \t]+$", file.text, re.MULTILINE):
        yield match.start(), "blanks at the end of the line"
    if file.text and not file.text.endswith("\n"):
        yield len(file.text) - 1, "the last line has no end"
    if file.is_c and "\t" in file.text:
        yield file.text.index("\t"), "a tabulator"
    if file.name.endswith(CODE) and file.text.count("\n") > MAX_LINES:
        yield len(file.text) - 1, f"more than {MAX_LINES} lines: which two files is it?"
    if file.fits(r"plugin/include/.*\.h") and not file.text.startswith("/* SPDX-License-Identifier: "):
        yield 0, "an installed header begins with its licence"


def check_readmes(top, files):
    """(file, what is wrong)"""
    folders = {str(pathlib.PurePath(file.name).parent) for file in files if file.name.endswith(CODE)}
    for folder in sorted(folders - {"plugin/include", "schemas/generator"}):
        readme = top / folder / "README.md"
        if not readme.is_file():
            yield folder, "has no README.md"
            continue
        for name in re.findall(r"`([\w./-]+\.(?:c|h|py|json|md))`", readme.read_text()):
            if not (top / folder / name).exists() and not any(file.name.endswith("/" + name) for file in files):
                yield f"{folder}/README.md", f"names {name}, which is not there"


CHECKS = [
    ("static", PRODUCT, check_statics), ("step", PLUGIN, check_steps),
    ("authorities", r"plugin/http/trust\.c|host-shim/fetch-trust\.c", check_authorities),
    ("secret-member", PLUGIN, check_secret_members), ("slot", r"plugin/include/hvd-driver\.h", check_slots),
    ("text", ".*", check_text),
]


def read_files(top):
    paths = [path for root in ROOTS for path in sorted((top / root).rglob("*")) if path.is_file()]
    paths += [path for path in sorted(top.glob("*")) if path.is_file()]
    return [File(top, path) for path in paths if "__pycache__" not in path.parts and path.suffix != ".po"
            and not str(path.relative_to(top)).startswith(DATA)]


def formats_of(files):
    """Functions that take a format, and where: those of GLib, and ours that say so."""
    ours = [found for file in files
            for found in re.findall(r"\b(\w+)\([^;{}]*?\)\s*G_GNUC_PRINTF\((\d+)", file.code)]
    return {**FORMATS, **LITERAL_TEXTS, **{name: int(place) - 1 for name, place in ours}}


def settings_read(files):
    return {name for file in files if file.fits(PLUGIN) for name in re.findall(r"\bXD_CONFIG_\w+", file.bare)}


def is_excepted(rule, name, text):
    return any(key[:2] == (rule, name) and key[2] in text for key in EXCEPTIONS)


def check(top):
    top = pathlib.Path(top)
    files = read_files(top)
    formats, used = formats_of(files), settings_read(files)
    checks = [*CHECKS, ("format", PRODUCT, lambda file: check_formats(file, formats)),
              ("setting", r"schemas/.*\.gschema\.xml", lambda file: check_settings(file, used))]
    for file in files:
        found = [(rule, match.start(), f"{match[0].rstrip('( ')}: {why}") for rule, where, pattern, why in PATTERNS
                 if file.fits(where) for match in re.finditer(pattern, file.bare)]
        found += [(rule, *offence) for rule, where, function in checks if file.fits(where) for offence in function(file)]
        for rule, offset, what in found:
            line = file.text.count("\n", 0, offset) + 1
            if not is_excepted(rule, file.name, file.text.split("\n")[line - 1]):
                yield f"{file.name}:{line}: [{rule}] {what}"
    for name, what in check_readmes(top, files):
        if not is_excepted("readme", name, what):
            yield f"{name}: [readme] {what}"


if __name__ == "__main__":
    offences = list(check(sys.argv[1]))
    print("\n".join(offences))
    sys.exit(1 if offences else 0)
