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
        back = document({"y": {"description": "It.", "$ref": "a.schema.json"}}, title="other", **{"$id": "b.schema.json"})
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
                    '/* A * / "quote". */', '"at least 1 character"', '"at most 1 character"', "XdSecret *d;",
                    '"an absolute path, at most 9 characters"', "gboolean has_a;")


class Command(unittest.TestCase):
    def test_usage(self):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(generate.main(["sculptures", "a", "b", "c"]), 2)
            self.assertEqual(generate.main([]), 2)
        self.assertIn("documents OUTPUT.h OUTPUT.c", said.getvalue())


if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__]))
