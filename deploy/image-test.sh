#!/bin/sh
# Builds the image and runs it the way it is meant to be run: read-only root, no capabilities,
# a uid that no passwd file knows, no shell, half a gigabyte, one CPU. Trains, predicts, stops in
# the middle of a job, starts again on the same volume, is killed, and starts once more; says what
# it makes of other limits, how large it is and how fast it starts.
#
# Needs docker (any engine that speaks its API), curl and jq. IMAGE names the image, PORT the
# port on this machine; BUILD=0 takes the image as it is. Prints one line a check, then the
# figures; ends with 1 if a check failed.
set -u

image=${IMAGE:-descentd:test}
port=${PORT:-18480}
name=descentd-test-$$
volume=$name
url=http://127.0.0.1:$port
work=$(mktemp -d)
top=$(cd "$(dirname "$0")/.." && pwd)
failures=0
least_inside_ms=1000000
size_mb_max=60
start_ms_max=100

finish() {
    docker rm -f "$name" >/dev/null 2>&1
    docker volume rm -f "$volume" >/dev/null 2>&1
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

now_ms() { date +%s%3N; }
check() { # WHAT EXPECTED GOT
    if [ "$2" = "$3" ]; then
        echo "ok    $1"
    else
        echo "FAIL  $1: expected $2, got $3"
        failures=$((failures + 1))
    fi
}
die() {
    echo "FAIL  $1"
    docker logs "$name" 2>&1 | tail -20
    exit 1
}
status_of() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
job_field() { curl -s "$url/v1/jobs/$1" | jq -r ".$2"; }

# Polls until a command says what it should; the time that took is in waited_ms.
wait_for() { # SECONDS EXPECTED COMMAND...
    since=$(now_ms)
    until_ms=$((since + $1 * 1000))
    expected=$2
    shift 2
    while [ "$("$@" 2>/dev/null)" != "$expected" ]; do
        [ "$(now_ms)" -lt $until_ms ] || return 1
        sleep 0.01
    done
    waited_ms=$(($(now_ms) - since))
}

# The shells that the base has are covered: nothing may need one.
container_run() {
    started_ms=$(now_ms)
    docker run -d --name "$name" -e DESCENTD_ALLOW_ANONYMOUS=yes --read-only --cap-drop ALL \
        --security-opt no-new-privileges --user 12345:0 --memory 512m --cpus 1 \
        -v /dev/null:/usr/bin/dash:ro -v /dev/null:/usr/bin/bash:ro \
        --pids-limit 64 -v "$volume:/data" -p "127.0.0.1:$port:8080" "$image" \
        >/dev/null || die "docker run"
    wait_for 20 200 status_of "$url/readyz" || die "the container did not become ready"
    ready_ms=$(($(now_ms) - started_ms))
    inside_ms=$(start_inside_ms)
    [ "$inside_ms" -gt "$least_inside_ms" ] || least_inside_ms=$inside_ms
}

# The time from the container's own start to the line that says it serves, in milliseconds.
start_inside_ms() {
    begun=$(docker inspect -f '{{.State.StartedAt}}' "$name" | sed 's/ +0000 UTC/Z/; s/ /T/')
    serving=$(docker logs "$name" 2>&1 | grep '^{' |
        jq -r 'select(.message == "serving") | .time' | head -1)
    echo $(($(date -d "$serving" +%s%3N) - $(date -d "$begun" +%s%3N)))
}
log_field() { # MESSAGE FIELD: of the newest such line
    docker logs "$name" 2>&1 | grep '^{' |
        jq -r "select(.message == \"$1\") | .$2" | tail -1
}

# Two noisy rings, a row a line: the same rows whenever it is asked.
rings() { # ROWS
    awk -v n="$1" 'BEGIN { srand(1); for (i = 0; i < n; i++) { r = 1 + i % 2 + rand() / 3;
        a = 6.2831853 * rand(); printf "%.4f %.4f %d\n", r * cos(a), r * sin(a), i % 2 } }'
}
job_body() { # MODEL ROWS EPOCHS
    rings "$2" | awk -v model="$1" -v epochs="$3" '
        { x = x s "[" $1 "," $2 "]"; y = y s $3; s = "," }
        END { printf "{\"model\":\"%s\",\"data\":{\"features\":[%s],\"targets\":[%s]},", model, x, y
              printf "\"hidden_layers\":[16,16],\"activation\":\"tanh\",\"learning_rate\":0.5,"
              printf "\"epochs\":%d,\"seed\":1}\n", epochs }'
}
predict() {
    curl -s -d '{"model":"rings","instances":[[1.1,0.2],[-1.4,1.7]]}' "$url/predict" |
        jq -c .predictions
}

if [ "${BUILD:-1}" != 0 ]; then
    build_ms=$(now_ms)
    docker build -t "$image" "$top" >"$work/build.log" 2>&1 ||
        { tail -30 "$work/build.log"; die "docker build"; }
    build_ms=$(($(now_ms) - build_ms))
fi
check "the image's user is not root" "10001:10001" \
    "$(docker inspect -f '{{.Config.User}}' "$image")"

echo "-- a first start on an empty volume"
container_run
first_ready_ms=$ready_ms
first_inside_ms=$inside_ms
docker exec "$name" descentd health >/dev/null
check "the health check" 0 $?
docker exec "$name" sh -c true >/dev/null 2>&1
check "there is no shell" yes "$([ $? -ge 126 ] && echo yes)"
for path in /livez /readyz /metrics /v1/jobs /v1/models; do
    check "GET $path" 200 "$(status_of "$url$path")"
done
wait_for 5 1 log_field "worker ready" threads
check "threads of the worker under --cpus 1" 1 "$(log_field 'worker ready' threads)"

echo "-- what it makes of the limits"
finds() { # KEY ARGUMENTS...: what \`descentd check\` says of that in such a container
    key=$1
    shift
    docker run --rm --read-only --cap-drop ALL --user 23456:0 -e DESCENTD_ALLOW_ANONYMOUS=yes \
        "$@" "$image" check 2>&1 | sed -n "s/^ok *$key *//p"
}
check "CPUs under --cpus 1" 1 "$(finds cpus --cpus 1)"
check "CPUs under --cpus 1.5" $(($(nproc) < 2 ? 1 : 2)) "$(finds cpus --cpus 1.5)"
check "CPUs under --cpuset-cpus 0" 1 "$(finds cpus --cpuset-cpus 0)"
check "memory under --memory 512m" "512 MiB; bodies 128, models 128, a job 384" \
    "$(finds memory --memory 512m)"
check "memory under --memory 1g" "1024 MiB; bodies 256, models 256, a job 768" \
    "$(finds memory --memory 1g)"
echo '{"model":"wide","data":{"features":[[0],[1]],"targets":[0.5,1.5]},
    "hidden_layers":[8000,8000]}' >"$work/wide.json"
check "a job of more than three quarters of it is refused" 413 \
    "$(status_of -d @"$work/wide.json" "$url/v1/jobs")"

echo "-- train and predict"
job_body rings 2000 500 >"$work/rings.json"
job=$(curl -s -d @"$work/rings.json" "$url/v1/jobs" | jq -r .id)
check "a job succeeds" succeeded "$(curl -s "$url/v1/jobs/$job?wait=60" | jq -r .status)"
check "its model predicts" "[0,1]" "$(predict)"

echo "-- docker stop while a job trains and a request waits for it"
# As many epochs as take six seconds here.
epochs=$(curl -s "$url/v1/jobs/$job" | jq '(.epochs / .training_seconds * 6) | floor')
job_body long 2000 "$epochs" >"$work/long.json"
long=$(curl -s -d @"$work/long.json" "$url/v1/jobs" | jq -r .id)
wait_for 10 running job_field "$long" status || die "the long job did not start"
curl -s -w '%{http_code}' -o "$work/waited" "$url/v1/jobs/$long?wait=60" >"$work/code" &
waiting=$!
sleep 1
stop_ms=$(now_ms)
docker stop -t 20 "$name" >/dev/null
stop_ms=$(($(now_ms) - stop_ms))
wait $waiting
check "the request that waited is answered" 200 "$(cat "$work/code")"
check "  with the job as it stood" "$long" "$(jq -r .id "$work/waited")"
check "the exit code" 0 "$(docker inspect -f '{{.State.ExitCode}}' "$name")"
check "the job was put back" "$long" "$(log_field 'job put back' job)"
docker rm "$name" >/dev/null

echo "-- a new container on the same volume"
container_run
check "the model serves" "[0,1]" "$(predict)"
check "the first job is readable" succeeded "$(job_field "$job" status)"
wait_for 20 running job_field "$long" status
resumed_ms=$waited_ms
check "the job that was stopped runs again" running "$(job_field "$long" status)"

echo "-- docker kill while it trains, and a new container"
docker kill "$name" >/dev/null
docker rm "$name" >/dev/null
container_run
wait_for 30 "$long" log_field "job started" job
check "the job that was killed starts again" "$long" "$(log_field 'job started' job)"
killed_ms=$waited_ms
check "the job that was killed succeeds" succeeded \
    "$(curl -s "$url/v1/jobs/$long?wait=120" | jq -r .status)"
check "the model serves" "[0,1]" "$(predict)"

echo "-- more bodies at a time than the memory holds"
awk 'BEGIN { for (j = 0; j < 784; j++) { x = x s sprintf("%.2f", j / 784); s = "," }
    printf "{\"model\":\"big\",\"data\":{\"features\":["
    for (i = 0; i < 12000; i++) printf "%s[%s]", i ? "," : "", x
    printf "],\"targets\":["
    for (i = 0; i < 12000; i++) printf "%s%d", i ? "," : "", i % 10
    printf "]},\"epochs\":1}\n" }' >"$work/big.json"
posts=
for i in 1 2 3 4 5 6 7 8; do
    status_of -d @"$work/big.json" "$url/v1/jobs" >"$work/big.$i" &
    posts="$posts $!"
done
wait $posts
check "the answers are 202 or 503" "" "$(cat "$work"/big.? | sed 's/202//g; s/503//g')"
check "the server is there" 200 "$(status_of "$url/readyz")"
check "the model serves" "[0,1]" "$(predict)"
check "nothing was killed for want of memory" false \
    "$(docker inspect -f '{{.State.OOMKilled}}' "$name")"

echo "-- a user who may not read the volume"
docker rm -f "$name" >/dev/null
docker run --name "$name" --user 999:999 -v "$volume:/data" "$image" >"$work/denied" 2>&1
check "is refused" 1 "$(docker inspect -f '{{.State.ExitCode}}' "$name")"
sed -n 's/^descentd: /      /p' "$work/denied"

# All files of an image, as a tar's bytes: engines differ in what they call its size.
unpacked() { # IMAGE
    id=$(docker create "$1" true)
    docker export "$id" | wc -c
    docker rm -v "$id" >/dev/null
}
echo "-- size and start"
base=$(sed -n 's/^FROM \([^ ]*\)$/\1/p' "$top/Dockerfile")
size=$(unpacked "$image")
beyond_mb=$(((size - $(unpacked "$base")) / 1000000))
check "it is less than $size_mb_max MB beyond its base" yes \
    "$([ $beyond_mb -lt $size_mb_max ] && echo yes || echo $beyond_mb)"
# On an empty volume of its own; on a busy machine more than one try.
docker rm -f "$name" >/dev/null
for try in 1 2 3 4 5 6 7 8 9 10; do
    [ "$least_inside_ms" -ge $start_ms_max ] || break
    docker volume rm -f "$volume" >/dev/null 2>&1
    container_run
    docker rm -f "$name" >/dev/null
done
quick=$([ "$least_inside_ms" -lt $start_ms_max ] && echo yes || echo "$least_inside_ms ms")
if [ "$quick" != yes ] && awk -v n="$(nproc)" '{ exit $1 <= n }' /proc/loadavg; then
    echo "      not judged, for the machine is busy: the fastest start took $quick"
else
    check "the fastest of its starts took less than $start_ms_max ms" yes "$quick"
fi
cat <<END
figures
  build                                    ${build_ms:--} ms
  image, unpacked                          $((size / 1000000)) MB; beyond $base $beyond_mb MB
  docker run to the first 200 of /readyz   $first_ready_ms ms on an empty volume, $ready_ms ms on the last
  container start to "serving" in the log  $first_inside_ms ms; the fastest of all $least_inside_ms ms
  docker stop while training               $stop_ms ms
  ready to training again, after a stop    $resumed_ms ms; after a kill $killed_ms ms
  failures                                 $failures
END
[ $failures = 0 ]
