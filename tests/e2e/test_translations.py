"""po/: every text for operators can be translated, and what is translated can be used."""

import os
import pathlib
import re
import subprocess

from catalog import PO, TOP, english, extract, install, run, words
from shim import directory, equal, main, write
from tree import BUILD, installed, option

def test_files():
    """POTFILES names those that have marked texts, and no others."""
    marked = set()
    for folder in ("plugin", "host-shim"):
        for path in (TOP / folder).rglob("*.[ch]"):
            text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
            if re.search(r'(?<!\w)(?:_|N_|C_|NC_|ngettext|g_dngettext)\(\s*"', text):
                marked.add(str(path.relative_to(TOP)))
    listed = words("POTFILES")
    marked |= {str(path.relative_to(TOP)) for path in TOP.glob("schemas/*.gschema.xml")}
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
        template = extract(place)
        text = pathlib.Path(template).read_text(encoding="utf-8")
        for wanted in ("no instances", "makes an instance and starts it", "%s  %s (%s) is gone",
                       "the pool does not answer", "cancelling: what was done"):
            assert wanted in text, wanted
        assert text.count("\nmsgid ") > 300, text.count("\nmsgid ")
        same = english(place)
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
        template = extract(place)
        for language in languages:
            file = PO / f"{language}.po"
            run("msgfmt", "--check", "-o", place + "/x.mo", file)
            run("msgcmp", "--use-untranslated", file, template)


def test_is_used():
    """A language that lies in the installed tree is the one that hvd speaks."""
    with directory() as place, installed() as tree:
        text = english(place)
        text = text.replace('msgstr "Usage: hvd [OPTION...] COMMAND',
                            'msgstr "Uzado: hvd [OPTION...] COMMAND')
        install(tree.prefix / option("localedir"), "eo", place, text)
        for language, word in (("eo", "Uzado: hvd "), ("tlh", "Usage: hvd "), (None, "Usage: hvd ")):
            env = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": language or ""}
            said = run(tree.program, "help", env=env)
            assert said.startswith(word), (language, said[:40])


if __name__ == "__main__":
    main("/e2e/translations")
