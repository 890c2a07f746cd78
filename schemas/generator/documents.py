"""Writes the structs and tables of documents; see ../generate.py for the grammar."""

from .common import c_comment, c_integer, c_string, c_strings, camel, snake
from .schema import FORMATS, Reader

HEAD = """#include "wire/shape.h"

G_BEGIN_DECLS
"""

FACE_OF_STRUCT = """extern const XdShape xd_shape_{name};

static inline void
xd_{name}_clear(Xd{type} *self)
{{
    xd_document_clear(&xd_shape_{name}, self);
}}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Xd{type}, xd_{name}_clear)

static inline gboolean
xd_{name}_parse(const char *text, gssize length, XdArena *arena, Xd{type} *self, GError **error)
{{
    return xd_document_parse(&xd_shape_{name}, text, length, arena, self, error);
}}

static inline char *
xd_{name}_print(const Xd{type} *self, XdPrintFlags flags)
{{
    return xd_document_print(&xd_shape_{name}, self, flags);
}}
"""

FACE_OF_ARRAY = """extern const XdShape xd_shape_{name};

/* @self: (element-type Xd{items}) */
static inline char *
xd_{name}_print(GPtrArray *self, XdPrintFlags flags)
{{
    return xd_document_print(&xd_shape_{name}, &self, flags);
}}
"""


def amount(least, most, one, many):
    """"1 to 255 characters", "at least 1 character"; None where there is no bound."""
    if least and most is not None:
        return f"{least} to {most} {many}" if least != most else f"{least} {one if least == 1 else many}"
    if most is not None:
        return f"at most {most} {one if most == 1 else many}"
    return f"at least {least} {one if least == 1 else many}" if least else None


def expected(shape):
    """What the reader is told that should have stood there."""
    schema = shape.schema
    if shape.kind in ("STRING", "SECRET"):
        lengths = amount(schema.get("minLength"), schema.get("maxLength"), "character", "characters")
        if FORMATS.get(schema.get("format")) is not None:
            return ", ".join(filter(None, [FORMATS[schema["format"]], lengths]))
        return f"text of {lengths}" if lengths else "text"
    if shape.kind == "INTEGER":
        least, most = schema.get("minimum"), schema.get("maximum")
        if least is not None and most is not None:
            return f"an integer from {least} to {most}"
        if least is not None:
            return f"an integer of at least {least}"
        return f"an integer of at most {most}" if most is not None else "an integer"
    if shape.kind in ("ENUM", "UNION"):
        words = [f'"{word}"' for word in shape.words or [word for word, _ in shape.branches]]
        return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
    if shape.kind == "CONST":
        return f'"{schema["const"]}"'
    if shape.kind == "ARRAY":
        bounds = amount(schema.get("minItems"), schema.get("maxItems"), "element", "elements")
        return f"an array of {bounds}" if bounds else "an array"
    return {"BOOLEAN": "true or false", "ANY": "a value"}.get(shape.kind, "an object")


class Writer:
    def __init__(self):
        self.types = []
        self.tables = []
        self.done = {}  # id of a shape, or text of a table -> its name in C

    # ---- types ----

    def enum_type(self, owner, entry):
        return f"Xd{camel(owner.title)}{camel(entry.name.replace('_', ' '))}"

    def member(self, owner, entry):
        kind, name = entry.shape.kind, entry.name
        has = [f"    gboolean has_{name};"] if self.has_presence(entry) else []
        if kind == "ARRAY":
            items = entry.shape.items
            element = "utf8" if items.kind in ("STRING", "ANY") else f"Xd{camel(items.title)}"
            return [f"    GPtrArray *{name}; /* (element-type {element}) */"]
        if kind in ("OBJECT", "UNION"):
            star = "*" if self.is_pointer(entry) else ""
            return [f"    Xd{camel(entry.shape.title)} {star}{name};"]
        types = {
            "STRING": "char *", "ANY": "char *", "SECRET": "XdSecret *", "INTEGER": "gint64 ",
            "BOOLEAN": "gboolean ", "MAP": "GHashTable *", "ENUM": self.enum_type(owner, entry) + " ",
        }
        return has + [f"    {types[kind]}{name};"] if kind != "CONST" else []

    def has_presence(self, entry):
        """Plain numbers cannot say that they were not given."""
        return entry.shape.kind in ("INTEGER", "BOOLEAN") and not entry.required and not entry.has_default

    def is_pointer(self, entry):
        return entry.shape.kind == "OBJECT" and not entry.required and not entry.has_default

    def write_enum(self, owner, entry):
        name = self.enum_type(owner, entry)
        prefix = f"XD_{snake(owner.title)}_{entry.name}".upper()
        values = [f"    {prefix}_{snake(word).upper()}," for word in entry.shape.words]
        values[0] = values[0].replace(",", " = 1,")
        self.types += [f"typedef enum {{", *values, f"}} {name};", ""]

    def write_struct(self, shape):
        for entry in shape.properties:
            if entry.shape.kind == "ENUM":
                self.write_enum(shape, entry)
        name = "Xd" + camel(shape.title)
        self.types += [c_comment(shape.schema["description"]), "typedef struct {"]
        for entry in shape.properties:
            lines = self.member(shape, entry)
            if lines:
                self.types += ["    " + c_comment(entry.description), *lines]
        self.types += [f"}} {name};", ""]

    def write_union(self, shape):
        name, prefix = camel(shape.title), snake(shape.title)
        values = [f"    XD_{prefix}_{word}".upper() + "," for word, _ in shape.branches]
        values[0] = values[0].replace(",", " = 1,")
        members = [f"        Xd{camel(branch.title)} *{word};" for word, branch in shape.branches]
        self.types += ["typedef enum {", *values, f"}} Xd{name}Kind;", ""]
        self.types += [c_comment(shape.schema["description"]), "typedef struct {", f"    Xd{name}Kind kind;"]
        self.types += ["    union {", "        gpointer branch;", *members, "    };", f"}} Xd{name};", ""]

    # ---- tables ----

    def table(self, kind, text, name=None):
        """A table of its own, or that of the same text; returns its name."""
        if name is None and text in self.done:
            return self.done[text]
        symbol = name or f"table_{len(self.tables)}"
        storage = "" if name else "static "
        self.tables.append(f"{storage}const {kind.format(symbol)} = {text};\n")
        if name is None:
            self.done[text] = symbol
        return symbol

    def property_text(self, owner, entry):
        shape, type_name = entry.shape, f"Xd{camel(owner.title)}"
        flags = [flag for flag, holds in [
            ("XD_PROPERTY_REQUIRED", entry.required), ("XD_PROPERTY_NULLABLE", entry.nullable),
            ("XD_PROPERTY_DEFAULT", entry.has_default), ("XD_PROPERTY_POINTER", self.is_pointer(entry)),
            ("XD_PROPERTY_PRESENCE", self.has_presence(entry)),
        ] if holds]
        fields = [f".name = {c_string(entry.name)}", f".shape = &{self.shape(shape)}",
                  f".flags = {' | '.join(flags) or '0'}"]
        if shape.kind != "CONST":
            fields.append(f".offset = G_STRUCT_OFFSET({type_name}, {entry.name})")
        if self.has_presence(entry):
            fields.append(f".presence = G_STRUCT_OFFSET({type_name}, has_{entry.name})")
        if entry.has_default:
            fields += self.default_fields(entry)
        return "    {" + ", ".join(fields) + "},\n"

    def default_fields(self, entry):
        kind, value = entry.shape.kind, entry.default
        if kind == "STRING":
            return [f".default_text = {c_string(value)}"]
        if kind == "ENUM":
            return [f".default_number = {entry.shape.words.index(value) + 1}"]
        return [f".default_number = {c_integer(int(value))}"] if kind in ("INTEGER", "BOOLEAN") else []

    def bounds(self, shape):
        """.least and .most of a number, a text's characters or an array's elements."""
        names = {"INTEGER": ("minimum", "maximum"), "ARRAY": ("minItems", "maxItems")}
        least, most = names.get(shape.kind, ("minLength", "maxLength"))
        limits = ("G_MININT64" if shape.kind == "INTEGER" else "0", "G_MAXINT64")
        low, high = (shape.schema.get(keyword) for keyword in (least, most))
        return [f".least = {limits[0] if low is None else c_integer(low)}",
                f".most = {limits[1] if high is None else c_integer(high)}"]

    def words_table(self, words):
        return self.table("char *const {}[]", c_strings(words))

    def shape_fields(self, shape):
        kind, schema = shape.kind, shape.schema
        fields = [f".kind = XD_SHAPE_{kind}", f".expected = {c_string(expected(shape))}"]
        if kind in ("STRING", "SECRET", "INTEGER", "ARRAY"):
            fields += self.bounds(shape)
        if "format" in schema:
            fields.append(f".format = XD_FORMAT_{snake(schema['format']).upper()}")
        if kind in ("ENUM", "CONST"):
            fields.append(f".words = {self.words_table(shape.words or [schema['const']])}")
        if kind in ("ARRAY", "MAP"):
            fields.append(f".items = &{self.shape(shape.items)}")
        if kind == "MAP":
            names = schema.get("propertyNames", {})
            text = amount(names.get("minLength"), names.get("maxLength"), "character", "characters")
            fields += [f".least = {names.get('minLength', 0)}",
                       f".most = {names.get('maxLength', 'G_MAXINT64')}",
                       f".expected_key = {c_string('a name of ' + (text or 'any length'))}"]
        if kind == "OBJECT":
            fields += self.object_fields(shape)
        if kind == "UNION":
            fields += self.union_fields(shape)
        return fields

    def object_fields(self, shape):
        rows = "".join(self.property_text(shape, entry) for entry in shape.properties)
        self.write_struct(shape)
        return [f".size = sizeof(Xd{camel(shape.title)})",
                f".properties = {self.table('XdProperty {}[]', '{' + chr(10) + rows + '}')}",
                f".n_properties = {len(shape.properties)}", f".is_open = {str(shape.is_open).upper()}"]

    def union_fields(self, shape):
        rows = "".join(f"    {{{c_string(word)}, &{self.shape(branch)}}},\n"
                       for word, branch in shape.branches)
        self.write_union(shape)
        return [f".size = sizeof(Xd{camel(shape.title)})", f".tag = {c_string(shape.tag)}",
                f".branches = {self.table('XdBranch {}[]', '{' + chr(10) + rows + '}')}",
                f".n_branches = {len(shape.branches)}"]

    def shape(self, shape):
        if id(shape) not in self.done:
            fields = "".join(f"    {field},\n" for field in self.shape_fields(shape))
            name = "xd_shape_" + snake(shape.title) if shape.root else None
            self.done[id(shape)] = self.table("XdShape {}", "{\n" + fields + "}", name)
            if shape.root:
                self.write_face(shape)
        return self.done[id(shape)]

    def write_face(self, shape):
        names = {"name": snake(shape.title), "type": camel(shape.title)}
        if shape.kind == "ARRAY":
            self.types.append(FACE_OF_ARRAY.format(items=camel(shape.items.title), **names))
        else:
            self.types.append(FACE_OF_STRUCT.format(**names))


def make(paths, header_name):
    roots = Reader(paths).read()
    writer = Writer()
    for shape in roots:
        writer.shape(shape)
    header = "/* Made by schemas/generate.py of the documents' schemas. */\n#pragma once\n\n" + HEAD + "\n"
    header += "\n".join(writer.types) + "\nG_END_DECLS\n"
    source = f'/* Made by schemas/generate.py of the documents\' schemas. */\n#include "{header_name}"\n\n'
    source += '#include "wire/shape-table.h"\n\n' + "\n".join(writer.tables)
    return header, source
