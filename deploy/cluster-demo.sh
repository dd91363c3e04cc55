#!/bin/sh
# The topology of compose.cluster.yaml on this machine's loopback, from Debian's packages: three
# replicas and two workers on PostgreSQL behind HAProxy. Trains a model through the balancer,
# puts it under load, kills a replica, rolls all three, stops the database at once and starts it
# again, and prints what was lost. Run by `make cluster-demo`; keeps serving until Ctrl-C.
#
#   DEMO_EXIT=1  stop at the end instead
set -eu
CLUSTER_ROOT=$(cd "$(dirname "$0")/.." && pwd)
load=$CLUSTER_ROOT/${LOAD:-build/tests/cluster/load}
# shellcheck source=deploy/cluster.sh
. "$CLUSTER_ROOT/deploy/cluster.sh"
load_pid=''

end() {
    [ -z "$load_pid" ] || kill "$load_pid" 2>/dev/null || :
    cluster_down
}
trap end EXIT
trap 'trap "" INT TERM; echo; exit 130' INT
trap 'exit 143' TERM

say() {
    printf '\n%s\n' "$*"
}

say 'Starting PostgreSQL, three replicas, two workers, HAProxy ...'
cluster_up 3 2
printf '  balancer   %s\n  replicas   %s %s %s\n' "$cluster_url" "$(cluster_replica_url 1)" \
    "$(cluster_replica_url 2)" "$(cluster_replica_url 3)"

say 'Training the iris flowers through the balancer ...'
cluster_curl -f -T "$CLUSTER_ROOT/tests/data/iris.csv" "$cluster_url/v1/datasets/iris" >/dev/null
id=$(cluster_curl -f -d '{"model":"iris","dataset":"iris","target":"species",
    "validation_split":0.2,"seed":1}' "$cluster_url/v1/jobs" | jq -r .id)
cluster_curl "$cluster_url/v1/jobs/$id?wait=60" >"$cluster_dir/job"
jq -r '"  \(.status) after \(.training_seconds) s, accuracy on rows it has not seen " +
    "\(.metrics.validation.accuracy)"' "$cluster_dir/job"
echo '{"model":"iris","instances":[[5.1,3.5,1.4,0.2]]}' >"$cluster_dir/body"
cluster_until 5 cluster_curl -f -o /dev/null -d "@$cluster_dir/body" "$cluster_url/predict" 2>/dev/null

say '500 predictions a second from now on, each looked at.'
"$load" "$cluster_url/predict" 500 "$cluster_dir/body" '"predictions":["setosa"]' \
    "$cluster_token" >"$cluster_dir/load.out" 2>"$cluster_dir/load.err" &
load_pid=$!
sleep 1
say 'Killing replica 1 (kill -9), and starting it again ...'
cluster_end serve1 KILL || :
sleep 1
cluster_serve 1
cluster_until 10 cluster_sees 1 UP
say 'Rolling all three: not ready, drained, ended, started ...'
for n in 1 2 3; do
    cluster_end "serve$n" TERM
    cluster_serve "$n"
    cluster_until 10 cluster_sees "$n" UP
    echo "  replica $n is back"
done
say 'Stopping the database at once, for two seconds ...'
cluster_database stop
sleep 2
cluster_database start
cluster_until 10 cluster_curl -f -o /dev/null -m 2 "$cluster_url/v1/jobs" 2>/dev/null
sleep 1
kill "$load_pid"
wait "$load_pid" || :
load_pid=''
say 'What was lost:'
sed 's/^load /  /' "$cluster_dir/load.out"
cat "$cluster_dir/load.err"
grep -q ' 0 failed,' "$cluster_dir/load.out"
if [ "${DEMO_EXIT:-}" != 1 ]; then
    say "Serving on $cluster_url until Ctrl-C. The token:"
    cat "$cluster_dir/tokens"
    echo "  curl -H 'Authorization: Bearer $cluster_token' $cluster_url/v1/models"
    wait
fi
