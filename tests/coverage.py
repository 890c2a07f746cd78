"""How much of the driver the tests run: lines and branches of plugin/, by file.

    coverage.py TOP BUILD [FILE...]

BUILD was made with -Db_coverage=true, and its tests were run. For each FILE: what was never run.
Fails where less was run than LEAST asks for.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys

LEAST = {"lines": 85, "branches": 70}  # percent


def reports(build):
    """What gcov knows of each object file of the driver."""
    for path in sorted(pathlib.Path(build, "plugin").rglob("*.gcda")):
        done = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", path.resolve()],
                              cwd=build, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        for line in done.stdout.splitlines():
            yield json.loads(line)


def read(top, build):
    """File -> line -> [count, [count of each branch]]; what several objects have counts once."""
    files = collections.defaultdict(dict)
    for report in reports(build):
        for file in report["files"]:
            path = os.path.relpath(os.path.join(build, file["file"]), top)
            if path.startswith("plugin/"):
                for line in file["lines"]:
                    add(files[path], line)
    return files


def add(lines, line):
    counts = [branch["count"] for branch in line["branches"]]
    known = lines.setdefault(line["line_number"], [0, []])
    known[0] += line["count"]
    if len(known[1]) == len(counts):
        known[1] = [a + b for a, b in zip(known[1], counts)]
    elif len(counts) > len(known[1]):
        known[1] = counts


def amount(files):
    """[(run, all) of lines, (run, all) of branches]"""
    lines = [count for file in files for count, _ in file.values()]
    branches = [count for file in files for _, counts in file.values() for count in counts]
    return [(sum(1 for count in all_ if count), len(all_)) for all_ in (lines, branches)]


def percent(part):
    return 100 * part[0] / part[1] if part[1] else 100.0


def main(top, build, *wanted):
    files = read(top, build)
    for path in sorted(files):
        lines, branches = amount([files[path]])
        print(f"{percent(lines):6.1f} % of {lines[1]:4} lines {percent(branches):6.1f} % of {branches[1]:4} branches  {path}")
        if path in wanted:
            for number, (count, _) in sorted(files[path].items()):
                if count == 0:
                    print(f"    {number} was never run")
    lines, branches = amount(list(files.values()))
    print(f"{percent(lines):6.1f} % of {lines[1]:4} lines {percent(branches):6.1f} % of {branches[1]:4} branches  in all")
    return 0 if percent(lines) >= LEAST["lines"] and percent(branches) >= LEAST["branches"] else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
