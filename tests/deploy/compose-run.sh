#!/bin/sh
# Both compose files brought up for real, by whatever engine is here: one node that trains,
# predicts, restarts and comes back from its volume; then the cluster, whose replicas are
# killed and rolled and whose database restarts under load through the published port.
# `make compose-test`; not a part of `make test`, for it needs the engine.
#
#   DOCKER, COMPOSE  the two commands (docker; "docker compose" or docker-compose)
#   IMAGE  an image of descentd that is there; otherwise one is built
#   RATE  requests a second    KILLS  of replicas
#   KEEP_IMAGES=1    leaves the images that it built, for the next run
#
# HAProxy, PostgreSQL and Prometheus are the images that the file names; where they can be had
# neither here nor from their registry, images/ builds stand-ins from Debian's packages. Grafana
# is not started: Debian does not have it, and prometheus.sh asks its queries.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/kit.sh"
load=$top/${LOAD:-build/tests/cluster/load}
docker=${DOCKER:-docker}
: "${KILLS:=3}" "${RATE:=200}"
work=$(mktemp -d)
passed=0 failed=0 load_pid='' project='' file='' built=''
DESCENTD_IMAGE=${IMAGE:-descentd:compose-test}
DESCENTD_PORT=127.0.0.1:$(shuf -i 20000-26000 -n 1)
PROMETHEUS_PORT=127.0.0.1:$(shuf -i 26001-32000 -n 1)
export DESCENTD_IMAGE DESCENTD_PORT PROMETHEUS_PORT
url=http://$DESCENTD_PORT
if [ -z "${COMPOSE:-}" ]; then
    COMPOSE='docker-compose'
    ! $docker compose version >/dev/null 2>&1 || COMPOSE="$docker compose"
fi

compose() {
    $COMPOSE -p "$project" -f "$work/deploy/$file" "$@"
}
say() {
    printf '\n%s\n' "$*"
}
# Again where a container was just being started anew, which may be in the way.
project_end() {
    [ -z "$project" ] || compose down -v -t 5 >/dev/null 2>&1 ||
        compose down -v -t 5 >/dev/null 2>&1
    project=''
}
end() {
    [ -z "$load_pid" ] || kill "$load_pid" 2>/dev/null
    project_end
    # shellcheck disable=SC2086  # a list of names
    [ -n "${KEEP_IMAGES:-}" ] || [ -z "$built" ] || $docker rmi $built >/dev/null 2>&1
    rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM HUP PIPE

die() {
    echo "failed: $1"
    [ -z "$project" ] || compose logs --no-color --tail 2 2>&1 | cut -c -160
    exit 1
}
check() { # NAME COMMAND...
    name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "  ok: $name"
    else
        failed=$((failed + 1))
        echo "  failed: $name"
        compose logs --no-color --tail 2 2>&1 | cut -c -160
    fi
}
container() { # SERVICE
    compose ps -q "$1"
}

# ---- the daemon, over the published port -----------------------------------------------

ask() { # ARGUMENTS...
    curl --noproxy '*' -s -m 70 -H "Authorization: Bearer $token" "$@"
}
is_ready() {
    [ "$(curl --noproxy '*' -s -m 5 -o /dev/null -w '%{http_code}' "$url/readyz")" = 200 ]
}
wants_token() {
    [ "$(curl --noproxy '*' -s -o /dev/null -w '%{http_code}' "$url/v1/models")" = 401 ]
}
predicts() {
    [ "$(ask -d "@$work/body" "$url/predict" | jq -c .predictions 2>/dev/null)" = '["setosa"]' ]
}
job_post() { # KEY MODEL EPOCHS: prints its id
    ask -f -H "Idempotency-Key: $1" -d "{\"model\":\"$2\",\"epochs\":$3,\"hidden_layers\":[8],
        \"checkpoint_seconds\":1,\"dataset\":\"iris\",\"target\":\"species\",\"seed\":1}" "$url/v1/jobs" | jq -r .id
}
job_succeeds() { # ID: polled, since whoever it is asked of may be ended meanwhile
    until_true "${2:-60}" job_is "$1" succeeded
}
job_is() {
    [ "$(ask "$url/v1/jobs/$1?wait=5" | jq -r .status 2>/dev/null)" = "$2" ]
}
flower_trains() {
    ask -f -o /dev/null -T "$top/tests/data/iris.csv" "$url/v1/datasets/iris" || return 1
    flower=$(job_post iris iris 100)
    job_succeeds "$flower"
}

# ---- one node --------------------------------------------------------------------------

exit_codes_are_0() { # SERVICE...
    for service in "$@"; do
        code=$($docker inspect -f '{{.State.ExitCode}}' "$(container "$service")")
        [ "$code" = 0 ] || { echo "$service ended with $code"; return 1; }
    done
}

one_node() {
    file=compose.yaml project=descentd-one-$$
    say 'One node'
    compose up -d $build >"$work/up.log" 2>&1 || { tail -n 20 "$work/up.log"; die 'compose up'; }
    until_true 30 is_ready || die 'it does not become ready'
    check 'who has no token is refused' wants_token
    check 'its root cannot be written' [ "$($docker inspect -f '{{.HostConfig.ReadonlyRootfs}}' \
        "$(container descentd)")" = true ]
    check 'a model is trained' flower_trains
    check 'it predicts' predicts
    compose restart >/dev/null 2>&1
    check 'after a restart it is ready' until_true 30 is_ready
    check '  and predicts' predicts
    compose stop >/dev/null 2>&1
    check 'SIGTERM ends it with 0' exit_codes_are_0 descentd
    compose down >/dev/null 2>&1
    compose up -d >/dev/null 2>&1
    check 'after down and up it is ready' until_true 30 is_ready
    check '  and predicts' predicts
    check '  and has the job' job_is "$flower" succeeded
    project_end
}

# ---- the cluster -----------------------------------------------------------------------

# The balancer's own word on a replica of /predict, as often as it said it: of its checks, or of
# a name that has an address again.
balancer_said() { # N UP|DOWN
    $docker logs "$(container balancer)" 2>&1 | grep -c "Server predictions/serve$1\\( ('serve$1')\\)\\? is $2"
}
balancer_says_more() { # N UP|DOWN TIMES
    [ "$(balancer_said "$1" "$2")" -gt "$3" ]
}
# replica_comes_back N COMMAND...: the command ends it; the balancer sees it go and return.
replica_comes_back() {
    n=$1
    shift
    downs=$(balancer_said "$n" DOWN) ups=$(balancer_said "$n" UP)
    "$@" >/dev/null || return 1
    until_true 15 balancer_says_more "$n" DOWN "$downs" || { echo "not seen DOWN"; return 1; }
    $docker start "$(container "serve$n")" >/dev/null || return 1
    until_true 30 "$docker" exec "$(container "serve$n")" descentd health >/dev/null || return 1
    until_true 30 balancer_says_more "$n" UP "$ups" || { echo "not seen UP"; return 1; }
}
load_start() {
    "$load" "$url/predict" "$RATE" "$work/body" '"predictions":["setosa"]' "$token" \
        >"$work/load.out" 2>"$work/load.err" &
    load_pid=$!
    sleep 1
}
load_ends() { # ends with 0 failed
    kill "$load_pid" || return 1
    wait "$load_pid"
    code=$?
    load_pid=''
    sed 's/^/    /' "$work/load.out" "$work/load.err"
    return $code
}

# What Prometheus has by now.
series_is() { # QUERY VALUE
    [ "$(curl --noproxy '*' -s -m 5 --data-urlencode "query=$1" \
        "http://$PROMETHEUS_PORT/api/v1/query" | jq -r '.data.result[0].value[1]')" = "$2" ]
}

# job_has ID FILTER: whether the job as it is now is as the filter of jq says.
job_has() {
    ask "$url/v1/jobs/$1" | jq -e "$2" >/dev/null 2>&1
}
# The worker that trains an endless job is killed: another goes on from its checkpoint.
worker_is_killed() {
    endless=$(job_post endless endless 900000000)
    until_true 30 job_has "$endless" '.checkpoint >= 1' || { echo 'no checkpoint'; return 1; }
    epoch=$(ask "$url/v1/jobs/$endless/checkpoints" | jq '[.data[].epoch] | max')
    worker=worker1
    ! $docker logs "$(container worker2)" 2>&1 | grep -q "\"$endless\"" || worker=worker2
    $docker kill -s KILL "$(container $worker)" >/dev/null || return 1
    until_true 60 job_has "$endless" ".attempts == 2 and .status == \"running\" and .epoch >= $epoch" ||
        { ask "$url/v1/jobs/$endless"; return 1; }
    ask -f -o /dev/null -X POST "$url/v1/jobs/$endless/cancel" || return 1
    $docker start "$(container $worker)" >/dev/null
    until_true 30 job_is "$endless" cancelled
}

image_have() { # NAME: as it is here, or from its registry, or a stand-in
    $docker image inspect "$1" >/dev/null 2>&1 || $docker pull -q "$1" >/dev/null 2>&1 || {
        name=${1%:*}
        $docker build -t "$1" "$top/tests/deploy/images/${name##*/}" >"$work/build.log" 2>&1 ||
            { tail -n 20 "$work/build.log"; die "no image $1, and no stand-in"; }
        built="$built $1"
    }
    stands=$($docker image inspect -f '{{index .Config.Labels "descentd.stand-in"}}' "$1")
    echo "  $1$([ "$stands" != yes ] || echo ', a stand-in of Debian packages')"
}

cluster() {
    file=compose.cluster.yaml project=descentd-cluster-$$
    say 'The cluster, on'
    for image in $(sed -n 's/^ *image: \([a-z].*\)/\1/p' "$work/deploy/$file" | grep -v grafana); do
        image_have "$image"
    done
    compose up -d --scale grafana=0 >"$work/up.log" 2>&1 ||
        { tail -n 20 "$work/up.log"; die 'compose up'; }
    until_true 60 is_ready || die 'it does not become ready'
    check 'who has no token is refused' wants_token
    check 'a model is trained' flower_trains
    check 'every replica predicts' until_true 30 predicts
    check 'Prometheus sees three replicas' until_true 30 series_is 'sum(up{job="descentd"})' 3
    say "$RATE predictions a second, each looked at"
    load_start
    n=0
    while [ $n -lt "$KILLS" ]; do
        n=$((n + 1))
        replica=$(((n - 1) % 3 + 1))
        check "replica $replica is killed and comes back" replica_comes_back $replica \
            "$docker" kill -s KILL "$(container serve$replica)"
    done
    check 'the one killed first predicts again' until_true 30 series_is \
        'descentd_prediction_rows_total{instance="serve1:8080"} > bool 0' 1
    for n in 1 2 3; do
        check "replica $n is stopped and comes back" replica_comes_back $n \
            "$docker" stop -t 30 "$(container serve$n)"
    done
    check 'none of that cost a request' load_ends
    load_start
    $docker restart -t 30 "$(container database)" >/dev/null
    check 'the database restarts, and a job is trained' job_succeeds "$(job_again)"
    check 'none of that cost a request' load_ends
    check 'a killed worker'\''s job goes on with the other' worker_is_killed
    compose stop >/dev/null 2>&1
    check 'SIGTERM ends servers and workers with 0' exit_codes_are_0 serve1 serve2 serve3 \
        worker1 worker2
    compose up -d --scale grafana=0 >/dev/null 2>&1
    check 'it comes up again, with its model' until_true 60 predicts
    project_end
}
job_again() {
    until_true 30 ask -f -o /dev/null "$url/v1/jobs" && job_post again again 100
}

# A copy, so that the secrets do not lie in the checkout.
(cd "$top" && cp -a Dockerfile .dockerignore Makefile engine api server deploy "$work")
mkdir -p "$work/deploy/secrets"
token=$(head -c 24 /dev/urandom | base64)
echo "$token" >"$work/deploy/secrets/tokens"
head -c 24 /dev/urandom | base64 | tr -d '/+=\n' >"$work/deploy/secrets/database_password"
printf 'postgresql://descentd:%s@database/descentd' \
    "$(cat "$work/deploy/secrets/database_password")" >"$work/deploy/secrets/store"
chmod 755 "$work"
chmod 644 "$work"/deploy/secrets/*
echo '{"model":"iris","instances":[[5.1,3.5,1.4,0.2]]}' >"$work/body"
build=--no-build
[ -n "${IMAGE:-}" ] || build=--build built=$DESCENTD_IMAGE
started=$(date +%s)
one_node
cluster
say "$(($(date +%s) - started)) s"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
