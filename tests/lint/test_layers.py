"""Who may use whom: the tree keeps to tests/layers.json, and planted offences are found.

    test_layers.py TOP [BUILD CC...]
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "schemas")]
sys.dont_write_bytecode = True

import layers  # noqa: E402
import tap  # noqa: E402

TOP = pathlib.Path(sys.argv[1])
BUILD = sys.argv[2] if len(sys.argv) > 2 else None
CC = sys.argv[3:]

PLANTED_LINES = [
    ("plugin/base/clock.c", '#include "http/http.h"', "base may not use http"),
    ("plugin/http/origin.c", '#include <base/../xenapi/call.h>', "is in no layer"),
    ("plugin/wire/json.c", '# include "xd-documents.h"', "wire may not use documents"),
    ("plugin/ops/spawn.c", '#include "entry/border.h"', "ops may not use entry"),
    ("plugin/ops/spawn.c", '#include "http/http.h"', "ops may not use http"),
    ("plugin/ops/spawn.c", '#include <http/http.h>', "ops may not use http"),
    ("plugin/model/record.c", "#include <curl/curl.h>", "<curl/curl.h> belongs to http"),
    ("plugin/ops/read.c", "#include <libxml/tree.h>", "belongs to wire"),
    ("plugin/entry/table.c", '#include "core/call.h"', "is in no layer"),
    ("host-shim/main.c", '#include "base/secret.h"', "is in no layer"),
    ("host-shim/main.c", "#include <base/secret.h>", "is in no layer"),
    ("host-shim/main.c", '#include "simulator/core/call.h"', "host-shim may not use sim-core"),
    ("host-shim/main.c", '#include "../plugin/base/secret.h"', "is in no layer"),
    ("host-shim/simulator/main.c", '#include "base/secret.h"', "is in no layer"),
    ("host-shim/simulator/wire/json.c", '#include "wire/json-scan.h"', "is in no layer"),
    ("host-shim/simulator/core/call.c", '#include "http/server.h"', "sim-core may not use sim-http"),
    ("host-shim/simulator/core/call.c", '#include "shim.h"', "is in no layer"),
]

PLANTED_CALLS = [
    ("base", "xd_http_new"),
    ("wire", "xd_http_new"),
    ("http", "xmlReadMemory"),
    ("model", "xd_call"),
    ("image", "xd_call"),
    ("xenapi", "xd_spawn_async"),
    ("ops", "xd_http_send"),
    ("ops", "curl_easy_init"),
    ("host-shim", "xd_arena_new"),
    ("host-shim", "sim_value_ref"),
    ("simulator", "xd_arena_new"),
]


class Lines(unittest.TestCase):
    def test_tree(self):
        self.assertEqual(list(layers.check(TOP)), [])

    def test_planted(self):
        with tempfile.TemporaryDirectory() as place:
            copy = copy_tree(place)
            for path, line, said in PLANTED_LINES:
                file = copy / path
                text = file.read_text()
                file.write_text(line + "\n" + text)
                found = list(layers.check(copy))
                file.write_text(text)
                self.assertEqual(len(found), 1, (path, line, found))
                self.assertIn(said, found[0], line)

    def test_readme_that_lies(self):
        with tempfile.TemporaryDirectory() as place:
            copy = copy_tree(place)
            readme = copy / "plugin/http/README.md"
            for sentence in ("Uses `base` and `wire`.", "Has no friends."):
                readme.write_text(sentence)
                self.assertEqual(len(list(layers.check(copy))), 1, sentence)

    def test_folder_without_a_layer(self):
        with tempfile.TemporaryDirectory() as place:
            copy = copy_tree(place)
            (copy / "plugin/attic").mkdir()
            (copy / "plugin/attic/old.c").write_text("")
            self.assertIn("no layer", list(layers.check(copy))[0])


def copy_tree(place):
    """What the check of lines looks at."""
    copy = pathlib.Path(place) / "tree"
    for part in ("plugin", "host-shim"):
        shutil.copytree(TOP / part, copy / part)
    (copy / "tests").mkdir()
    shutil.copy(TOP / "tests/layers.json", copy / "tests")
    return copy


class Links(unittest.TestCase):
    def setUp(self):
        self.layers = layers.Layers(TOP)

    def test_tree(self):
        self.assertEqual(list(self.layers.check_links(BUILD, CC)), [])

    def test_planted(self):
        with tempfile.TemporaryDirectory() as place:
            for layer, symbol in PLANTED_CALLS:
                source, planted = pathlib.Path(place) / "planted.c", pathlib.Path(place) / "planted.o"
                source.write_text(f"void {symbol}(void);\nvoid planted(void);\nvoid planted(void) {{ {symbol}(); }}\n")
                subprocess.run([*CC, "-fPIC", "-c", "-o", planted, source], check=True)
                self.assertIn(f"`{symbol}'", self.layers.link(BUILD, layer, CC, [planted]), layer)


if BUILD is None:
    del Links  # there is nothing to link

if __name__ == "__main__":
    sys.exit(tap.main(sys.modules[__name__]))
