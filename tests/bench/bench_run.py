"""Behind the command `run`: builds, takes the figures, prints the table."""

import importlib
import pkgutil
import subprocess
import sys

import bench
import figures

COLUMNS = ("what", "to reach", "measured", "ratio", "verdict")


def all_figures():
    names = sorted(module.name for module in pkgutil.iter_modules(figures.__path__))
    return [figure for name in names for figure in importlib.import_module(f"figures.{name}").FIGURES]


def chosen(names):
    known = {figure.name: figure for figure in all_figures()}
    for name in names:
        if name not in known:
            raise bench.BenchError(f"no figure \"{name}\"; there are: {' '.join(known)}")
    return [known[name] for name in names or known]


def build(targets):
    subprocess.run([bench.TOP / "tests" / "install-packages", "bench"], check=True, stdout=sys.stderr)
    if not (bench.BUILD / "build.ninja").exists():
        subprocess.run(["meson", "setup", bench.BUILD, bench.TOP, "--buildtype=release"], check=True,
                       stdout=sys.stderr)
    subprocess.run(["ninja", "--quiet", "-j2", "-C", bench.BUILD, *sorted(targets)], check=True, stdout=sys.stderr)


def take(figure):
    """A figure that cannot be taken falls short."""
    print(f"taking {figure.name} ...", file=sys.stderr, flush=True)
    try:
        return figure.measure()
    except bench.BenchError as error:
        return [bench.Measurement(figure.what, figure.to_reach, str(error), None, False)]


def row(measurement):
    ratio = "" if measurement.ratio is None else f"{measurement.ratio:.2f}"
    verdict = "reached" if measurement.reached else "FALLS SHORT"
    return measurement.what, measurement.to_reach, measurement.measured, ratio, verdict


def print_table(measurements):
    rows = [COLUMNS, *map(row, measurements)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    rows.insert(1, ["-" * width for width in widths])
    for cells in rows:
        print(" | ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip())


def main(names):
    try:
        selected = chosen(names)
    except bench.BenchError as error:
        print(error, file=sys.stderr)
        return 2
    build({need for figure in selected for need in figure.needs})
    measurements = [measurement for figure in selected for measurement in take(figure)]
    print_table(measurements)
    return 0 if all(measurement.reached for measurement in measurements) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
