"""Reads schema files into shapes: one for each kind of value, checked against the closed list."""

import dataclasses
import re

from .common import check_member, read_json, refuse

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_PROPERTIES = 64  # bits of the decoder's "seen"

# format -> what the reader is told that was expected
FORMATS = {
    "uuid": "a UUID in lower case",
    "mac": "a MAC address",
    "device-name": "a device name or number",
    "iqn": "an iSCSI name",
    "portal": "an address with an optional port",
    "ip": "an IP address",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
    "sha256": "64 hexadecimal digits",
    "identifier": "1 to 64 of A-Z a-z 0-9 . _ : -",
    "path": "an absolute path",
}

# kind -> the keywords that it may have, beside those of any schema
KEYWORDS = {
    "REFERENCE": {"$ref", "default"},
    "STRING": {"type", "minLength", "maxLength", "format", "default"},
    "SECRET": {"type", "minLength", "maxLength", "writeOnly"},
    "ENUM": {"type", "enum", "default"},
    "CONST": {"const"},
    "INTEGER": {"type", "minimum", "maximum", "default"},
    "BOOLEAN": {"type", "default"},
    "OBJECT": {"type", "properties", "required", "additionalProperties", "default"},
    "MAP": {"type", "additionalProperties", "propertyNames", "default"},
    "ARRAY": {"type", "items", "minItems", "maxItems", "default"},
    "UNION": {"oneOf"},
    "ANY": set(),
}
ANYWHERE = {"title", "description"}
AT_ROOT = {"$schema", "$id", "$defs"}


@dataclasses.dataclass
class Shape:
    kind: str
    where: str
    schema: dict
    title: str = None
    properties: list = dataclasses.field(default_factory=list)
    is_open: bool = False
    items: "Shape" = None
    tag: str = None
    branches: list = dataclasses.field(default_factory=list)  # of (word, Shape)
    root: str = None  # the file's name, where this is the whole of it
    nullable: bool = False

    @property
    def words(self):
        return [word for word in self.schema.get("enum", ()) if word is not None]


@dataclasses.dataclass
class Property:
    name: str
    shape: Shape
    required: bool
    nullable: bool
    description: str
    default: object = None
    has_default: bool = False


class Reader:
    def __init__(self, paths):
        self.files = {path.name: read_json(path) for path in paths}
        self.shapes = {}  # (file, name in $defs or "") -> Shape
        self.open = []  # what is being read: a circle comes back to it
        self.titles = {}

    def read(self):
        return [self.resolve(name, "") for name in self.files]

    # ---- places ----

    def resolve(self, file, definition):
        place = (file, definition)
        where = f"{file}#/$defs/{definition}" if definition else file
        if place in self.open:
            refuse(where, "a reference leads back to where it comes from")
        if place not in self.shapes:
            self.open.append(place)
            self.shapes[place] = self.read_place(file, definition, where)
            self.open.pop()
        return self.shapes[place]

    def read_place(self, file, definition, where):
        if file not in self.files:
            refuse(where, "no such file among those given")
        root = self.files[file]
        if not isinstance(root, dict):
            refuse(where, "a schema is an object")
        if not definition:
            self.check_root(file, root)
            schema = {key: value for key, value in root.items() if key not in AT_ROOT}
            shape = self.shape(file, where, schema)
            if shape.kind not in ("OBJECT", "UNION", "ARRAY") or not shape.title:
                refuse(where, "a document is an object, a union or an array, and has a title")
            shape.root = file
            return shape
        if definition not in root.get("$defs", {}):
            refuse(where, "there is no such definition")
        return self.shape(file, where, root["$defs"][definition])

    def check_root(self, file, root):
        if root.get("$schema") != DIALECT:
            refuse(file, f'"$schema" has to be "{DIALECT}"')
        if root.get("$id") != file:
            refuse(file, '"$id" has to be the name of the file')
        for name in root.get("$defs", {}):
            self.resolve(file, name)

    # ---- shapes ----

    def shape(self, file, where, schema):
        if not isinstance(schema, dict):
            refuse(where, "a schema is an object")
        if "$ref" in schema:
            self.check_keywords(where, schema, "REFERENCE")
            return self.follow(file, where, schema["$ref"])
        kind, nullable = self.kind(where, schema)
        self.check_keywords(where, schema, kind)
        shape = Shape(kind, where, schema, schema.get("title"), nullable=nullable)
        getattr(self, "read_" + kind.lower(), lambda *_: None)(file, shape)
        if kind in ("OBJECT", "UNION"):
            self.check_title(shape)
        return shape

    def follow(self, file, where, target):
        match = re.fullmatch(r"#/\$defs/([a-z][a-z0-9_]*)|([a-z][a-z0-9-]*\.schema\.json)", target)
        if match is None:
            refuse(where, f'"{target}" is neither "#/$defs/NAME" nor "OTHER.schema.json"')
        return self.resolve(match[2] or file, match[1] or "")

    def kind(self, where, schema):
        if "oneOf" in schema:
            return "UNION", False
        if "const" in schema:
            return "CONST", False
        kind = schema.get("type")
        if kind is None:
            return "ANY", False
        nullable = isinstance(kind, list)
        if nullable:
            if len(kind) != 2 or kind[1] != "null":
                refuse(where, '"type" is one type, or [TYPE, "null"]')
            kind = kind[0]
        if kind == "string":
            if "enum" in schema:
                return "ENUM", nullable
            return ("SECRET" if schema.get("writeOnly") else "STRING"), nullable
        if kind == "object":
            is_map = isinstance(schema.get("additionalProperties"), dict)
            return ("MAP" if is_map else "OBJECT"), nullable
        if kind not in ("integer", "boolean", "array"):
            refuse(where, f'no type "{kind}" is known')
        return kind.upper(), nullable

    def check_keywords(self, where, schema, kind):
        for keyword in schema:
            if keyword not in KEYWORDS[kind] | ANYWHERE:
                refuse(where, f'the keyword "{keyword}" is not known for this kind of value ({kind})')

    def check_title(self, shape):
        title = shape.title
        if title is None or not re.fullmatch(r"[a-z]+( [a-z]+)*", title):
            refuse(shape.where, "an object or union has a title of small letters, its name in C")
        if self.titles.setdefault(title, shape.where) != shape.where:
            refuse(shape.where, f'the title "{title}" is taken by {self.titles[title]}')

    def check_range(self, shape, least, most, floor):
        for keyword in (least, most):
            value = shape.schema.get(keyword, floor or 0)
            if type(value) is not int or (floor is not None and value < floor):
                refuse(shape.where, f'"{keyword}" is no fit number')
        if least in shape.schema and most in shape.schema and shape.schema[least] > shape.schema[most]:
            refuse(shape.where, f'"{least}" is above "{most}"')

    def read_string(self, file, shape):
        self.check_range(shape, "minLength", "maxLength", 0)
        if shape.schema.get("format", "uuid") not in FORMATS:
            refuse(shape.where, f'no format "{shape.schema["format"]}" is known')

    def read_secret(self, file, shape):
        self.check_range(shape, "minLength", "maxLength", 0)

    def read_enum(self, file, shape):
        values = shape.schema["enum"]
        if shape.nullable != (None in values):
            refuse(shape.where, "null has to be in both type and enum, or in neither")
        for word in shape.words:
            if not isinstance(word, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", word):
                refuse(shape.where, f"{word!r} cannot be a word of an enum")
        if not shape.words or len(set(values)) != len(values):
            refuse(shape.where, "an enum is a list of different words")

    def read_const(self, file, shape):
        check_member(shape.where, str(shape.schema["const"]))  # as which it stands in a union

    def read_integer(self, file, shape):
        self.check_range(shape, "minimum", "maximum", None)

    def read_array(self, file, shape):
        self.check_range(shape, "minItems", "maxItems", 0)
        if "items" not in shape.schema:
            refuse(shape.where, '"items" is missing')
        shape.items = self.shape(file, shape.where + "/items", shape.schema["items"])
        if shape.items.kind not in ("STRING", "OBJECT", "UNION", "ANY") or shape.items.nullable:
            refuse(shape.where, f"there is no array of {shape.items.kind}")

    def read_map(self, file, shape):
        names = shape.schema.get("propertyNames", {})
        for keyword in names:
            if keyword not in ("minLength", "maxLength"):
                refuse(shape.where, f'the keyword "{keyword}" is not known for the names of a map')
        shape.items = self.shape(file, shape.where + "/*", shape.schema["additionalProperties"])
        if shape.items.kind != "STRING" or shape.items.nullable:
            refuse(shape.where, "the values of a map are strings")

    def read_object(self, file, shape):
        schema = shape.schema
        if type(schema.get("additionalProperties")) is not bool:
            refuse(shape.where, '"additionalProperties" has to say true or false')
        shape.is_open = schema["additionalProperties"]
        required = schema.get("required", [])
        for name in required:
            if name not in schema.get("properties", {}):
                refuse(shape.where, f'"{name}" is required, but there is no such property')
        for name, inner in schema.get("properties", {}).items():
            shape.properties.append(self.property(file, shape, name, inner, name in required))
        if not 0 < len(shape.properties) <= MAX_PROPERTIES:
            refuse(shape.where, f"an object has 1 to {MAX_PROPERTIES} properties")

    def property(self, file, owner, name, schema, required):
        where = f"{owner.where}/properties/{name}"
        check_member(where, name)
        shape = self.shape(file, where, schema)
        if not schema.get("description"):
            refuse(where, "a property has a description")
        if required and (shape.nullable or "default" in schema):
            refuse(where, "what is required can be neither null nor left to a default")
        entry = Property(name, shape, required, shape.nullable, schema["description"],
                         schema.get("default"), "default" in schema)
        if entry.has_default:
            self.check_default(where, entry)
        return entry

    def check_default(self, where, entry):
        shape, value = entry.shape, entry.default
        fits = {
            "STRING": isinstance(value, str),
            "ENUM": value in shape.words,
            "INTEGER": type(value) is int
            and shape.schema.get("minimum", value) <= value <= shape.schema.get("maximum", value),
            "BOOLEAN": type(value) is bool,
            "ARRAY": value == [] and shape.schema.get("minItems", 0) == 0,
            "MAP": value == {},
            "OBJECT": value == {} and not any(inner.required for inner in shape.properties),
        }
        if not fits.get(shape.kind, False):
            refuse(where, f"the default {value!r} does not fit")

    def read_union(self, file, shape):
        for number, inner in enumerate(shape.schema["oneOf"]):
            branch = self.shape(file, f"{shape.where}/oneOf/{number}", inner)
            if branch.kind != "OBJECT":
                refuse(shape.where, "the branches of a union are objects")
            tags = [entry for entry in branch.properties if entry.shape.kind == "CONST" and entry.required]
            if len(tags) != 1 or shape.tag not in (None, tags[0].name):
                refuse(branch.where, "a branch requires one property with a const, the same in all")
            shape.tag = tags[0].name
            word = tags[0].shape.schema["const"]
            if word in [other for other, _ in shape.branches]:
                refuse(branch.where, f'"{word}" is the tag of another branch')
            shape.branches.append((word, branch))
