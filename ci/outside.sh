#!/usr/bin/env bash
# Run programs of the outside world, from PyPI, against Russet.
#
#   ci/outside.sh [PROGRAM ...]     all of ci/outside/*_test.py, or only these: ci/outside.sh rq celery
#
# RUSSET_SERVER names the server; by default it is the one that `cargo build` makes. The programs are
# installed into target/outside. Where there is no Python or no network, a notice is printed and
# nothing is tested.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
server=${RUSSET_SERVER:-$target/debug/russet-server}
venv=$target/outside
notice() {
    echo "=== notice: $*: no program of the outside world was run"
    exit 0
}

[ -x "$server" ] || { echo "no $server: build it first"; exit 1; }
command -v python3 > /dev/null || notice "Python is not installed"
if ! cmp -s ci/outside/requirements.txt "$venv/installed"; then
    rm -rf "$venv"
    python3 -m venv "$venv" || notice "Python has no venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 20 \
        -r ci/outside/requirements.txt || notice "PyPI cannot be reached"
    cp ci/outside/requirements.txt "$venv/installed"
fi
exec "$venv/bin/python" ci/outside/run.py "$server" "$@"
