#!/usr/bin/env bash
# All of Russet's tests, each stage within its own time limit.
#
#   ci/test.sh             every stage
#   ci/test.sh STAGE ...   only these, such as: ci/test.sh format lints
#
# The limits of all stages together are about an hour; on two cores the whole takes about half of
# that from a clean clone, most of it compiling.
set -uo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}
host=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
wanted=("$@")
stages_passed=0
stages_failed=()

# stage NAME LIMIT_SECONDS COMMAND...
stage() {
    local name=$1 limit=$2 started=$SECONDS
    shift 2
    if [ ${#wanted[@]} -gt 0 ] && [[ " ${wanted[*]} " != *" $name "* ]]; then return; fi
    echo "=== $name"
    if timeout --kill-after=10 "$limit" "$@" < /dev/null > >(tee -a "$log") 2>&1; then
        stages_passed=$((stages_passed + 1))
        echo "=== $name: passed in $((SECONDS - started)) s"
    else
        local status=$?
        stages_failed+=("$name")
        [ $status -ne 124 ] || echo "=== $name: not done within $limit s"
        echo "=== $name: FAILED after $((SECONDS - started)) s"
    fi
}
notice() { echo "=== notice: $*"; }

stage format 60 cargo fmt --all --check
stage lints 500 cargo clippy --workspace --all-targets -- -D warnings
stage tests 900 cargo test --workspace --no-fail-fast

# Every interleaving of gate, locks and mailbox that loom can reach. Loom changes the types those are
# made of, so it has a build of its own.
stage models 360 env RUSTFLAGS="--cfg loom" LOOM_MAX_PREEMPTIONS=2 CARGO_TARGET_DIR="$target/loom" \
    cargo test -p russet-keyspace --lib --release -- model::

# The unsafe modules under AddressSanitizer. RUSTC_BOOTSTRAP lets a stable compiler take the flag.
stage sanitizer 800 env RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" PROPTEST_CASES=32 \
    CARGO_TARGET_DIR="$target/asan" \
    cargo test -p russet-data -p russet-keyspace --lib --target "$host"

if cargo miri --version > /dev/null 2>&1; then
    stage miri 600 env PROPTEST_CASES=4 MIRIFLAGS=-Zmiri-disable-isolation \
        CARGO_TARGET_DIR="$target/miri" cargo miri test -p russet-data -p russet-keyspace --lib
else
    notice "Miri is not installed: the unsafe modules were run under AddressSanitizer only"
fi

stage fuzz 800 ci/fuzz.sh 8

# Programs from PyPI, against the binary that the tests above have built.
stage outside 300 ci/outside.sh

# Redis' own suite, against the binary that the tests above have built.
stage tcl-one-worker 600 ci/tcl-suite.sh --workers 1
stage tcl-four-workers 600 ci/tcl-suite.sh --workers 4

# Sums of the closing lines of cargo and of the Tcl suite.
sum() {
    sed -n "s/^\(test\|tcl suite\) result: .* \([0-9]\+\) $1.*/\2/p" "$log" |
        awk '{ total += $1 } END { print total + 0 }'
}
if [ ${#stages_failed[@]} -eq 0 ]; then
    result=ok
else
    result="FAILED (${stages_failed[*]})"
fi
echo
echo "test result: $result. $(sum passed) passed; $(sum failed) failed;" \
    "$stages_passed stages passed; ${#stages_failed[@]} failed; finished in ${SECONDS}s"
[ ${#stages_failed[@]} -eq 0 ]
