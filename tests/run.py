"""The test command behind tests/run: install, build twice, run everything, count."""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
SANITIZERS = ["-Db_sanitize=address,undefined", "-Db_lundef=false"]
# what UBSan only remarks upon makes no test fail
SANITIZED = [*SANITIZERS, "-Dc_args=-fno-sanitize-recover=all"]
FUZZED = [*SANITIZERS, "-Dc_args=-fsanitize=fuzzer-no-link -fno-sanitize-recover=all"]
VALGRIND = "valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite"
# LeakSanitizer reads the memory of threads that may be ending just then, and dies of it now and then: that
# says nothing of the program.
CHECKER_DIED = "LeakSanitizer has encountered a fatal error"
DICTIONARIES = {name: "json" for name in ("documents", "record", "rpc-json")} | {
    name: "xml" for name in ("rpc-xml", "sim-rpc", "task-result", "value")} | {
    name: "http" for name in ("answer", "sim-head")}
VALGRIND_SUITES = ["unit", "wire", "http", "model", "image"]


# ---- counting ----

def tally(test, is_tap):
    """What one program of testlog.json adds: its TAP lines, and a failure for each that is missing."""
    counts = collections.Counter()
    plan, told = None, 0
    for line in test.get("stdout", "").splitlines() if is_tap else ():
        verdict = re.match(r"(not )?ok\b", line)
        planned = re.match(r"1\.\.(\d+)", line)
        if verdict:
            told += 1
            skipped = re.search(r"#\s*skip", line, re.IGNORECASE)
            counts["failed" if verdict[1] else "skipped" if skipped else "passed"] += 1
        elif planned:
            plan = int(planned[1])
    ended_well = test["result"] in ("OK", "SKIP", "EXPECTEDFAIL")
    if is_tap:
        counts["failed"] += abs(plan - told) if plan is not None else 1
        counts["skipped"] += plan == 0
    elif ended_well:
        counts["skipped" if test["result"] == "SKIP" else "passed"] += 1
    if not ended_well and counts["failed"] == 0:
        counts["failed"] += 1
    return counts


def read_tests(directory):
    return json.loads((TOP / directory / "meson-info" / "intro-tests.json").read_text())


def read_log(directory, name):
    """The last run, by the tests' names."""
    log = (TOP / directory / "meson-logs" / name).read_text().splitlines()
    return {test["name"]: test for test in map(json.loads, log)}


def has_lost_checker(test):
    said = test.get("stdout", "") + test.get("stderr", "")
    return test["result"] not in ("OK", "SKIP") and CHECKER_DIED in said


def count_results(directory, log, expected):
    """Counts a run, and shows what failed; a test that was not run at all has failed."""
    tap = {test["name"] for test in read_tests(directory) if test["protocol"] == "tap"}
    total = collections.Counter()
    for test in log.values():
        counts = tally(test, test["name"].split(" / ")[-1] in tap)
        if counts["failed"]:
            print(f"\nFAILED in {directory}: {test['name']} ({test['result']})")
            print(test.get("stdout", "")[-6000:], test.get("stderr", "")[-6000:], sep="\n")
        total += counts
    total["failed"] += max(expected - len(log), 0)
    return total


# ---- doing ----

def run_quietly(command, **options):
    """Its output is shown when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{done.stdout[-12000:]}\nfailed: {' '.join(map(str, command))}")


def build(directory, *options, compiler=None, targets=("all", "meson-test-prereq")):
    """Sets up and compiles one build directory; an old one is brought up to date. No warnings."""
    path = TOP / directory
    options = ["-Dwerror=true", *read_defaults(), *options]
    environment = {**os.environ, **({"CC": compiler} if compiler else {})}
    if not (path / "build.ninja").exists():
        shutil.rmtree(path, ignore_errors=True)
        run_quietly(["meson", "setup", path, TOP, *options], env=environment)
    elif not has_options(path, options):
        run_quietly(["meson", "configure", path, *options])
    run_quietly(["ninja", "-C", path, *targets])


def read_defaults():
    """The project's own, which meson gives to a new directory alone."""
    listed = re.search(r"default_options: \[(.*?)\]", (TOP / "meson.build").read_text(), re.DOTALL)
    return [f"-D{option}" for option in re.findall(r"'([^']+=[^']*)'", listed[1])]


def has_options(path, options):
    found = {option["name"]: option["value"]
             for option in json.loads((path / "meson-info" / "intro-buildoptions.json").read_text())}
    for name, value in (option.removeprefix("-D").split("=", 1) for option in options):
        now = found[name]
        text = " ".join(now) if isinstance(now, list) else str(now).lower() if isinstance(now, bool) else str(now)
        if text != value:
            return False
    return True


def run(directory, *options, names=(), environment=None, log_name="testlog.json"):
    """All tests, or those of these names."""
    started = time.monotonic()
    expected = len(names or read_tests(directory))
    # a test and its pool take turns, so that one pair of them keeps no processor busy
    command = ["meson", "test", "-C", TOP / directory, "--no-rebuild",
               "--num-processes", str(2 * os.cpu_count()), *options]
    environment = {**os.environ, "G_DEBUG": "fatal-criticals", **(environment or {})}
    status = subprocess.run([*command, *names], env=environment)
    log = read_log(directory, log_name)
    again = [name.split(" / ")[-1] for name, test in log.items() if has_lost_checker(test)]
    if again:
        print(f"once more, since the leak checker died: {', '.join(again)}")
        status = subprocess.run([*command, *again], env=environment)
        log |= read_log(directory, log_name)
    counts = count_results(directory, log, expected)
    if status.returncode != 0 and counts["failed"] == 0:
        counts["failed"] = 1
    print(f"{directory}: {time.monotonic() - started:.0f} s")
    return counts


def run_valgrind():
    """Once in one locale, and without what looks at memory that is valgrind's."""
    names = [test["name"] for test in read_tests("build")
             if any(test["suite"][0].endswith(":" + suite) for suite in VALGRIND_SUITES)
             and not test["name"].endswith("-comma") and test["name"] != "copies"]
    return run("build", "--wrapper", VALGRIND, "--timeout-multiplier", "20", names=names,
               environment={"G_SLICE": "always-malloc", "HVD_TEST_VALGRIND": "1"},
               log_name="testlog-valgrind.json")


def run_coverage():
    """All but what looks at the tree; the table of files stands before the counts."""
    build("build-coverage", "-Db_coverage=true")
    names = [test["name"] for test in read_tests("build-coverage") if not test["suite"][0].endswith(":lint")]
    for stale in (TOP / "build-coverage").rglob("*.gcda"):
        stale.unlink()
    counts = run("build-coverage", names=names)
    table = subprocess.run([sys.executable, "-B", TOP / "tests" / "coverage.py", TOP, TOP / "build-coverage"])
    counts["passed" if table.returncode == 0 else "failed"] += 1
    return counts


# ---- fuzzing ----

def fuzz_one(program, seconds):
    """(failed, what it said): what it finds lies in findings/, what it learns in corpus/."""
    name = program.name.removeprefix("fuzz-")
    corpus, findings = (TOP / "build-fuzz" / folder / name for folder in ("corpus", "findings"))
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    dictionary = TOP / "tests" / "fuzz" / f"{DICTIONARIES.get(name, name)}.dict"
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={findings}/", "-timeout=20",
               "-rss_limit_mb=1024", "-print_final_stats=1"]
    if dictionary.exists():
        options.append(f"-dict={dictionary}")
    done = subprocess.run([program, *options, corpus, TOP / "tests" / "fuzz" / "seeds" / name],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return done.returncode != 0, done.stdout


def run_fuzz(seconds):
    """Every target for so long, as many at a time as there are processors."""
    build("build-fuzz", *FUZZED, compiler="clang", targets=["fuzz-targets"])
    programs = sorted(path for path in (TOP / "build-fuzz" / "tests" / "fuzz").glob("fuzz-*") if path.is_file())
    counts = collections.Counter(failed=int(not programs))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for program, (failed, said) in zip(programs, pool.map(lambda one: fuzz_one(one, seconds), programs)):
            runs = re.search(r"number_of_executed_units:\s*(\d+)", said)
            print(f"{program.name}: {runs[1] if runs else 'no'} runs, {'FAILED' if failed else 'nothing found'}")
            if failed:
                print(said[-6000:])
            counts["failed" if failed else "passed"] += 1
    return counts


# ---- packages ----

def run_packages():
    """One test: they can be built, nothing complains of them, and a host can be built with them."""
    done = subprocess.run([TOP / "tests" / "packaging" / "build"])
    return collections.Counter({"failed" if done.returncode else "passed": 1})


def parse_arguments():
    parser = argparse.ArgumentParser(prog="tests/run", description=__doc__)
    parser.add_argument("--plain-only", action="store_true", help="leave out the sanitizer build")
    parser.add_argument("--clang", action="store_true", help="also build and test with clang")
    parser.add_argument("--valgrind", action="store_true",
                        help=f"also run {', '.join(VALGRIND_SUITES)} under valgrind")
    parser.add_argument("--coverage", action="store_true", help="also count which of the driver's lines are run")
    parser.add_argument("--fuzz", type=int, metavar="SECONDS", help="also fuzz every target for so long")
    parser.add_argument("--packages", action="store_true",
                        help="also build and check the packages of what is committed")
    return parser.parse_args()


def main():
    sys.stdout.reconfigure(line_buffering=True)  # in order with what the programs say
    started = time.monotonic()
    options = parse_arguments()
    wanted = [name for name in ("clang", "valgrind", "fuzz", "packages") if getattr(options, name)]
    subprocess.run([TOP / "tests" / "install-packages", "tests", *wanted], check=True)
    subprocess.run([TOP / "tests" / "peer" / "install"])  # where it fails, the test that needs it does
    build("build")
    total = run("build", "--timeout-multiplier", "2")
    if not options.plain_only:
        build("build-sanitized", *SANITIZED)
        total += run("build-sanitized", "--timeout-multiplier", "4")
    if options.clang:
        build("build-clang", compiler="clang")
        total += run("build-clang")
    if options.valgrind:
        total += run_valgrind()
    if options.coverage:
        total += run_coverage()
    if options.fuzz:
        total += run_fuzz(options.fuzz)
    if options.packages:
        total += run_packages()
    print(f"took {time.monotonic() - started:.0f} s")
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
