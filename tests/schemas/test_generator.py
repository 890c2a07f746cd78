"""The generator refuses what it does not understand, and says where."""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, sys.argv[1])  # schemas/
sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.dont_write_bytecode = True

import generate  # noqa: E402
import tap  # noqa: E402

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TEXT = {"description": "A text.", "type": "string"}


def document(properties=None, **more):
    """A schema that is right but for what the test puts in."""
    base = {
        "$schema": DIALECT, "$id": "a.schema.json", "title": "thing", "description": "A thing.",
        "type": "object", "properties": {"x": TEXT} if properties is None else properties,
        "additionalProperties": False,
    }
    return {key: value for key, value in {**base, **more}.items() if value is not None}


def inner(**more):
    return {"description": "An object.", "title": "inner", "type": "object",
            "properties": {"y": TEXT}, "additionalProperties": False, **more}


def run(kind, files):
    """Returns exit code, what it wrote and what it said."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, content in files.items():
            path = pathlib.Path(folder, name)
            path.write_text(content if isinstance(content, str) else json.dumps(content))
            paths.append(str(path))
        header, source = pathlib.Path(folder, "out.h"), pathlib.Path(folder, "out.c")
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            code = generate.main([kind, str(header), str(source), *paths])
        made = header.read_text() + source.read_text() if code == 0 else ""
        return code, made, said.getvalue()


class Documents(unittest.TestCase):
    def accept(self, schema, *expected, **others):
        code, made, said = run("documents", {"a.schema.json": schema, **others})
        self.assertEqual(code, 0, said)
        for text in expected:
            self.assertIn(text, made)

    def refuse(self, schema, problem):
        files = schema if isinstance(schema, dict) and "a.schema.json" in schema else {"a.schema.json": schema}
        code, _, said = run("documents", files)
        self.assertEqual(code, 1)
        self.assertIn(problem, said)

    def refuse_property(self, schema, problem, where="a.schema.json/properties/x"):
        self.refuse(document({"x": {"description": "It.", **schema}}), problem)
        self.refuse(document({"x": {"description": "It.", **schema}}), where)

    def test_least(self):
        self.accept(document(), "char *x;", "XdThing", "xd_shape_thing", "xd_thing_parse")

    def test_unknown_keywords(self):
        for keyword in ("pattern", "multipleOf", "exclusiveMinimum", "uniqueItems", "anyOf", "allOf", "not",
                        "if", "dependentRequired", "patternProperties", "contentEncoding", "examples",
                        "deprecated", "readOnly", "$anchor", "$dynamicRef", "prefixItems", "minProperties"):
            self.refuse(document(**{keyword: 1}), f'"{keyword}"')
            self.refuse_property({"type": "string", keyword: 1}, f'"{keyword}"')

    def test_keywords_of_other_kinds(self):
        for schema in ({"type": "integer", "minLength": 1}, {"type": "string", "minimum": 1},
                       {"type": "boolean", "enum": [True]}, {"type": "integer", "format": "ip"},
                       {"type": "integer", "writeOnly": True}, {"type": "string", "enum": ["a"], "maxLength": 3},
                       {"type": "string", "writeOnly": True, "default": "x"}, {"minimum": 3},
                       {"type": "string", "writeOnly": True, "format": "ip"}):
            self.refuse_property(schema, "is not known for this kind")

    def test_types(self):
        for kind in ("number", "null", "text", ["string", "integer"], ["null", "string"], ["string"]):
            self.refuse_property({"type": kind}, "type")

    def test_formats(self):
        for name in ("date-time", "email", "uri", "regex", ""):
            self.refuse_property({"type": "string", "format": name}, "no format")

    def test_bounds(self):
        for schema in ({"type": "integer", "minimum": 2, "maximum": 1}, {"type": "integer", "minimum": 0.5},
                       {"type": "string", "minLength": -1}, {"type": "string", "minLength": 2, "maxLength": 1},
                       {"type": "integer", "maximum": True},
                       {"type": "array", "items": {"type": "string"}, "maxItems": -1}):
            self.refuse_property(schema, "m")

    def test_objects(self):
        self.refuse(document(additionalProperties=None), '"additionalProperties" has to say')
        self.refuse(document(required=["z"]), "no such property")
        self.refuse(document({}), "1 to 64 properties")
        self.refuse(document({f"p{n}": TEXT for n in range(65)}), "1 to 64 properties")
        self.accept(document({f"p{n}": TEXT for n in range(64)}))
        self.refuse(document({"x": {"type": "string"}}), "has a description")
        for name in ("int", "class-name", "Name", "1st", "a b", "a-b"):
            self.refuse(document({name: TEXT}), "cannot be the name")

    def test_titles(self):
        self.refuse(document(title=None), "title")
        self.refuse(document(title="Two Words"), "title of small letters")
        self.refuse(document({"x": inner(title="thing")}), "is taken by")
        self.refuse(document({"x": inner(title=None)}), "title")

    def test_root(self):
        self.refuse(document(**{"$schema": "http://json-schema.org/draft-07/schema#"}), '"$schema"')
        self.refuse(document(**{"$id": "b.schema.json"}), '"$id"')
        self.refuse({**document(), "type": "string", "properties": None}, "is not known")
        self.refuse('{"title": "a", "title": "b"}', "stands there twice")
        self.refuse("{", "a.schema.json")
        self.refuse("[]", "a schema is an object")

    def test_references(self):
        self.refuse_property({"$ref": "b.schema.json"}, "no such file", "b.schema.json")
        self.refuse_property({"$ref": "#/$defs/none"}, "no such definition", "a.schema.json#/$defs/none")
        for target in ("#", "#/properties/x", "http://192.0.2.1/x.json", "../a.schema.json", "b.schema.json#/$defs/x"):
            self.refuse_property({"$ref": target}, "is neither")
        self.refuse_property({"$ref": "#/$defs/a", "type": "string"}, "is not known")

    def test_circles(self):
        self.refuse_property({"$ref": "a.schema.json"}, "leads back", "a.schema.json")
        loop = document({"x": {"description": "It.", "$ref": "#/$defs/a"}})
        loop["$defs"] = {"a": inner(properties={"y": {"description": "It.", "$ref": "#/$defs/a"}})}
        self.refuse(loop, "leads back")
        other = {"description": "It.", "$ref": "b.schema.json"}
        back = document({"y": {"description": "It.", "$ref": "a.schema.json"}}, title="other",
                        **{"$id": "b.schema.json"})
        self.refuse({"a.schema.json": document({"x": other}), "b.schema.json": back}, "leads back")

    def test_unions(self):
        def branch(word, **more):
            tag = {"kind": {"description": "It.", "const": word}}
            return inner(title=f"branch {word}", properties={**tag, "y": TEXT}, required=["kind"], **more)

        def union(*branches):
            return document({"x": {"description": "It.", "title": "choice", "oneOf": list(branches)}})

        self.accept(union(branch("a"), branch("b")), "XD_CHOICE_A = 1", "XdBranchB *b;")
        self.refuse(union(branch("a"), {**branch("a"), "title": "other"}), "tag of another branch")
        self.refuse(union(branch("a"), {**branch("b"), "required": ["y"]}), "one property with a const")
        self.refuse(union(branch("a"), inner()), "one property with a const")
        self.refuse(union(branch("a"), TEXT), "are objects")
        self.refuse(union(branch("int")), "cannot be the name")
        self.refuse(union(branch("A")), "cannot be the name")
        other = branch("b")
        other["properties"]["sort"] = other["properties"].pop("kind")
        other["required"] = ["sort"]
        self.refuse(union(branch("a"), other), "the same in all")

    def test_enums(self):
        self.refuse_property({"type": "string", "enum": []}, "list of different words")
        self.refuse_property({"type": "string", "enum": ["a", "a"]}, "list of different words")
        self.refuse_property({"type": "string", "enum": ["a", 1]}, "cannot be a word")
        self.refuse_property({"type": "string", "enum": ["a b"]}, "cannot be a word")
        self.refuse_property({"type": "string", "enum": ["a", None]}, "null has to be in both")
        self.refuse_property({"type": ["string", "null"], "enum": ["a"]}, "null has to be in both")
        self.accept(document({"x": {"description": "It.", "type": ["string", "null"], "enum": ["b", None]}}),
                    "XD_THING_X_B = 1")

    def test_defaults(self):
        for schema in ({"type": "string", "default": 1}, {"type": "integer", "default": "1"},
                       {"type": "integer", "minimum": 2, "default": 1}, {"type": "integer", "default": True},
                       {"type": "boolean", "default": 1}, {"type": "string", "enum": ["a"], "default": "b"},
                       {"type": "array", "items": {"type": "string"}, "default": ["a"]},
                       {"type": "array", "items": {"type": "string"}, "minItems": 1, "default": []},
                       inner(required=["y"], default={})):
            self.refuse_property(schema, "does not fit")
        self.refuse(document({"x": {**TEXT, "default": "a"}}, required=["x"]), "left to a default")
        self.refuse(document({"x": {**TEXT, "type": ["string", "null"]}}, required=["x"]), "neither null")

    def test_arrays_and_maps(self):
        self.refuse_property({"type": "array"}, '"items" is missing')
        self.refuse_property({"type": "array", "items": {"type": "integer"}}, "no array of INTEGER")
        self.refuse_property({"type": "array", "items": {"type": "array", "items": TEXT}}, "no array of ARRAY")
        self.refuse_property({"type": "array", "items": {"type": "string", "writeOnly": True}}, "no array of SECRET")
        self.refuse_property({"type": "object", "additionalProperties": {"type": "integer"}}, "are strings")
        self.refuse_property({"type": "object", "additionalProperties": TEXT, "properties": {}}, "is not known")
        self.refuse_property({"type": "object", "additionalProperties": TEXT,
                              "propertyNames": {"pattern": "x"}}, "is not known for the names")

    def test_text_for_readers(self):
        self.accept(document({"a": {"description": "It.", "type": "integer", "minimum": 1},
                              "b": {"description": "It.", "type": "integer", "maximum": 9223372036854775807},
                              "c": {"description": 'A */ "quote".', "type": "string", "minLength": 1},
                              "d": {"description": "It.", "type": "string", "maxLength": 1, "writeOnly": True},
                              "e": {"description": "It.", "type": "string", "format": "path", "maxLength": 9}}),
                    '"an integer of at least 1"', '"an integer of at most 9223372036854775807"',
                    '/* A * / "quote". */', '"text of at least 1 character"', '"text of at most 1 character"', "XdSecret *d;",
                    '"an absolute path, at most 9 characters"', "gboolean has_a;")


class XenAPI(unittest.TestCase):
    def model(self, classes=None, enums=None, **messages):
        return {"classes": classes or {"VM": {"uuid": "string"}}, "enums": enums or {},
                "messages": {name.replace("__", "."): value for name, value in messages.items()}}

    def message(self, **more):
        return {"parameters": [["self", "VM ref"]], "result": "void", "timeout_s": 5, **more}

    def accept(self, model, *expected):
        code, made, said = run("xenapi", {"xenapi.json": model})
        self.assertEqual(code, 0, said)
        for text in expected:
            self.assertIn(text, made)

    def refuse(self, model, problem):
        code, _, said = run("xenapi", {"xenapi.json": model})
        self.assertEqual(code, 1)
        self.assertIn(problem, said)

    def test_fields(self):
        kinds = {"string": "STRING", "int": "INT", "float": "FLOAT", "bool": "BOOL", "datetime": "TIME",
                 "VM ref": "REF", "enum e": "ENUM", "string set": "STRING_SET", "enum e set": "STRING_SET",
                 "VM ref set": "REF_SET", "(string -> string) map": "STRING_MAP",
                 "(enum e -> string) map": "STRING_MAP"}
        for kind, expected in kinds.items():
            self.accept(self.model({"VM": {"F": kind}}, {"e": ["a"]}),
                        f'{{"F", XD_FIELD_{expected}, G_STRUCT_OFFSET(XdVM, f)')
        for kind in ("int set", "(string -> int) map", "VM record", "void", "enum", "VM ref option", "strings"):
            self.refuse(self.model({"VM": {"F": kind}}), "no field of the type")
        self.refuse(self.model({"VM": {"F": "enum none"}}), "there is no enum")
        self.refuse(self.model({"VM": {"int": "string"}}), "cannot be the name")
        self.refuse(self.model({"VM": {f"f{n}": "int" for n in range(65)}}), "1 to 64 fields")
        self.refuse(self.model({"VM": {}}), "1 to 64 fields")

    def test_order_of_fields(self):
        model = self.model({"VM": {"bb": "int", "a": "int", "ccc": "int", "ab": "int"}})
        _, made, _ = run("xenapi", {"xenapi.json": model})
        places = [made.index(f'{{"{name}", XD_FIELD') for name in ("a", "ab", "bb", "ccc")]
        self.assertEqual(places, sorted(places))

    def test_parameters(self):
        kinds = {"string": "s", "int": "x", "float": "d", "bool": "b", "datetime": "s", "VM ref": "s", "enum e": "s",
                 "string set": "as", "VM ref set": "as", "(string -> string) map": "a{ss}", "VM record": "a{sv}",
                 "(string -> int) map": "a{sx}", "(VDI ref -> SR ref) map": "a{ss}", "string set set": "aas"}
        for kind, letter in kinds.items():
            self.accept(self.model(VM__go=self.message(parameters=[["x", kind]])), f'{{"VM.go", "({letter})"')
        for kind in ("text", "(int -> string) map", "string list", "an event batch"):
            self.refuse(self.model(VM__go=self.message(parameters=[["x", kind]])), "no value of the type")

    def test_results(self):
        self.accept(self.model(VM__go=self.message(result="VM record")), "NULL, &xd_class_vm")
        self.accept(self.model(VM__go=self.message(result="(VM ref -> VM record) map")), "NULL, &xd_class_vm")
        self.accept(self.model(VM__go=self.message(result="an event batch")), "NULL, NULL")
        self.refuse(self.model(VM__go=self.message(result="SR record")), "no class SR")

    def test_messages(self):
        self.refuse(self.model(VMgo=self.message()), "CLASS.NAME")
        self.refuse(self.model(VM__go=self.message(idempotent=True)), '"idempotent" is not known')
        for missing in ("parameters", "result", "timeout_s"):
            message = self.message()
            del message[missing]
            self.refuse(self.model(VM__go=message), f'"{missing}" is missing')
        for seconds in (0, 86401, "5", 1.5, True):
            self.refuse(self.model(VM__go=self.message(timeout_s=seconds)), '"timeout_s"')
        self.refuse(self.model(VM__go=self.message(found="luck")), '"found" is one of')
        self.refuse(self.model(task__go=self.message(slow=True)), "no Async.")
        self.refuse({"classes": {}, "enums": {}}, "it has to have")

    def test_secrets(self):
        self.accept(self.model(VM__go=self.message(secrets=["self"])), '"(h)"')
        self.accept(self.model(VM__go=self.message(secrets=["result"])), "XD_METHOD_SECRET_RESULT")
        self.accept(self.model(VM__go=self.message(parameters=[["a", "VM record"]], secrets=["a.b"])), '{"a.b", NULL}')
        self.refuse(self.model(VM__go=self.message(secrets=["other"])), "no parameter for the secret other")
        self.refuse(self.model(VM__go=self.message(secrets=["self.x"])), "no parameter for the secret self.x")
        self.refuse(self.model(VM__go=self.message(parameters=[["n", "int"]], secrets=["n"])), "is no text")

    def test_enums(self):
        self.accept(self.model(enums={"a_b": ["One", "two"]}), "XD_A_B_UNKNOWN", "XD_A_B_ONE", '"", "One", "two", NULL')
        for values in ([], ["a", "a"], ["a b"]):
            self.refuse(self.model(enums={"e": values}), "list of different words")


class Config(unittest.TestCase):
    def schema(self, key, group="org.hvd.xenapi.pool"):
        return f'<schemalist><schema id="{group}" path="/a/">{key}</schema></schemalist>'

    def key(self, kind="s", default="''", more="", attributes="", name="some-key"):
        return (f'<key name="{name}" type="{kind}"{attributes}><default>{default}</default><summary>A.</summary>'
                f"<description>B.</description>{more}</key>")

    def accept(self, text, *expected):
        code, made, said = run("config", {"a.gschema.xml": text})
        self.assertEqual(code, 0, said)
        for part in expected:
            self.assertIn(part, made)
        self.assertNotIn("wire/", made)

    def refuse(self, text, problem):
        code, _, said = run("config", {"a.gschema.xml": text})
        self.assertEqual(code, 1)
        self.assertIn(problem, said)

    def row(self, *values):
        """A part of a key's row, value after value."""
        return "".join(f"        {value},\n" for value in values)

    def test_types(self):
        self.accept(self.schema(self.key(default="'x y'")), "[XD_CONFIG_POOL_SOME_KEY]",
                    self.row("XD_CONFIG_STRING", '"x y"'))
        self.accept(self.schema(self.key(name="password")), self.row("XD_CONFIG_SECRET", '""'))
        self.accept(self.schema(self.key("as", "[]")), self.row("XD_CONFIG_LIST", "NULL"))
        self.accept(self.schema(self.key("b", "true")), self.row("XD_CONFIG_BOOLEAN", "NULL", 1, 0, 1))
        self.accept(self.schema(self.key("x", "5", '<range min="-1" max="4294967296"/>')),
                    self.row("XD_CONFIG_INTEGER", "NULL", 5, -1, "G_GINT64_CONSTANT(4294967296)"))
        self.accept(self.schema(self.key("s", "'a'", '<choices><choice value="a"/><choice value="b"/></choices>')),
                    '{"a", "b", NULL}', self.row("XD_CONFIG_CHOICE", '"a"'))

    def test_refused(self):
        cases = [
            (self.key("i", "5"), 'no type "i"'), (self.key("x", "5"), "<range> is missing"),
            (self.key("x", "5", '<range min="6" max="7"/>'), "out of range"),
            (self.key("x", "5", '<range min="1"/>'), "is no integer"),
            (self.key("x", "0x5", '<range min="1" max="9"/>'), "is no integer"),
            (self.key("s", "text"), "no string in quotes"), (self.key("as", "['a']"), "empty by default"),
            (self.key("b", "1"), "true or false"),
            (self.key("b", "true", '<range min="0" max="1"/>'), "a range belongs"),
            (self.key("s", "'c'", '<choices><choice value="a"/></choices>'), "none of the choices"),
            (self.key(attributes=' enum="x"'), "no other attribute"), (self.key(name="Key"), "small letters"),
            (self.key(more="<aliases/>"), "<aliases> is not known"),
            (self.key(more="<summary>C</summary>"), "stands there twice"),
            ('<key name="a" type="s"><default>\'\'</default><summary>A.</summary></key>', "<description> is missing"),
            (self.key() + self.key(), "one of them twice"), ("", "it has no keys"),
            ("<child name='a' schema='b'/>", "<child> is not known"),
        ]
        for key, problem in cases:
            self.refuse(self.schema(key), problem)
        self.refuse(self.schema(self.key(), "org.other.pool"), "a group is")
        self.refuse("<schemalist>", "a.gschema.xml")


class Command(unittest.TestCase):
    def test_usage(self):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(generate.main(["sculptures", "a", "b", "c"]), 2)
            self.assertEqual(generate.main([]), 2)
        self.assertIn("documents OUTPUT.h OUTPUT.c", said.getvalue())


if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__]))
