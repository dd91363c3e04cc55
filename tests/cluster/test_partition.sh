#!/bin/sh
# A cluster whose hosts have networks of their own, and one after the other is cut off: what is
# sent to it and by it is dropped without a word, so that nobody is told that a connection is
# gone. Short in `make test`; long, with CUTS=20, in `make cluster-test`.
#
#   CUTS  of a worker at work    RATE  of predictions a second meanwhile
set -u
: "${CUTS:=2}" "${RATE:=100}"
# shellcheck source=tests/cluster/kit.sh
. "$(dirname "$0")/kit.sh"
# shellcheck source=tests/cluster/hosts.sh
. "$(dirname "$0")/hosts.sh"
hosts_enter "$0"
# Some seconds of training, written down often; a lease that ends soon.
EPOCHS=6000000
export DESCENTD_LEASE_MS=2000

job_field() { # ID COLUMN
    cluster_sql "SELECT $2 FROM jobs WHERE id = '$1'"
}

job_worker() { # ID: the host of the one that has it
    job_field "$1" "split_part(owner, '/', 1)"
}

long_post() { # MODEL
    job_post "$1" "$1" "$EPOCHS" "$cluster_url" '"checkpoint_seconds":0.2'
}

is_at_work() { # ID: and has written a checkpoint
    [ "$(job_field "$1" "checkpoint > 0 AND owner <> ''")" = t ]
}

is_taken_over() { # ID WORKER: from it
    [ "$(job_field "$1" "fence = 2 AND owner <> '' AND split_part(owner, '/', 1) <> '$2'")" = t ]
}

has_let_go() { # ID WORKER
    grep '"lease lost' "$cluster_dir/$2.log" | grep -q "$1"
}

# result_of MODEL ID FOLDER: its parameters and its curve.
result_of() {
    mkdir -p "$3"
    cluster_curl -f -o "$3/parameters" \
        "$cluster_url/v1/models/$1/versions/1/export?format=safetensors" &&
        cluster_curl -f "$cluster_url/v1/jobs/$2/history" | jq -c '.data[]' >"$3/curve"
}

# What nobody disturbs, and what the others have to come to; it goes on beside the first of them.
calm_begins() {
    calm=$(long_post calm) && cluster_until 20 is_at_work "$calm"
}

is_as_if_calm() { # MODEL ID
    job_succeeds "$calm" && result_of calm "$calm" "$cluster_dir/calm" &&
        result_of "$1" "$2" "$cluster_dir/cut" || return 1
    cmp "$cluster_dir/calm/parameters" "$cluster_dir/cut/parameters" &&
        cmp "$cluster_dir/calm/curve" "$cluster_dir/cut/curve"
}

# worker_is_cut N [to|from]: while it trains. In turn it is back while the other one trains, and
# must stop; or when all is over, and its end of the story must count for nothing.
worker_is_cut() {
    id=$(long_post "cut-$1") || return 1
    echo "$id" >"$cluster_dir/ids"
    cluster_until 20 is_at_work "$id" || { echo 'nobody trains'; return 1; }
    cut=$(job_worker "$id")
    host_cut "$cut" ${2:+"$2"}
    cluster_until 60 is_taken_over "$id" "$cut" || { echo 'nobody took it over'; return 1; }
    [ $(($1 % 2)) = 1 ] || job_succeeds "$id" || return 1
    host_heal "$cut"
    cluster_until 20 has_let_go "$id" "$cut" || { echo "$cut did not let go"; return 1; }
    [ $(($1 % 2)) = 0 ] || [ "$(job_field "$id" "status = 'running' AND fence = 2")" = t ] ||
        { echo "$cut let go when all was over"; return 1; }
    job_succeeds "$id" && claimed_and_done "$cluster_dir/ids" 2 && is_as_if_calm "cut-$1" "$id"
}

# With the others ended, it is the one that was cut off last who trains.
worker_works_again() {
    for other in worker1 worker2 worker3; do
        [ "$other" = "$cut" ] || cluster_end "$other" TERM || { echo "$other ended with $?"; return 1; }
    done
    id=$(job_post again again 2000) || return 1
    job_succeeds "$id" || return 1
    grep '"job started"' "$cluster_dir/$cut.log" | grep -q "$id" || return 1
    for other in worker1 worker2 worker3; do
        [ "$other" = "$cut" ] || cluster_work "${other#worker}"
    done
}

served() { # N: predictions so far, by the balancer's count
    cluster_balancer_csv | awk -F , -v name="serve$1" '$1 == "predictions" && $2 == name { print $8 }'
}

serves_more() { # N THAN
    [ "$(served "$1")" -gt "$2" ]
}

has_none_in_flight() { # N
    cluster_balancer_csv | grep -q "^predictions,serve$1,0,[0-9]*,0,"
}

serves_version() { # N VERSION
    [ "$(cluster_curl "$(cluster_replica_url "$1")/predict" -d @"$cluster_dir/body" |
        jq .version)" = "$2" ]
}

# Its clients go to the others, in the end those too who wait for it to answer; what was
# published meanwhile it has when it is back.
replica_is_cut() {
    host_cut serve1
    cluster_until 10 cluster_sees 1 DOWN || { echo 'the balancer did not notice'; return 1; }
    flower_trains || return 1
    cluster_until 8 has_none_in_flight 1 || { echo 'it still holds some'; return 1; }
    before=$(served 1)
    host_heal serve1
    cluster_until 10 cluster_sees 1 UP || { echo 'it did not come back'; return 1; }
    cluster_until 10 serves_more 1 "$before" || { echo 'nobody asks it'; return 1; }
    cluster_until 10 serves_version 1 2 || { echo 'it serves what there was'; return 1; }
}

says_503() {
    [ "$(cluster_curl -m 15 -o /dev/null -w '%{http_code}' "$(cluster_replica_url 1)/v1/jobs")" = 503 ]
}

# A job trains on meanwhile, or another worker does.
database_is_cut() {
    id=$(long_post away) || return 1
    echo "$id" >"$cluster_dir/ids"
    cluster_until 20 is_at_work "$id" || return 1
    host_cut db
    says_503 || { echo 'a list of jobs without the database is not 503'; return 1; }
    for n in 1 2 3; do
        cluster_is_200 "$(cluster_replica_url $n)/readyz" ||
            { echo "replica $n is not ready without the database"; return 1; }
    done
    host_heal db
    cluster_until 5 cluster_store_back || { echo 'not back within 5 s'; return 1; }
    job_succeeds "$id" && claimed_and_done "$cluster_dir/ids" attempts && is_as_if_calm away "$id"
}

hosts_up db balancer serve1 serve2 serve3 worker1 worker2 worker3 || exit 1
cluster_up 3 3
check 'a model is trained through the balancer' flower_trains
check 'every replica serves it' cluster_until 5 is_seen_everywhere flower
check 'a job is trained' calm_begins
load_start
n=0
while [ "$n" -lt "$CUTS" ]; do
    n=$((n + 1))
    case $((n % 6)) in 3 | 4) way=to ;; 5 | 0) way=from ;; *) way='' ;; esac
    check "a worker is cut off at work ($n${way:+, $way it})" worker_is_cut "$n" $way
done
check 'it works again' worker_works_again
check 'a replica is cut off' replica_is_cut
check 'the database is cut off' database_is_cut
check 'no prediction was lost to that' load_ends "$RATE"
checks_end
