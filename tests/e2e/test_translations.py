"""po/: every text for operators can be translated, and what is translated can be used."""

import os
import pathlib
import re
import subprocess

from shim import directory, equal, main, write
from tree import BUILD, installed, option

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PO = TOP / "po"


def words(name):
    lines = (PO / name).read_text(encoding="utf-8").splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=True, **options).stdout


def extract(place, *files):
    """The template, made as meson's preset for GLib makes it."""
    template = os.path.join(place, "hvd.pot")
    run("xgettext", "--from-code=UTF-8", "--add-comments", "--keyword=_", "--keyword=N_",
        "--keyword=C_:1c,2", "--keyword=NC_:1c,2", "--keyword=g_dngettext:2,3",
        "--flag=N_:1:pass-c-format", "--flag=C_:2:pass-c-format", "--flag=NC_:2:pass-c-format",
        "--flag=g_dngettext:2:pass-c-format", "--flag=g_strdup_printf:1:c-format",
        "--flag=g_string_printf:2:c-format", "--flag=g_string_append_printf:2:c-format",
        "--flag=g_error_new:3:c-format", "--flag=g_set_error:4:c-format",
        "--flag=output_line:2:c-format", "--flag=output_note:2:c-format",
        "--flag=output_tell:2:c-format",
        "--flag=failure_set:4:c-format", "--flag=failure_new:3:c-format",
        "--output=" + template, *files, cwd=TOP)
    return template


def test_files():
    """POTFILES names those that have marked texts, and no others."""
    marked = set()
    for folder in ("plugin", "host-shim"):
        for path in (TOP / folder).rglob("*.[ch]"):
            text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
            if re.search(r'(?<!\w)(?:_|N_|C_|NC_)\(\s*"', text):
                marked.add(str(path.relative_to(TOP)))
    listed = words("POTFILES")
    equal(set(listed) ^ marked, set())
    equal(listed, sorted(listed))


def test_target():
    """meson's own target, in a copy of the tree's texts: it writes beside its sources."""
    targets = run("ninja", "-C", BUILD, "-t", "targets", "all")
    for name in ("hvd-pot", "hvd-update-po"):
        assert re.search(rf"^(?:meson-internal__)?{name}: ", targets, re.MULTILINE), name


def test_steps():
    """Every step that the driver's tables have is told in words."""
    source = (TOP / "host-shim" / "steps.c").read_text(encoding="utf-8")
    told = re.findall(r'^    \{"([a-z-]+)",\s+N_\(', source, re.MULTILINE)
    equal(told, sorted(told))  # it is searched by halves
    names = set()
    for path in (TOP / "plugin" / "ops").glob("*.[ch]"):
        text = path.read_text(encoding="utf-8")
        names |= set(re.findall(r'"([a-z][a-z-]*)",\s*[a-z]\w*,\s*(?:NULL|[a-z]\w*),\s*\d+,', text))
        names |= set(re.findall(r'XD_DEFINE_MIGRATION\(\s*\w+,\s*"([a-z-]+)"', text))
    assert len(names) > 100 and {"see-pool", "create-disk", "tell-instance"} <= names, names
    equal(names - set(told), set())


def test_template():
    """All texts are in it; a translation that keeps to the formats passes, one that does not fails."""
    with directory() as place:
        template = extract(place, *words("POTFILES"))
        text = pathlib.Path(template).read_text(encoding="utf-8")
        for wanted in ("no instances", "makes an instance and starts it", "%s  %s (%s) is gone",
                       "the pool does not answer", "cancelling: what was done"):
            assert wanted in text, wanted
        assert text.count("\nmsgid ") > 300, text.count("\nmsgid ")
        same = run("msgen", template)
        run("msgfmt", "--check", "-o", place + "/hvd.mo", write(place, "en.po", same))
        broken = same.replace('msgstr "%s  %s (%s) is gone"', 'msgstr "%s  %d (%s) is gone"')
        assert broken != same
        done = subprocess.run(["msgfmt", "--check", "-o", place + "/x.mo",
                               write(place, "x.po", broken)], stderr=subprocess.PIPE, text=True)
        equal(done.returncode, 1)
        assert "format" in done.stderr, done.stderr


def test_languages():
    """Every translation that is there is listed, whole, and right."""
    languages = words("LINGUAS")
    equal(sorted(path.stem for path in PO.glob("*.po")), sorted(languages))
    with directory() as place:
        template = extract(place, *words("POTFILES"))
        for language in languages:
            file = PO / f"{language}.po"
            run("msgfmt", "--check", "-o", place + "/x.mo", file)
            run("msgcmp", "--use-untranslated", file, template)


def test_is_used():
    """A language that lies in the installed tree is the one that hvd speaks."""
    with directory() as place, installed() as tree:
        text = run("msgen", extract(place, *words("POTFILES"))).replace("charset=CHARSET",
                                                                       "charset=UTF-8")
        text = text.replace('msgstr "Usage: hvd [OPTION...] COMMAND',
                            'msgstr "Aufruf: hvd [OPTION...] COMMAND')
        folder = tree.prefix / option("localedir") / "de" / "LC_MESSAGES"
        folder.mkdir(parents=True, exist_ok=True)
        run("msgfmt", "-o", folder / "hvd.mo", write(place, "de.po", text))
        for language, word in (("de", "Aufruf: hvd "), ("fr", "Usage: hvd "), (None, "Usage: hvd ")):
            env = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": language or ""}
            said = run(tree.program, "help", env=env)
            assert said.startswith(word), (language, said[:40])


if __name__ == "__main__":
    main("/e2e/translations")
