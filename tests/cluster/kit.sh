# What the tests of a cluster share: checks that are counted, jobs, a load of predictions. To be
# sourced, after which the cluster ends with the test; deploy/cluster.sh comes along.
CLUSTER_ROOT=$(cd "$(dirname "$0")/../.." && pwd)
load=$CLUSTER_ROOT/${LOAD:-build/tests/cluster/load}
# shellcheck source=deploy/cluster.sh
. "$CLUSTER_ROOT/deploy/cluster.sh"
passed=0 failed=0 load_pid='' started=$(date +%s)

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

# The last lines; the test ends with what checks_end says.
checks_end() {
    echo "$(($(date +%s) - started)) s"
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
}

# ---- jobs ------------------------------------------------------------------------------

# job_post KEY MODEL EPOCHS [URL [MEMBERS]]: until it is accepted; prints its id.
job_post() {
    tries=0
    until cluster_curl -f -m 10 -H "Idempotency-Key: $1" -d "{\"model\":\"$2\",\"epochs\":$3,
        \"data\":{\"features\":[[0],[1],[2]],\"targets\":[1.5,3.5,5.5]},\"seed\":1${5:+,$5}}" \
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

all_succeed() { # FILE: of job ids
    while read -r id; do
        job_succeeds "$id" || { echo "job $id:"; cluster_curl "$cluster_url/v1/jobs/$id"; return 1; }
    done <"$1"
}

# claimed_and_done FILE CLAIMS: whether the store has each of the jobs as succeeded, claimed so
# often (or `attempts`: as often as it says), ended and published once, and what happened to it
# as one sequence without a gap.
claimed_and_done() {
    ids=$(sed "s/.*/'&'/" "$1" | paste -sd ,)
    good=$(cluster_sql "SELECT count(*) FROM jobs j WHERE id IN ($ids)
        AND status = 'succeeded' AND owner = '' AND attempts = $2 AND fence = $2
        AND (SELECT count(*) FROM versions WHERE job_id = j.id) = 1
        AND (SELECT count(*) FROM versions WHERE model = j.model) = 1
        AND (SELECT count(*) FROM events WHERE job = j.number AND kind = 'done') = 1
        AND (SELECT count(*) FROM events WHERE job = j.number AND kind = 'status'
             AND document LIKE '%\"running\"%') = $2
        AND (SELECT count(DISTINCT seq) = j.events AND count(*) = j.events
             AND min(seq) = 1 AND max(seq) = j.events
             FROM (SELECT seq FROM events WHERE job = j.number UNION ALL
                   SELECT seq FROM points WHERE job = j.number) all_of_it)
        AND (SELECT count(*) > 1 AND min(epoch) = 0 AND max(epoch) = j.epochs
             FROM points WHERE job = j.number)") || return 1
    [ "$good" = "$(wc -l <"$1")" ] || {
        echo "of $(wc -l <"$1") jobs, $good are in the store as they should be:"
        cluster_sql "SELECT id, status, owner, attempts, fence, events FROM jobs WHERE id IN ($ids)"
        return 1
    }
}

# ---- replicas --------------------------------------------------------------------------

cluster_store_back() {
    for n in 1 2 3; do
        [ "$(cluster_curl -m 2 -o /dev/null -w '%{http_code}' "$(cluster_replica_url $n)/v1/jobs")" = 200 ] ||
            return 1
    done
}

# ---- the load --------------------------------------------------------------------------

flower_trains() {
    cluster_curl -f -T "$CLUSTER_ROOT/tests/data/iris.csv" "$cluster_url/v1/datasets/iris" \
        >/dev/null || return 1
    id=$(cluster_curl -d '{"model":"flower","dataset":"iris","target":"species","seed":1}' \
        "$cluster_url/v1/jobs" | jq -r .id)
    job_succeeds "$id"
}

is_seen_everywhere() { # by each replica itself, model NAME
    for n in 1 2 3; do
        cluster_curl -f "$(cluster_replica_url $n)/predict" \
            -d "{\"model\":\"$1\",\"instances\":[[5.1,3.5,1.4,0.2]]}" >/dev/null 2>&1 || return 1
    done
}

# Of flower_trains' model, RATE a second.
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
