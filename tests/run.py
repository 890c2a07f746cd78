"""The test command behind tests/run: install, build twice, run everything, count."""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent


def build(directory, *options):
    """Sets up and compiles one build directory; an old one is brought up to date."""
    path = TOP / directory
    if not (path / "build.ninja").exists():
        shutil.rmtree(path, ignore_errors=True)
        subprocess.run(["meson", "setup", path, TOP, *options], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["meson", "compile", "-C", path], check=True, stdout=subprocess.DEVNULL)


def results(directory):
    """Counts the single tests of the last run: TAP subtests where there are any, else programs."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    log = TOP / directory / "meson-logs" / "testlog.json"
    for line in log.read_text().splitlines():
        test = json.loads(line)
        verdicts = [text.split() for text in test.get("stdout", "").splitlines()]
        lines = [words for words in verdicts if words[:1] == ["ok"] or words[:2] == ["not", "ok"]]
        for words in lines:
            skipped = "SKIP" in (word.upper() for word in words)
            counts["failed" if words[0] == "not" else "skipped" if skipped else "passed"] += 1
        if test["result"] == "SKIP" and not lines:
            counts["skipped"] += 1
        elif test["result"] not in ("OK", "SKIP"):
            counts["failed"] += all(words[0] != "not" for words in lines)
            print(f"\nFAILED in {directory}: {test['name']} ({test['result']})")
            print(test.get("stdout", "")[-6000:], test.get("stderr", "")[-6000:], sep="\n")
        elif not lines:
            counts["passed"] += 1
    return counts


def run(directory, *options):
    command = ["meson", "test", "-C", TOP / directory, "--no-rebuild", *options]
    status = subprocess.run(command, env={**os.environ, "G_DEBUG": "fatal-criticals"})
    counts = results(directory)
    if status.returncode != 0 and counts["failed"] == 0:
        counts["failed"] = 1
    return counts


def main():
    parser = argparse.ArgumentParser(prog="tests/run", description=__doc__)
    parser.add_argument("--valgrind", action="store_true", help="also run the unit tests under valgrind")
    parser.add_argument("--plain-only", action="store_true", help="leave out the sanitizer build")
    options = parser.parse_args()

    subprocess.run([TOP / "tests" / "install-packages"], check=True)
    runs = []
    build("build")
    runs.append(run("build"))
    if not options.plain_only:
        build("build-sanitized", "-Db_sanitize=address,undefined", "-Db_lundef=false")
        runs.append(run("build-sanitized", "--timeout-multiplier", "4"))
    if options.valgrind:
        runs.append(run("build", "--suite", "unit", "--wrapper",
                        "valgrind -q --error-exitcode=99 --leak-check=full"))
    total = {key: sum(counts[key] for counts in runs) for key in ("passed", "failed", "skipped")}
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**total))
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
