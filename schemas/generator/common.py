"""What the makers share: refusing, reading JSON, names and text in C."""

import json
import re


class Refused(Exception):
    """The input is not of the form that is documented."""


def refuse(where, problem):
    raise Refused(f"{where}: {problem}")


def read_json(path):
    """JSON without the same key twice in an object."""

    def unique(pairs):
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                refuse(path.name, f'"{name}" stands there twice')
        return dict(pairs)

    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=unique)
    except ValueError as problem:
        refuse(path.name, problem)


def c_string(text):
    """A string literal; None is NULL."""
    if text is None:
        return "NULL"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    if not escaped.isascii():
        refuse(text, "only ASCII goes into the tables")
    return f'"{escaped}"'


def c_integer(value):
    """An integer constant of 64 bits."""
    if not -(2**63) <= value < 2**63:
        refuse(value, "does not fit into 64 bits")
    if value == -(2**63):
        return "G_MININT64"
    return f"G_GINT64_CONSTANT({value})" if abs(value) >= 2**31 else str(value)


def c_strings(texts):
    """The initializer of a NULL-terminated array of strings."""
    return "{" + "".join(c_string(text) + ", " for text in texts) + "NULL}"


def c_comment(text):
    return "/* " + " ".join(text.split()).replace("*/", "* /") + " */"


def words(text):
    return [word for word in re.split(r"[^A-Za-z0-9]+", text) if word]


def camel(text):
    """"data disk" as DataDisk."""
    return "".join(word[0].upper() + word[1:] for word in words(text))


def snake(text):
    """"data disk" as data_disk, and "userDevice" as user_device."""
    parts = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    return "_".join(words(parts)).lower()


C_WORDS = set(
    "auto break case char const continue default do double else enum extern float for goto if inline "
    "int long register restrict return short signed sizeof static struct switch typedef union "
    "unsigned void volatile while".split()
)


def check_member(where, name):
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in C_WORDS:
        refuse(where, f'"{name}" cannot be the name of a member in C')
