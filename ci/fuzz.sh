#!/usr/bin/env bash
# Run every fuzz target for some seconds, starting from the kept corpus.
#
#   ci/fuzz.sh [SECONDS]   (default: 60)
#
# The same as `cargo fuzz run`, without needing cargo-fuzz or a nightly compiler: RUSTC_BOOTSTRAP lets
# a stable one take the flags. Inputs that reach new code are put into target/fuzz/corpus; an input
# that fails is named, and kept in target/fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
host=$(rustc -vV | sed -n 's/^host: //p')
work=${CARGO_TARGET_DIR:-$PWD/target}/fuzz

export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$work CARGO_PROFILE_RELEASE_LTO=off
# Coverage feedback for libFuzzer, and AddressSanitizer to notice what goes wrong silently.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Zsanitizer=address -Cdebug-assertions -Ccodegen-units=1 --cfg fuzzing"
# libFuzzer would watch the memory from a thread that AddressSanitizer does not know; it watches itself.
export ASAN_OPTIONS=hard_rss_limit_mb=2048
cargo build --quiet --release --manifest-path fuzz/Cargo.toml --target "$host" --bins

for source in fuzz/fuzz_targets/*.rs; do
    name=$(basename "$source" .rs)
    mkdir -p "$work/corpus/$name" "$work/artifacts/$name"
    echo "fuzz $name for $seconds s"
    # A small file from outside must not make anybody ask for much memory.
    case $name in
        rdb_file | restore_payload | append_log | manifest) most_mb=64 ;;
        *) most_mb=1024 ;;
    esac
    "$work/$host/release/$name" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=0 -malloc_limit_mb="$most_mb" \
        -print_final_stats=1 -artifact_prefix="$work/artifacts/$name/" \
        "$work/corpus/$name" "fuzz/corpus/$name" > "$work/$name.log" 2>&1 ||
        { tail -n 60 "$work/$name.log"; exit 1; }
    grep 'number_of_executed_units' "$work/$name.log"
done
