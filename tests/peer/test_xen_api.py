"""Starts xen-api.mjs, which tests the npm package `xen-api`, beside pools with TLS. tests/peer/install brings
the package; where it is missing, that is a failure that says so."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "simulator"))

from harness import directory, pool  # noqa: E402

MODULES = HERE.parent.parent / "build-peer"
POOLS = {"quick": [], "slow": ["--pace", "1000000"], "stranger": []}
TRUSTED = ["quick", "slow"]


def find_problem():
    """Why the client cannot be run, or nothing."""
    if shutil.which("node") is None:
        return "there is no node: install nodejs, version 18 or later"
    version = subprocess.run(["node", "--version"], stdout=subprocess.PIPE, text=True).stdout.strip()
    if int(version.removeprefix("v").split(".")[0]) < 18:
        return f"node is {version}: install version 18 or later"
    installed, wanted = (folder / "package-lock.json" for folder in (MODULES, HERE))
    if not installed.is_file() or installed.read_bytes() != wanted.read_bytes():
        return "the npm package xen-api is not installed: run tests/peer/install, which needs an npm registry"
    return None


def main():
    problem = find_problem()
    if problem is not None:
        print(f"1..1\n# {problem}\nnot ok 1 /peer/xen-api/installed")
        return 1
    with contextlib.ExitStack() as stack:
        pools = {name: stack.enter_context(pool("--tls", "--hosts", "2", *options)).ready
                 for name, options in POOLS.items()}
        trusted = pathlib.Path(stack.enter_context(directory()), "trusted.pem")
        trusted.write_text("".join(pathlib.Path(pools[name]["ca"]).read_text() for name in TRUSTED))
        environment = {
            **os.environ,
            "HVD_PEER_CLIENT": str(MODULES / "node_modules" / "xen-api" / "index.mjs"),
            "HVD_PEER_POOLS": json.dumps(pools),
            "NODE_EXTRA_CA_CERTS": str(trusted),
        }
        return subprocess.run(["node", HERE / "xen-api.mjs"], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
