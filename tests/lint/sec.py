"""Which test proves which security requirement: tests name SEC-n in a comment, this prints the matrix.

    sec.py TOP

Fails where a number of WANTED is named by no test, or where a test names one that there is not.
"""

import pathlib
import re
import sys

LAST = 50
WANTED = [*range(1, 7), 8, 9, *range(11, 21), *range(22, 26), 28, 29, 33, *range(35, 39), 42, 44, 45]


def files(top):
    """Everything under tests/ that is run, or that a test is made of."""
    for path in sorted((top / "tests").rglob("*")):
        if path.suffix in (".c", ".py") and path.name not in ("sec.py", "test_sec.py"):
            yield path


def read_matrix(top):
    """Number -> names of the files that name it."""
    matrix = {}
    for path in files(top):
        for numbers in re.findall(r"SEC-(\d+(?:(?:, | and )\d+)*)", path.read_text(encoding="utf-8")):
            for number in re.findall(r"\d+", numbers):
                matrix.setdefault(int(number), set()).add(str(path.relative_to(top / "tests")))
    return matrix


def check(matrix):
    for number in WANTED:
        if number not in matrix:
            yield f"SEC-{number}: no test names it"
    for number in sorted(set(matrix) - set(range(1, LAST + 1))):
        yield f"SEC-{number}: there is no such requirement ({', '.join(sorted(matrix[number]))})"


def main(top):
    matrix = read_matrix(pathlib.Path(top))
    for number in sorted(matrix):
        print(f"SEC-{number}{'' if number in WANTED else ' (not asked for yet)'}: {', '.join(sorted(matrix[number]))}")
    found = list(check(matrix))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
