#!/bin/sh
# Predictions a second through HAProxy with one, two and three replicas, beside one of them
# asked alone; each replica has a share of the processor of its own, so that it is what bounds
# the whole: a quarter of the last core by its cgroup, or a core each where there are cores enough.
# wrk, HAProxy and PostgreSQL have the first core.
#
#   DESCENTD=build/descentd [ROUNDS=3] [SECONDS_EACH=5] sh fleet.sh
set -eu
CLUSTER_ROOT=$(cd "$(dirname "$0")/../.." && pwd)
here=$CLUSTER_ROOT/tests/bench
rounds=${ROUNDS:-3} seconds=${SECONDS_EACH:-5}
# shellcheck source=deploy/cluster.sh
. "$CLUSTER_ROOT/deploy/cluster.sh"
# shellcheck source=tests/bench/kit.sh
. "$here/kit.sh"
client='taskset -c 0'
last=$(($(nproc) - 1)) shares='' dir=''

end() {
    cluster_down
    for n in 1 2 3; do
        [ -z "$shares" ] || [ ! -d "$shares$n" ] || rmdir "$shares$n"
    done
    [ -z "$dir" ] || rm -rf "$dir"
}
trap end EXIT
trap 'exit 1' INT TERM

die() {
    echo "bench: $*" >&2
    exit 1
}

# ---- shares of the processor -----------------------------------------------------------

# share_make FOLDER: a cgroup of a quarter of a core, by either version of them: no more, and by
# its weight no less when something else runs there.
share_make() {
    mkdir "$1" 2>/dev/null || return 1
    if [ -w "$1/cpu.max" ]; then
        echo '2500 10000' >"$1/cpu.max" && echo 10000 >"$1/cpu.weight" && return
    elif [ -w "$1/cpu.cfs_quota_us" ]; then
        echo 10000 >"$1/cpu.cfs_period_us" && echo 2500 >"$1/cpu.cfs_quota_us" &&
            echo 100000 >"$1/cpu.shares" && return
    fi
    rmdir "$1" # no controller of processors here
    return 1
}

shares_make() {
    for shares in /sys/fs/cgroup/descentd-bench-$$- /sys/fs/cgroup/cpu/descentd-bench-$$-; do
        if share_make "${shares}1"; then
            share_make "${shares}2"
            share_make "${shares}3"
            divided="a quarter of core $last each, by cgroup"
            return
        fi
    done
    shares=''
    [ "$last" -ge 3 ] || die "$((last + 1)) cores are divided by cgroups alone: run it as root"
    divided='a core each'
}

# A replica is let into its share; one thread is what that has work for.
cluster_on() {
    host=$1 core=0
    shift
    set -- env DESCENTD_HTTP_THREADS=1 "$@"
    case $host in
    serve*)
        core=$last
        if [ -n "$shares" ]; then
            # shellcheck disable=SC2016  # of the inner shell
            set -- sh -c 'echo $$ >"$0" && exec "$@"' "$shares${host#serve}/cgroup.procs" "$@"
        else
            core=${host#serve}
        fi
        ;;
    esac
    exec taskset -c "$core" "$@"
}

# ---- what is measured ------------------------------------------------------------------

# One forward pass is 5.8 million products: the replica has most of the work.
model_make() {
    job heavy 20 784 10 '"hidden_layers":[2048,2048],"epochs":1' >"$dir/job"
    id=$(cluster_curl -f -H 'Content-Type: application/json' --data-binary "@$dir/job" \
        "$(cluster_replica_url 1)/v1/jobs" | jq -r .id)
    [ "$(cluster_curl "$(cluster_replica_url 1)/v1/jobs/$id?wait=60" | jq -r .status)" = succeeded ] ||
        die 'no model'
    body heavy 1 784 >"$dir/body"
}

# fleet_make: serve1 alone, and a balancer before one, two and three; how many, name, address.
fleet_make() {
    cluster_up 1 1
    model_make
    echo "1 alone $(cluster_replica_url 1)" >"$dir/urls"
    echo "1 1 $cluster_url" >>"$dir/urls"
    for n in 2 3; do
        cluster_serve "$n"
        cluster_replicas=$n
        cluster_balance
        echo "$n $n $cluster_url" >>"$dir/urls"
    done
    cluster_end worker1 TERM
    for n in 1 2 3; do
        cluster_until 20 cluster_curl -f -o /dev/null --data-binary "@$dir/body" \
            "$(cluster_replica_url $n)/predict" || die "replica $n does not predict"
    done
}

# As many connections as there are replicas to share them: requests that wait together share a
# forward pass, and where more of them wait for one replica, each costs it less.
measure() {
    while read -r n name url; do
        load $((48 * n)) "$dir/body" "$url/predict" "$dir/$name" application/json "$cluster_token"
    done <"$dir/urls"
}

dir=$(mktemp -d)
shares_make
fleet_make
echo "$(nproc) CPUs: wrk, HAProxy and PostgreSQL on core 0; replicas have $divided"
echo "784-2048-2048-10, 1 row, 48 connections a replica, $rounds rounds of $seconds s; load $(cut -d ' ' -f 1 /proc/loadavg)"
measure # a warm one
rm "$dir/alone" "$dir/1" "$dir/2" "$dir/3"
for _ in $(seq "$rounds"); do measure; done
figures_print() { # NAME TITLE
    echo "$2"
    row 'requests/s' '%9.0f' "$(median "$dir/$1" 1)"
    row 'ratio to one alone' '%9.2f' "$(ratio "$dir/$1" "$dir/alone" 1)"
    row 'p50 us' '%9.0f' "$(median "$dir/$1" 2)"
    row 'p99 us' '%9.0f' "$(median "$dir/$1" 3)"
}
figures_print alone 'one replica alone'
figures_print 1 'HAProxy before one replica'
figures_print 2 'HAProxy before two'
figures_print 3 'HAProxy before three'
