"""The texts that can be translated, as xgettext finds them; and a language that nobody speaks, made of them."""

import os
import pathlib
import re
import subprocess

from shim import write

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
PO = TOP / "po"


def words(name):
    """Those of a list beside the translations."""
    lines = (PO / name).read_text(encoding="utf-8").splitlines()
    return [word for line in lines if not line.startswith("#") for word in line.split()]


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=True, **options).stdout


def extract(place, *options):
    """The template, made as meson's preset for GLib makes it with our options; without a complaint."""
    template = os.path.join(place, "hvd.pot")
    ours = re.findall(r"'(--[^']+)'", (PO / "meson.build").read_text())
    said = run("xgettext", "--from-code=UTF-8", "--add-comments", "--keyword=_", "--keyword=N_",
               "--keyword=C_:1c,2", "--keyword=NC_:1c,2", "--keyword=g_dngettext:2,3",
               "--flag=N_:1:pass-c-format", "--flag=C_:2:pass-c-format", "--flag=NC_:2:pass-c-format",
               "--flag=g_dngettext:2:pass-c-format", "--flag=g_strdup_printf:1:c-format",
               "--flag=g_string_printf:2:c-format", "--flag=g_string_append_printf:2:c-format",
               "--flag=g_error_new:3:c-format", "--flag=g_set_error:4:c-format",
               *[option for option in ours if option.startswith("--flag=")], *options,
               "--output=" + template, *words("POTFILES"), cwd=TOP)
    assert said == "" and len(ours) > 6, (said, ours)
    return template


def english(place):
    """Every text as its own translation."""
    text = run("msgen", extract(place)).replace("charset=CHARSET", "charset=UTF-8")
    return text.replace("nplurals=INTEGER; plural=EXPRESSION;", "nplurals=2; plural=n != 1;")


def strange(letter):
    """U+1D670 and so on: as wide as the letter itself, and no letter that anything but a translation has."""
    return chr((0x1D670 if letter.isupper() else 0x1D68A) + ord(letter) - ord("A" if letter.isupper() else "a"))


def disguise(text):
    """Formats and escapes stay."""
    def replace(match):
        return strange(match[0]) if len(match[0]) == 1 else match[0]
    return re.sub(r"%[-+ 0#]*[0-9.*]*[a-z%]|\\.|[A-Za-z]", replace, text)


def pseudo(place, left_out=()):
    """A translation of all texts, but for some, to letters that stand nowhere else."""
    entries = english(place).split("\n\n")
    done = []
    for entry in entries[1:]:
        ids, _, text = entry.partition("\nmsgstr")
        name = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', ids.partition("msgid ")[2].partition("msgid_plural")[0]))
        if name in left_out:
            continue
        done.append(ids + "\nmsgstr" + re.sub(r'(?<!\\)"((?:\\.|[^"\\])*)"',
                                              lambda match: '"' + disguise(match[1]) + '"', text))
    return "\n\n".join([entries[0], *done]) + "\n"


def install(tree_folder, language, place, text):
    """Puts a translation where the programs of a tree look for it."""
    folder = tree_folder / language / "LC_MESSAGES"
    folder.mkdir(parents=True, exist_ok=True)
    run("msgfmt", "--check-format", "-o", folder / "hvd.mo", write(place, f"{language}.po", text))
