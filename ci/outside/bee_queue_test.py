"""bee-queue, from npm: jobs moved between lists by scripts, worked off by several processes.

Where there is no node or no npm registry, a notice is printed and nothing is tested.
"""

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
# Fixed, so that a failure is about the server.
PACKAGE = "bee-queue@1.7.1"


def install():
    """Where node finds the package, or None."""
    if not (shutil.which("node") and shutil.which("npm")):
        return None
    where = pathlib.Path(sys.prefix) / "node"
    installed = where / "installed"
    if not installed.exists() or installed.read_text() != PACKAGE:
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir(parents=True)
        options = ["--no-audit", "--no-fund", "--loglevel=error", "--prefix", str(where)]
        if subprocess.run(["npm", "install", *options, PACKAGE]).returncode != 0:
            return None
        installed.write_text(PACKAGE)
    return where / "node_modules"


def main():
    modules = install()
    if modules is None:
        if os.environ.get("CI"):
            sys.exit("node or the npm registry is missing")
        print("not run: node or the npm registry is missing")
        return
    environment = dict(os.environ, NODE_PATH=str(modules))
    sys.exit(subprocess.run(["node", str(HERE / "bee_queue.js")], env=environment).returncode)


if __name__ == "__main__":
    main()
