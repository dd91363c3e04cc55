#!/bin/sh
# Three replicas and four workers on a real PostgreSQL behind a real HAProxy with deploy/'s own
# configuration: what is lost when replicas are killed, rolled, and the database goes away under
# load. Short in `make test`; long, with the figures printed, in `make cluster-test`.
#
#   KILLS, ROLLS  of replicas    RESTARTS  of the database, at once    JOBS  RATE  requests/s
set -u
CLUSTER_ROOT=$(cd "$(dirname "$0")/../.." && pwd)
load=$CLUSTER_ROOT/${LOAD:-build/tests/cluster/load}
: "${KILLS:=3}" "${ROLLS:=2}" "${RESTARTS:=2}" "${JOBS:=12}" "${RATE:=200}"
# shellcheck source=deploy/cluster.sh
. "$CLUSTER_ROOT/deploy/cluster.sh"
passed=0 failed=0 load_pid=''

end() {
    [ -z "$load_pid" ] || kill "$load_pid" 2>/dev/null || :
    cluster_down
}
trap end EXIT
trap 'exit 130' INT TERM

# check NAME COMMAND...
check() {
    name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $name"
        tail -qn 3 "$cluster_dir"/*.log
    fi
}

# ---- jobs ------------------------------------------------------------------------------

# job_post KEY MODEL EPOCHS [URL]: until it is accepted; prints its id.
job_post() {
    tries=0
    until cluster_curl -f -m 10 -H "Idempotency-Key: $1" -d "{\"model\":\"$2\",\"epochs\":$3,
        \"data\":{\"features\":[[0],[1],[2]],\"targets\":[1.5,3.5,5.5]},\"seed\":1}" \
        "${4:-$cluster_url}/v1/jobs" 2>/dev/null >"$cluster_dir/posted"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || return 1
        sleep 0.05
    done
    jq -r .id "$cluster_dir/posted"
}

job_succeeds() {
    tries=0
    until [ "$(cluster_curl "$cluster_url/v1/jobs/$1?wait=20" 2>/dev/null |
        jq -r .status 2>/dev/null)" = succeeded ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || return 1
        sleep 0.1
    done
}

# ---- the load --------------------------------------------------------------------------

load_start() {
    printf '{"model":"flower","instances":[[5.1,3.5,1.4,0.2]]}' >"$cluster_dir/body"
    "$load" "$cluster_url/predict" "$RATE" "$cluster_dir/body" '"predictions":["setosa"]' \
        "$cluster_token" >"$cluster_dir/load.out" 2>"$cluster_dir/load.err" &
    load_pid=$!
}

# load_ends AT_LEAST: ends it; whether so many were sent and none failed.
load_ends() {
    kill "$load_pid"
    wait "$load_pid"
    load_code=$?
    load_pid=''
    cat "$cluster_dir/load.out" "$cluster_dir/load.err"
    [ "$load_code" = 0 ] && [ "$(sed -n 's/^load \([0-9]*\) .*/\1/p' "$cluster_dir/load.out")" -ge "$1" ]
}

# ---- what happens to replicas ----------------------------------------------------------

is_seen_everywhere() { # by each replica itself, model NAME
    for n in 1 2 3; do
        cluster_curl -f "$(cluster_replica_url $n)/predict" \
            -d "{\"model\":\"$1\",\"instances\":[[5.1,3.5,1.4,0.2]]}" >/dev/null 2>&1 || return 1
    done
}

# A replica dies and comes back, N times, each in turn.
kills() {
    i=0
    while [ "$i" -lt "$1" ]; do
        n=$((i % 3 + 1)) i=$((i + 1))
        cluster_end "serve$n" KILL
        sleep 0.2
        cluster_serve "$n"
        cluster_until 10 cluster_sees "$n" UP || return 1
    done
}

# Each in turn is told to end and started anew, as a new release would.
rolls() {
    i=0
    while [ "$i" -lt "$1" ]; do
        n=$((i % 3 + 1)) i=$((i + 1))
        cluster_end "serve$n" TERM || { echo "replica $n ended with $?"; return 1; }
        cluster_serve "$n"
        cluster_until 10 cluster_sees "$n" UP || return 1
    done
}

# The database's machine fails and is back, N times, with jobs in the queue.
database_restarts() {
    i=0
    while [ "$i" -lt "$1" ]; do
        i=$((i + 1))
        job_post "restart-$i" "restart-$i" 2000 >>"$cluster_dir/restarted" || return 1
        cluster_database stop || return 1
        sleep 0.5
        for n in 1 2 3; do
            cluster_is_200 "$(cluster_replica_url $n)/readyz" ||
                { echo "replica $n is not ready without the database"; return 1; }
        done
        [ "$(cluster_curl -o /dev/null -w '%{http_code}' "$(cluster_replica_url 1)/v1/jobs")" = 503 ] ||
            { echo "a list of jobs without the database is not 503"; return 1; }
        cluster_database start || return 1
        cluster_until 5 cluster_store_back || { echo "not back within 5 s"; return 1; }
    done
}

cluster_store_back() {
    for n in 1 2 3; do
        [ "$(cluster_curl -m 2 -o /dev/null -w '%{http_code}' "$(cluster_replica_url $n)/v1/jobs")" = 200 ] ||
            return 1
    done
}

all_succeed_once() { # FILE: of job ids
    while read -r id; do
        job_succeeds "$id" || { echo "job $id:"; cluster_curl "$cluster_url/v1/jobs/$id"; return 1; }
        [ "$(cluster_curl "$cluster_url/v1/models/$(cluster_curl "$cluster_url/v1/jobs/$id" |
            jq -r .model)/versions" | jq '.data | length')" = 1 ] ||
            { echo "job $id published more than one version"; return 1; }
    done <"$1"
}

# From three replicas over four workers, each claimed by one worker once.
jobs_once() {
    i=0
    while [ "$i" -lt "$1" ]; do
        i=$((i + 1))
        job_post "job-$i" "job-$i" 3000 "$(cluster_replica_url $((i % 3 + 1)))" \
            >>"$cluster_dir/jobs" || return 1
    done
    all_succeed_once "$cluster_dir/jobs" || return 1
    while read -r id; do
        [ "$(cluster_curl "$cluster_url/v1/jobs/$id" | jq .attempts)" = 1 ] ||
            { echo "job $id was claimed more than once"; return 1; }
    done <"$cluster_dir/jobs"
}

flower_trains() {
    cluster_curl -f -T "$CLUSTER_ROOT/tests/data/iris.csv" "$cluster_url/v1/datasets/iris" \
        >/dev/null || return 1
    id=$(cluster_curl -d '{"model":"flower","dataset":"iris","target":"species","seed":1}' \
        "$cluster_url/v1/jobs" | jq -r .id)
    job_succeeds "$id"
}

# A job of one replica's is seen, paused, resumed and ended through the others.
any_replica() {
    one=$(cluster_replica_url 1) two=$(cluster_replica_url 2) three=$(cluster_replica_url 3)
    id=$(job_post endless endless 900000000 "$one")
    until [ "$(cluster_curl "$two/v1/jobs/$id" | jq -r .status)" = running ]; do sleep 0.05; done
    cluster_curl -f -X POST "$three/v1/jobs/$id/pause" >/dev/null || return 1
    until [ "$(cluster_curl "$two/v1/jobs/$id" | jq -r .status)" = paused ]; do sleep 0.05; done
    cluster_curl -f -X POST "$two/v1/jobs/$id/resume" >/dev/null || return 1
    cluster_curl -sN -m 2 -H 'Accept: text/event-stream' "$three/v1/jobs/$id/events" \
        >"$cluster_dir/stream" 2>/dev/null
    grep -q '^event: cost' "$cluster_dir/stream" || return 1
    cluster_curl -f -X POST "$one/v1/jobs/$id/cancel" >/dev/null || return 1
    [ "$(cluster_curl "$three/v1/jobs/$id?wait=20" | jq -r .status)" = cancelled ]
}

started=$(date +%s)
cluster_up 3 4
check 'a model is trained through the balancer' flower_trains
check 'every replica serves it within a second' cluster_until 1 is_seen_everywhere flower
check 'any replica answers for any job' any_replica
check "each of $JOBS jobs is trained once" jobs_once "$JOBS"
load_start
check "$KILLS replicas are killed and come back" kills "$KILLS"
check "$ROLLS replicas are rolled" rolls "$ROLLS"
check 'no request was lost to that' load_ends $((KILLS * RATE / 2))
load_start
check "the database is away $RESTARTS times" database_restarts "$RESTARTS"
check 'no prediction was lost to that' load_ends $((RESTARTS * RATE / 2))
check 'no job was lost or doubled' all_succeed_once "$cluster_dir/restarted"
echo "$(($(date +%s) - started)) s"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
