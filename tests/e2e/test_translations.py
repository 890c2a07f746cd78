"""po/: every text for operators can be translated, and what is translated can be used."""

import os
import pathlib
import re
import subprocess

import shim
from catalog import PO, TOP, english, extract, install, run, words
from shim import MIB, Pool, Terminal, content, directory, equal, hvd, main, write
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
    # what the sequencer itself puts between undos
    runner = (TOP / "plugin" / "base" / "sequencer-run.c").read_text(encoding="utf-8")
    names |= set(re.findall(r'\bUndo \w+ = \{"([a-z-]+)",', runner))
    wanted = {"see-pool", "create-disk", "tell-instance", "settle", "catch-up"}
    assert len(names) > 100 and wanted <= names, names
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
    """Every translation that is there is listed, whole, and right; an update of it changes nothing."""
    languages = words("LINGUAS")
    equal(sorted(path.stem for path in PO.glob("*.po")), sorted(languages))
    assert {"de", "fr"} <= set(languages), languages
    with directory() as place:
        n = len(messages(english(place)))
        template = extract(place, "--no-location", "--omit-header")
        for language in languages:
            file = PO / f"{language}.po"
            equal(run("msgfmt", "--check", "--check-accelerators", "-v", "-o", place + "/x.mo", file,
                      env={**os.environ, "LC_ALL": "C", "LANGUAGE": ""}), f"{n} translated messages.\n")
            run("msgcmp", "--use-untranslated", file, template)
            for kind in ("--only-fuzzy", "--only-obsolete"):
                equal(run("msgattrib", kind, file), "")
            run("msgmerge", "-q", "-o", place + "/new.po", file, template)
            # how long lines are is each gettext's own taste
            equal(run("msgcat", place + "/new.po") == run("msgcat", file), True)


def messages(text):
    """(what is translated, all that it is translated to) of a .po file; without its header."""
    def texts(entry, name):
        found = re.findall(rf'^{name}(?:\[\d\])? ((?:"(?:\\.|[^"\\])*"\n?)+)', entry, re.MULTILINE)
        return ["".join(re.findall(r'"((?:\\.|[^"\\])*)"', one)) for one in found]

    entries = [entry for entry in text.split("\n\n") if "\nmsgstr" in entry]
    pairs = [(texts(entry, "msgid(?:_plural)?"), texts(entry, "msgstr")) for entry in entries]
    return [(ids, done) for ids, done in pairs if ids != [""]]


# Options, commands, keys, paths, codes, variables: typed as they stand in any language.
TYPED = re.compile(r"(?<![\w-])--?[a-z][\w-]*|\bHVD_\w+|\b[A-Z]+_[A-Z]+\b|(?<![\w./])/[a-z][\w./-]*|\$\{\w+\}|\bxe [\w-]+"
                   r"|\b(?:pool|tls|http|reconcile|storage|power)\.[a-z-]+\w|\bhvd (?:list|nodes|help|config|reconcile)\b"
                   r"|\b[\w-]+\.(?:json|conf|raw|log|pem)\b|sha256//|https?://|\b(?!key=)[a-z][a-z.-]*=(?=[a-z0-9])")


def test_what_is_typed():
    """Whatever an operator types stands in every translation as often as in the text."""
    planted = TYPED.findall('hvd nodes --storage, file tls.ca-file, /etc/hvd/xenapi.conf HVD_CREDENTIAL xe pbd-plug')
    equal(len(planted), 6)
    for language in words("LINGUAS"):
        for ids, texts in messages((PO / f"{language}.po").read_text(encoding="utf-8")):
            for text in texts:
                equal((text, sorted(TYPED.findall(text))), (text, sorted(TYPED.findall(ids[-1]))))


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


SPOKEN = {
    "de": ("keine Instanzen", "läuft", "[j/N]", "ja", "es gibt keine Instanz „x“", "1 Instanz, 1 laufend"),
    "fr": ("aucune instance", "en marche", "[o/N]", "oui", "il n'y a pas d'instance «\u00a0x\u00a0»",
           "1 instance, 1 en marche"),
}


def speak(pool, language, said):
    """What it says of no instance, and of one; what it asks, and takes for a yes."""
    nothing, running, question, yes, missing, count = said
    env = {"LANGUAGE": language}
    equal(pool.hvd("list", env=env).expect(0).out, nothing + "\n")
    pool.hvd("info", "x", env=env).expect(4, "hvd: NOT_FOUND: " + missing)
    equal(pool.hvd("--json", "list", env=env).json(), [])
    instance = pool.spawn(write(pool.state, "x.img", content(MIB)), "--name", "web-1", env=env)
    equal(instance["state"], "running")
    lines = pool.hvd("list", env=env).expect(0).out.splitlines()
    equal(len(lines), 2)
    titles = lines[0].split()
    equal([lines[0].index(titles[1]), lines[0].index(titles[2])],  # whatever letters stand before them
          [lines[1].index(running), lines[1].index("xapisim")])
    terminal = pool.terminal("watch", env=env)
    terminal.read_until(count)
    terminal.type("q")
    equal(terminal.end(), 0)
    words_of_pool, secret = pool.address()
    terminal = Terminal(*words_of_pool, "destroy", "web-1", env={**secret, **env})
    terminal.read_until(question + " ")
    terminal.type(yes + "\n")
    equal(terminal.end(), 0)


def test_spoken():
    """The installed hvd speaks each language: lists, questions, errors, and help of no line too long."""
    equal(set(SPOKEN), set(words("LINGUAS")))
    with installed() as tree, directory() as state, Pool(state) as pool:
        before, shim.PROGRAM = shim.PROGRAM, str(tree.program)
        try:
            names = [command["name"] for command in hvd("--json", "help").json()["commands"]]
            english_help = hvd("help").out
            for language, said in SPOKEN.items():
                speak(pool, language, said)
                for help_of in ([], *(name.split() for name in names), ["environment"]):
                    text = hvd("help", *help_of, env={"LANGUAGE": language}).expect(0).out
                    equal([line for line in text.splitlines() if len(line) > 80], [])
                assert hvd("help", env={"LANGUAGE": language}).out != english_help
                equal(hvd("help", env={"LANGUAGE": language, "LC_ALL": "C"}).out, english_help)
        finally:
            shim.PROGRAM = before


if __name__ == "__main__":
    main("/e2e/translations")
