"""man(7), as little of it as the pages need. What is given is plain text; what is made is whole lines."""

import textwrap

WIDTH = 78


def escape(text):
    """A hyphen of a name stays one that can be copied: only - in options and code is made a minus."""
    text = text.replace("\\", "\\e")
    return "".join(letter if ord(letter) < 128 else f"\\[u{ord(letter):04X}]" for letter in text)


def literal(text):
    """As it is typed."""
    return escape(text).replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha").replace("~", "\\(ti")


def guard(line):
    return "\\&" + line if line[:1] in (".", "'") else line


def wrap(marked):
    """Lines of text that is roff already."""
    lines = textwrap.wrap(marked, WIDTH, break_long_words=False, break_on_hyphens=False)
    return "".join(guard(line) + "\n" for line in lines)


def text(plain):
    """A paragraph's lines."""
    return wrap(escape(" ".join(plain.split())))


def code(plain):
    lines = [guard(literal(line)) for line in plain.strip("\n").split("\n")]
    return ".EX\n" + "\n".join(lines) + "\n.EE\n"


def bold(word):
    return f"\\fB{literal(word)}\\fR"


def italic(word):
    return f"\\fI{literal(word)}\\fR"


def tagged(tag, body):
    """@tag is roff already, @body whole lines."""
    return f".TP\n{guard(tag)}\n{body}"


def quoted(title):
    return '"' + title.replace('"', '\\(dq') + '"'


def section(title):
    return f".SH {quoted(escape(title))}\n"


def subsection(title):
    return f".SS {quoted(literal(title))}\n"
