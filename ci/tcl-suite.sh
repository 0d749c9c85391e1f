#!/usr/bin/env bash
# Run Redis 7.0's own Tcl test suite, unmodified, against a server binary.
#
#   ci/tcl-suite.sh [--server PATH] [--workers N] [--keep] [UNIT ...]
#
# The suite comes from Debian's source package of redis (bookworm), fetched once into
# target/tcl-suite. Its tree is laid out as the suite expects it: src/redis-server is the server
# under test, redis-cli and redis-benchmark are Debian's, the tools that check files are those beside
# the server. Tests that cannot pass are named in
# ci/tcl-skips.txt, each under its reason; an entry that skips nothing fails the run, so the list
# cannot outlive its reasons.
#
# --server   the binary (default: target/debug/russet-server)
# --workers  value of worker-threads given to every server (only for Russet)
# --keep     leave the servers' logs in place, under the directory that is printed
# UNIT       such as type/incr; default: all units listed below
#
# Of Redis' own list, units of what is not built yet are missing, and integration/aof-race, which fails
# with every server: it restarts one from files that the suite has removed.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
server=$target/debug/russet-server
skips=$root/ci/tcl-skips.txt
workers=
keep=
options=()
units=()
while [ $# -gt 0 ]; do
    [[ $1 != -* ]] || options+=("$1")
    [[ $1 != --server && $1 != --workers ]] || options+=("${2-}")
    case $1 in
        --server) server=$(realpath "$2"); shift 2 ;;
        --workers) workers=$2; shift 2 ;;
        --keep) keep=yes; shift ;;
        -*) echo "unknown option $1" >&2; exit 2 ;;
        *) units+=("$1"); shift ;;
    esac
done
all_units=(
    printver auth protocol keyspace scan info type/string type/incr type/hash type/set type/zset geo hyperloglog bitops bitfield quit expire
    querybuf limits slowlog introspection introspection-2 latency-monitor multi pubsub pubsubshard obuf-limits
    maxmemory lazyfree memefficiency other client-eviction
    dump integration/convert-zipmap-hash-on-load integration/convert-ziplist-hash-on-load
    integration/convert-ziplist-zset-on-load
    integration/rdb integration/aof integration/aof-multi-part aofrw
    integration/corrupt-dump integration/corrupt-dump-fuzzer integration/dismiss-mem integration/shutdown
    integration/logging
    type/list type/list-2 type/list-3 sort scripting
)
[ ${#units[@]} -gt 0 ] || units=("${all_units[@]}")

# Short lists have an encoding of their own since 7.2; in the suite's 7.0 there is one for all, as
# there was in 4.0. The units that ask for it run against a server that answers as 4.0 does.
list_units=(type/list type/list-2 type/list-3 sort)
asks_for_lists() { [[ " ${list_units[*]} " == *" $1 "* ]]; }
with_lists=()
without_lists=()
for unit in "${units[@]}"; do
    if asks_for_lists "$unit"; then with_lists+=("$unit"); else without_lists+=("$unit"); fi
done
if [ ${#with_lists[@]} -gt 0 ] && [ ${#without_lists[@]} -gt 0 ]; then
    status=0
    "$0" "${options[@]}" "${without_lists[@]}" || status=1
    "$0" "${options[@]}" "${with_lists[@]}" || status=1
    exit $status
fi
[ -x "$server" ] || { echo "no server binary at $server" >&2; exit 2; }

# Where this system gets an archive of Debian from; Debian's own address if that cannot be told.
mirror_of() {
    local sites
    sites=$(apt-get indextargets --format '$(SITE)' 2> /dev/null | grep "/$1\$") || true
    echo "${sites%%$'\n'*}" | grep . || echo "http://deb.debian.org/$1"
}

# Debian's source package, through an apt configuration of its own: the system's sources and
# package lists stay as they are, and no privileges are needed.
fetch_source() {
    local work=$target/tcl-suite/fetch
    rm -rf "$work"
    mkdir -p "$work"/{lists/partial,archives/partial,parts}
    local signed='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
    cat > "$work/sources.list" <<EOF
deb-src $signed $(mirror_of debian) bookworm main
deb-src $signed $(mirror_of debian-security) bookworm-security main
EOF
    cat > "$work/apt.conf" <<EOF
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "$work/parts";
Dir::State::Lists "$work/lists";
Dir::Cache "$work";
APT::Sandbox::User "$(id -un)";
Acquire::Retries "3";
EOF
    (
        cd "$work"
        export APT_CONFIG=$work/apt.conf
        apt-get update -qq
        apt-get source -qq --download-only redis
        dpkg-source --no-check -x redis_7.0.*.dsc source
    ) > "$target/tcl-suite/fetch.log" 2>&1 || { cat "$target/tcl-suite/fetch.log" >&2; return 1; }
    # Moved last, so that an interrupted fetch is not taken for a complete one.
    mv "$work/source" "$target/tcl-suite/source"
    rm -rf "$work"
}

mkdir -p "$target/tcl-suite"
[ -d "$target/tcl-suite/source" ] || fetch_source

tree=$(mktemp -d "$target/tcl-suite/run.XXXXXX")
finish() { [ -n "$keep" ] || rm -rf "$tree"; }
trap finish EXIT
cp -r "$target/tcl-suite/source/tests" "$tree/tests"
mkdir "$tree/src"
ln -s "$server" "$tree/src/redis-server"
ln -s "$(command -v redis-cli)" "$(command -v redis-benchmark)" "$tree/src/"
checker=$(dirname "$server")/russet-check
for tool in redis-check-aof redis-check-rdb; do
    [[ ${server##*/} == russet* ]] || checker=$(command -v $tool)
    ln -s "$checker" "$tree/src/$tool"
done

# Lines of tcl-skips.txt: "# comment", "[reason]" and, below a reason, "UNIT: test name", "tag NAME"
# or "pass UNIT: VARIABLE VALUE", for a unit whose whole text is a loop over values of a variable:
# it goes without this one; or "server UNIT: COMMAND", for a server that is started for no test and
# whose first command this is. Of the tests, only those of the units that run are passed on and checked. Reasons that
# begin with "Several workers" count only if there are several.
several=
[ "${workers:-$(nproc)}" -eq 1 ] || [[ ${server##*/} != russet* ]] || several=yes
reason=
denied_tags=
: > "$tree/skipped"
while IFS= read -r line; do
    case $line in
        '' | '#'*) ;;
        '['*']') reason=$line ;;
        *)
            [ -n "$reason" ] || { echo "$skips: no reason above: $line" >&2; exit 2; }
            if [[ $reason == '[Several workers'* ]] && [ -z "$several" ]; then
                continue
            elif [ "${line#tag }" != "$line" ]; then
                denied_tags+=" -${line#tag }"
            elif [[ $line =~ ^(pass|server)\ ([^:]+):\ (.*)$ ]]; then
                what=${BASH_REMATCH[1]} unit=${BASH_REMATCH[2]} rest=${BASH_REMATCH[3]}
                file=$tree/tests/unit/$unit.tcl
                if [ "$what" = pass ]; then
                    loop="foreach ${rest% *} {"
                    sed -i "1,/^$loop/s/^\($loop.*\)\b${rest##* } */\1/" "$file"
                else
                    tagged='start_server {tags {"\([^"]*\)"}} {'
                    sed -i -z "s/$tagged\n *$rest\n/start_server {tags {\"\1 left-out\"}} {\n$rest\n/" "$file"
                fi
                if cmp -s "$file" "$target/tcl-suite/source/tests/unit/$unit.tcl"; then
                    echo "$skips: skips nothing: $line" >&2
                    exit 2
                fi
            elif [[ " ${units[*]} " == *" ${line%%: *} "* ]]; then
                printf '%s\n' "${line#*: }" >> "$tree/skipped"
            fi
            ;;
    esac
done < "$skips"

arguments=(--clients 2 --timeout 100 --durable --skipfile "$tree/skipped")
# A base port of its own keeps two runs on one machine apart; the suite looks for free ports above.
denied_tags+=" -left-out"
arguments+=(--baseport $((10200 + RANDOM % 16 * 1000)) --portcount 1000)
arguments+=(--tags "${denied_tags# }")
# Small sets have been listpacks since 7.2; the suite is 7.0's and has them as hash tables.
[[ ${server##*/} != russet* ]] || arguments+=(--config set-max-listpack-entries 0)
if [ ${#with_lists[@]} -gt 0 ] && [[ ${server##*/} == russet* ]]; then
    arguments+=(--config compatibility 4.0)
fi
[ -z "$workers" ] || arguments+=(--config worker-threads "$workers")
[ -z "$keep" ] || arguments+=(--dont-clean)
for unit in "${units[@]}"; do
    [[ $unit == integration/* ]] || unit=unit/$unit
    arguments+=(--single "$unit")
done

# The suite takes a server for started when its log has a line that ends in " PID: " and the number of
# the process, or begins so: and a log of several servers may have named 3270 when 327 is started, once
# the system's numbers have begun anew. In a namespace of their own they only rise. Where neither the
# privileged nor the others may have one, that stays possible: "connection refused".
own_processes=()
for kind in "" "--user --map-current-user"; do
    try=(unshare $kind --pid --fork --mount-proc --kill-child)
    if "${try[@]}" true 2> /dev/null; then own_processes=("${try[@]}"); break; fi
done
status=0
(cd "$tree" && "${own_processes[@]}" tclsh tests/test_helper.tcl "${arguments[@]}" < /dev/null) \
    > "$tree/log" 2>&1 || status=$?
sed -i 's/\x1b\[[0-9;]*m//g' "$tree/log"

count() { grep -c "^\[$1\]: " "$tree/log" || true; }
# Each failure with the lines that explain it: up to the next message of the suite.
awk '/^\[/ { failed = /^\[(err|exception|TIMEOUT)\]/ } /^!!! WARNING/ { exit } failed' "$tree/log"
if grep -q '^ *The End$' "$tree/log"; then
    while IFS= read -r name; do
        if ! grep -qxF "[skip]: $name" "$tree/log"; then
            echo "$skips: skips nothing: $name"
            status=1
        fi
    done < "$tree/skipped"
fi
# The suite must have said so itself: an early end without a failed test is not a success.
if [ $status -eq 0 ] && ! grep -q 'All tests passed without errors' "$tree/log"; then
    tail -n 20 "$tree/log"
    status=1
fi

[ $status -eq 0 ] && result=ok || result=FAILED
echo "tcl suite result: $result. $(count ok) passed; $(count err) failed; $(count skip) skipped by" \
    "name; $(count ignore) by tag${workers:+; worker-threads $workers}${keep:+; logs in $tree}"
exit $status
