#!/bin/sh
# Three replicas and four workers on a real PostgreSQL behind a real HAProxy with deploy/'s own
# configuration: what is lost when replicas are killed, rolled, and the database goes away under
# load. Short in `make test`; long, with the figures printed, in `make cluster-test`.
#
#   KILLS, ROLLS  of replicas    RESTARTS  of the database, at once    JOBS  RATE  requests/s
set -u
: "${KILLS:=3}" "${ROLLS:=2}" "${RESTARTS:=2}" "${JOBS:=12}" "${RATE:=200}"
# shellcheck source=tests/cluster/kit.sh
. "$(dirname "$0")/kit.sh"

# ---- what happens to replicas ----------------------------------------------------------

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

# From three replicas over four workers, each claimed by one worker once.
jobs_once() {
    i=0
    while [ "$i" -lt "$1" ]; do
        i=$((i + 1))
        job_post "job-$i" "job-$i" 3000 "$(cluster_replica_url $((i % 3 + 1)))" \
            >>"$cluster_dir/jobs" || return 1
    done
    all_succeed "$cluster_dir/jobs" && claimed_and_done "$cluster_dir/jobs" 1 || return 1
    while read -r id; do
        [ "$(grep -h '"job started"' "$cluster_dir"/worker*.log | grep -c "$id")" = 1 ] ||
            { echo "job $id was not trained by one worker once"; return 1; }
    done <"$cluster_dir/jobs"
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
check 'no job was lost' all_succeed "$cluster_dir/restarted"
check 'none was doubled' claimed_and_done "$cluster_dir/restarted" attempts
checks_end
