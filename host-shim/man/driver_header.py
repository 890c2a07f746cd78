"""The border, of its header: every comment, and the declaration that it belongs to."""

import re

import roff

TABLE = re.compile(r"/\*\*\s*\n \* HvdDriver:.*?\} HvdDriver;\n", re.DOTALL)
COMMENT = re.compile(r"/\*\*?(.*?)\*/", re.DOTALL)


def read(path):
    header = path.read_text(encoding="utf-8")
    table = TABLE.search(header)
    first = COMMENT.search(header, header.index("*/") + 2)
    before, after = header[first.end():table.start()], header[table.end():]
    families = read_families(table[0])
    missing = set(re.findall(r"\b(\w+)_async\b[;)]", table[0])) - {
        slot["name"] for _, slots in families for slot in slots}
    if missing:
        raise ValueError(f"slots without a comment: {sorted(missing)}")
    return {
        "RULES": describe_rules(plain(first[1])),
        "SLOTS": "".join(describe_family(title, slots) for title, slots in families),
        "TYPES": "".join(map(describe_item, read_items(before + after))),
    }


def plain(comment):
    """Without the stars."""
    return "\n".join(re.sub(r"^ *\* ?", "", line) for line in comment.strip().split("\n"))


# ---- text of comments ----

def mark(text):
    """Code, parameters, types and constants as gtk-doc marks them."""
    text = roff.escape(" ".join(text.split()))
    text = re.sub(r"`([^`]+)`", lambda match: f"\\fB{match[1]}\\fR", text)
    return re.sub(r"[@%#]([A-Za-z]\w+)", lambda match: f"\\fI{match[1]}\\fR", text)


def describe_rules(text):
    """Paragraphs, and a list of what begins with a dash."""
    made = ""
    for paragraph in re.split(r"\n\s*\n", text.partition("\n\n")[2]):
        points = re.split(r"^- ", paragraph, flags=re.MULTILINE)
        if points[0].strip():
            made += (".PP\n" if made else "") + roff.wrap(mark(points[0]))
        made += "".join(".IP \\(bu 2\n" + roff.wrap(mark(point)) for point in points[1:])
    return made


def describe_text(text):
    """What is said of the whole, of @parameters, and again of the whole."""
    made = ""
    for paragraph in re.split(r"\n\s*\n", text):
        parts = re.split(r"^ *@(\w+): ", paragraph, flags=re.MULTILINE)
        if parts[0].strip():
            made += ".PP\n" + roff.wrap(mark(parts[0]))
        for name, said in zip(parts[1::2], parts[2::2]):
            made += roff.tagged(roff.italic(name), roff.wrap(mark(said)))
    return made


# ---- slots ----

def read_families(table):
    families = []
    for match in re.finditer(r"/\* ---- (.*?) ---- \*/|/\*\*(.*?)\*/(.*?)(?=/\*\*|/\* ----|\} HvdDriver)",
                             table[table.index("typedef"):], re.DOTALL):
        if match[1]:
            families.append((match[1], []))
            continue
        name, said = re.match(r"(\w+): *(.*)", plain(match[2]), re.DOTALL).groups()
        families[-1][1].append({"name": name, "said": said, "code": match[3]})
    return [family for family in families if family[1]]


def describe_family(title, slots):
    return roff.section(title.partition(":")[0].upper()) + family_note(title) + "".join(
        roff.subsection(slot["name"]) + describe_slot(slot) for slot in slots)


def family_note(title):
    note = title.partition(":")[2].strip()
    return roff.text(note[:1].upper() + note[1:] + ".") if note else ""


def describe_slot(slot):
    said = slot["said"][:1].upper() + slot["said"][1:]
    lines = [line[4:] if line.startswith("    ") else line for line in slot["code"].strip("\n").split("\n")]
    return roff.code("\n".join(line for line in lines if line.strip())) + describe_text(said)


# ---- everything else ----

def read_items(text):
    """(comment, declaration), in order; what has no comment belongs to what stands above it."""
    text = re.sub(r"^(?:G_BEGIN_DECLS|G_END_DECLS|#pragma.*|#include.*)\n", "", text, flags=re.MULTILINE)
    items = []
    for match in re.finditer(r"^/\*\*?(.*?)\*/\n(.*?)(?=^/\*|\Z)", text, re.DOTALL | re.MULTILINE):
        items.append((plain(match[1]), match[2].rstrip("\n ").lstrip("\n")))
    return items


def title_of(comment, declaration):
    named = re.match(r"(\w+):", comment)
    if named:
        return named[1], comment[named.end():].strip()
    names = re.findall(r"#define (\w+)|\} (\w+);|\(\*(\w+)\)\(|struct \w+ (\w+);", declaration)
    return ", ".join(next(filter(None, found)) for found in names), comment


def describe_item(item):
    title, said = title_of(*item)
    text = roff.subsection(title) + roff.code(item[1])
    said = said[:1].upper() + said[1:] if not said.startswith("@") else said
    return text + describe_text(said)
