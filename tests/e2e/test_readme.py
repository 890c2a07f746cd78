"""What the README shows is what there is: the session, the code, the matrix, the packages."""

import importlib.util
import json
import pathlib
import re
import shlex
import subprocess

from shim import directory, equal, hvd, main, write

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
README = (TOP / "README.md").read_text(encoding="utf-8")
SERVICE = (TOP / "tests" / "e2e" / "compute-service.c").read_text(encoding="utf-8")


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def commands(indented):
    """Lines of indented code, joined where they go on."""
    lines = re.findall(r"^    (.*)$", indented, re.MULTILINE)
    return re.sub(r" *\\\n *", " ", "\n".join(lines)).split("\n")


def masked(text):
    """Without what is another one each time."""
    text = re.sub(r"OpaqueRef:[0-9a-f-]{36}", "REF", text)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID", text)
    text = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", text)
    return text


def test_session():
    """Command by command, as it really prints; but for the line that the README says is left out."""
    [session] = blocks("console")
    steps = re.findall(r"^\$ (hvd .*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE)
    assert len(steps) >= 5, steps
    with directory() as place:
        for command, shown in steps:
            result = hvd(*shlex.split(command)[1:], env={"XDG_STATE_HOME": place}, cwd=place)
            said = "".join(line for line in result.err.splitlines(True)
                           if "no configuration: using the simulated pool" not in line)
            equal((command, masked(result.out + said)), (command, masked(shown)))


def test_code():
    """It is that of the file, which a test builds and runs; and so is the command that builds it."""
    [code] = blocks("c")
    assert code in SERVICE, "the README's code is not that of tests/e2e/compute-service.c"
    assert "hvd_query" in code or "HVD_QUERY_SYMBOL" in code, code
    assert f"compute-service.c), {SERVICE.count(chr(10))} lines" in README
    [command] = [line for line in commands(README) if line.startswith("cc ")]
    assert command in re.sub(r" *\\\n \* *", " ", SERVICE), command


def test_matrix():
    path = TOP / "host-shim" / "support-matrix.py"
    spec = importlib.util.spec_from_file_location("matrix", path)
    matrix = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(matrix)
    header = (TOP / "plugin" / "include" / "hvd-driver.h").read_text(encoding="utf-8")
    capabilities = hvd("--json", "capabilities").json()
    made = matrix.make(header, capabilities)
    equal(sorted(re.findall(r"^\| `(\w+)` \|", made, re.MULTILINE)), sorted(capabilities["slots"]))
    assert f"\n{made}\n" in README, "the matrix is old: see host-shim/support-matrix.py"
    # and it would notice
    capabilities["slots"]["spawn"] = False
    assert "| `spawn` | no |" in matrix.make(header, capabilities)
    with directory() as place:
        copy = write(place, "README.md", README.replace("| `spawn` | yes |", "| `spawn` | no |"))
        file = write(place, "capabilities", hvd("--json", "capabilities").out)
        subprocess.run(["python3", "-B", path, TOP / "plugin/include/hvd-driver.h", file, copy],
                       check=True)
        equal(pathlib.Path(copy).read_text(encoding="utf-8"), README)


def packages(column, whom=()):
    found = []
    for line in (TOP / "tests" / "packages").read_text(encoding="ascii").splitlines():
        words = line.split()
        if line.startswith("#") or not words:
            continue
        if (not words[2:] and not whom) or set(words[2:]) & set(whom):
            found.append(words[column].split("=")[0])
    return [name for name in found if name != "-"]


def test_packages():
    """Fedora's names, and a reason for every package of Debian's."""
    lines = [line.split()[2:] for line in commands(README) if line.startswith("dnf install")]
    equal(lines, [packages(1), packages(1, ["tests"])])
    [_, reasons] = README.split("## Dependencies, and why\n")
    names = {"libglib2.0-dev": "GLib", "libcurl4-openssl-dev": "libcurl", "libxml2-dev": "libxml2",
             "libjson-glib-dev": "json-glib", "gcc": "C compiler", "ninja-build": "ninja",
             "libasan8": "libasan", "libubsan1": "libubsan", "python3": "Python 3",
             "libsecret-1-dev": "libsecret"}
    for name in packages(0) + packages(0, ["tests"]):
        assert names.get(name, name) in reasons, name


def test_commands():
    """They are there, and can be run."""
    for name in re.findall(r"^    ((?:host-shim|tests)/\S+) +#", README, re.MULTILINE):
        assert (TOP / name).stat().st_mode & 0o111, name
    for name in re.findall(r"`((?:[\w.-]+/)+[\w.-]*)`", README):
        if not name.startswith(("hvd/", "/")):
            assert (TOP / name).exists() or name in ("hvd/hvd-driver.h",), name


def test_configuration():
    """The example is one that the driver takes."""
    [example] = blocks("ini")
    with directory() as place:
        keys = hvd("--config", write(place, "x.conf", example), "--json", "config").json()
        values = {f"{key['group']}.{key['key']}": key["value"] for key in keys if "value" in key}
        equal(len(values), example.count("="))
        json.dumps(values)


if __name__ == "__main__":
    main("/e2e/readme")
