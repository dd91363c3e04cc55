#!/bin/sh
# The daemon's speed, each figure beside what bounds it, measured in turn so that a busy
# machine slows both: training beside the products it is made of, predictions beside an
# empty handler of the same HTTP library, the curve and the background job beside their
# absence. Figures are medians with the least and the greatest; a ratio is the median of
# the rounds' ratios.
#
#   DESCENTD=build/descentd BENCH=build/tests/bench [ROUNDS=5] [SECONDS_EACH=2] sh bench.sh
set -eu
: "${DESCENTD:?the daemon}" "${BENCH:?the folder of the bench programs}"
rounds=${ROUNDS:-5} seconds=${SECONDS_EACH:-2}
here=$(dirname "$0")
dir=$(mktemp -d)
daemon_pid='' floor_pid=''
bytes=application/octet-stream infer=/v2/models/digits/infer

end() {
    for pid in $daemon_pid $floor_pid; do
        kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
    done
    rm -rf "$dir"
}
trap end EXIT
trap 'exit 1' INT TERM
# shellcheck source=tests/bench/kit.sh
. "$here/kit.sh"

die() {
    echo "bench: $*" >&2
    [ ! -s "$dir/daemon.log" ] || tail -n 5 "$dir/daemon.log" >&2
    exit 1
}

# The first line that a server prints to FILE.
first_line() {
    tries=0
    until [ -s "$1" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || die "no server within 10 s"
        sleep 0.05
    done
    head -n 1 "$1"
}

# ---- random data -----------------------------------------------------------------------

# floats M N: M equal rows of N float32 in [1/32, 1/8), as their bytes; M a power of ten.
floats() {
    # shellcheck disable=SC2059  # the bytes are a format
    printf "$(awk -v n="$2" 'BEGIN {
        srand(n)
        for (j = 0; j < n; j++)
            printf "\\%03o\\%03o\\%03o\\075", 256 * rand(), 256 * rand(), 256 * rand()
    }')" >"$dir/floats"
    m=$1
    while [ "$m" -gt 1 ]; do
        for _ in 1 2 3 4 5 6 7 8 9 10; do cat "$dir/floats"; done >"$dir/floats.10"
        mv "$dir/floats.10" "$dir/floats"
        m=$((m / 10))
    done
    cat "$dir/floats"
}

# ---- the daemon's jobs -----------------------------------------------------------------

# job_post FILE: the id of the job.
job_post() {
    curl -sS -f -H 'Content-Type: application/json' --data-binary "@$1" \
        "$daemon/v1/jobs" | jq -r .id
}

# job_end ID FILE: waits for the end, which must be a model.
job_end() {
    curl -sS -f "$daemon/v1/jobs/$1?wait=60" >"$2"
    [ "$(jq -r .status "$2")" = succeeded ] || die "a job ended as: $(cat "$2")"
}

# job_status_wait ID STATUS
job_status_wait() {
    tries=0
    until [ "$(curl -sS -f "$daemon/v1/jobs/$1" | jq -r .status)" = "$2" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || die "the job $1 is not $2 within 10 s"
        sleep 0.05
    done
}

# ---- what is measured ------------------------------------------------------------------

serve() {
    threads=$(nproc)
    "$DESCENTD" serve --listen 127.0.0.1:0 --store "$dir/store.db" --http-threads "$threads" \
        --log-level warn >"$dir/daemon" 2>"$dir/daemon.log" &
    daemon_pid=$!
    "$BENCH/floor" "$threads" >"$dir/floor" &
    floor_pid=$!
    daemon=$(first_line "$dir/daemon")
    daemon=${daemon#listening on }
    floor=http://127.0.0.1:$(first_line "$dir/floor")
}

models_make() {
    job tiny 30 4 3 '"hidden_layers":[8],"epochs":1' >"$dir/job"
    job_end "$(job_post "$dir/job")" "$dir/ended"
    job digits 100 784 10 '"hidden_layers":[256,128],"epochs":1' >"$dir/job"
    job_end "$(job_post "$dir/job")" "$dir/ended"
    job sixteen 100 16 3 '"hidden_layers":[32],"epochs":1' >"$dir/job"
    job_end "$(job_post "$dir/job")" "$dir/ended"
    body tiny 1 4 >"$dir/tiny_1"
    body digits 1 784 >"$dir/digits_1"
    body digits 100 784 >"$dir/digits_100"
    body sixteen 10000 16 >"$dir/sixteen_10000"
    floats 1000 784 >"$dir/tensor_1000"
    for name in tiny_1 digits_1 digits_100 sixteen_10000; do
        curl -sS -f --data-binary "@$dir/$name" "$daemon/predict" >"$dir/$name.answer" ||
            die "no prediction of $name"
    done
    curl -sS -f -H "Content-Type: $bytes" --data-binary "@$dir/tensor_1000" \
        "$daemon$infer" >"$dir/tensor_1000.answer" || die "no prediction of a tensor"
}

# Each shape of prediction and the empty handler, in turn.
predictions_run() {
    for _ in $(seq "$rounds"); do
        load 4 "$dir/tensor_1000" "$daemon$infer" "$dir/tensor_1000.4.daemon" "$bytes"
        load 4 "$dir/tensor_1000" "$floor/$(wc -c <"$dir/tensor_1000.answer")" \
            "$dir/tensor_1000.4.floor" "$bytes"
        both 16 tiny_1
        both 16 digits_1
        both 64 digits_1
        both 4 digits_100
        both 4 sixteen_10000
    done
}

# both CONNECTIONS NAME: the daemon, then the empty handler.
both() {
    load "$1" "$dir/$2" "$daemon/predict" "$dir/$2.$1.daemon"
    load "$1" "$dir/$2" "$floor/$(wc -c <"$dir/$2.answer")" "$dir/$2.$1.floor"
}

# Half of what was reached at 16 connections: as many as do it with pauses of 2 ms.
half_run() {
    half=$(median "$dir/digits_1.16.daemon" 1 | awk '{print int($1 / 2 * 0.002) + 1}')
    for _ in $(seq "$rounds"); do
        load "$half" "$dir/digits_1" "$daemon/predict" "$dir/half" application/json 2
        load "$half" "$dir/digits_1" "$floor/$(wc -c <"$dir/digits_1.answer")" \
            "$dir/half.floor" application/json 2
    done
}

# tail_of FILE: p99 as of p50, a line a round.
tail_of() {
    awk '{print $3 / $2}' "$1" >"$1.tail"
    echo "$1.tail"
}

half_print() {
    echo "784-256-128-10, 1 row, at half load: $half connections that pause for 0 to 4 ms"
    row 'requests/s' '%9.0f' "$(median "$dir/half" 1)"
    row 'p50 us' '%9.0f' "$(median "$dir/half" 2)"
    row 'p50 us of the empty handler' '%9.0f' "$(median "$dir/half.floor" 2)"
    row 'p99 us' '%9.0f' "$(median "$dir/half" 3)"
    row 'p99 us of the empty handler' '%9.0f' "$(median "$dir/half.floor" 3)"
    row 'p99 / p50' '%9.2f' "$(median "$(tail_of "$dir/half")" 1)"
    row 'p99 / p50 of the empty handler' '%9.2f' "$(median "$(tail_of "$dir/half.floor")" 1)"
}

# latencies_print FILE WHEN FILE WHEN: p50 and p99 of both, and the second as of the first.
latencies_print() {
    for column in '2 p50' '3 p99'; do
        row "${column#* } us, $2" '%9.0f' "$(median "$dir/$1" "${column% *}")"
        row "${column#* } us, $4" '%9.0f' "$(median "$dir/$3" "${column% *}")"
        row 'ratio' '%9.2f' "$(ratio "$dir/$3" "$dir/$1" "${column% *}")"
    done
}

# Short requests without and beside large ones, which begin before and end behind them.
short_run() {
    for _ in $(seq "$rounds"); do
        load 2 "$dir/tiny_1" "$daemon/predict" "$dir/short.alone"
        (
            seconds=$((seconds + 1))
            load 4 "$dir/tensor_1000" "$daemon$infer" "$dir/short.large" "$bytes"
        ) &
        large=$!
        sleep 0.5
        load 2 "$dir/tiny_1" "$daemon/predict" "$dir/short.beside"
        wait "$large"
    done
}

short_print() {
    echo '4-8-3, 1 row, 2 connections, beside 4 with 1000 rows of 784 as bytes'
    latencies_print short.alone alone short.beside beside
    row 'requests/s of 1000 rows' '%9.0f' "$(median "$dir/short.large" 1)"
}

# KiB of the daemon and of it and its workers, idle with the models loaded; what they
# share counted once each (Pss) or by each (Rss).
memory_run() {
    workers=$(pgrep -P "$daemon_pid")
    for field in Rss Pss; do
        for pid in $daemon_pid $workers; do
            awk -v f="$field:" '$1 == f {print $2}' "/proc/$pid/smaps_rollup"
        done | awk -v f="$field" '{n += $1} NR == 1 {first = $1} END {
            printf "  %-38s %9d   with its worker %d\n", f, first, n}'
    done >"$dir/memory"
}

memory_print() {
    echo 'Memory of the idle server with three models, KiB'
    cat "$dir/memory"
}

# predictions_print NAME CONNECTIONS TITLE
predictions_print() {
    echo "$3, $2 connections: $(wc -c <"$dir/$1") bytes in, $(wc -c <"$dir/$1.answer") out"
    row 'requests/s' '%9.0f' "$(median "$dir/$1.$2.daemon" 1)"
    row 'requests/s of the empty handler' '%9.0f' "$(median "$dir/$1.$2.floor" 1)"
    row 'ratio' '%9.2f' "$(ratio "$dir/$1.$2.daemon" "$dir/$1.$2.floor" 1)"
    row 'p50 us' '%9.0f' "$(median "$dir/$1.$2.daemon" 2)"
    row 'p50 us of the empty handler' '%9.0f' "$(median "$dir/$1.$2.floor" 2)"
    row 'p99 us' '%9.0f' "$(median "$dir/$1.$2.daemon" 3)"
    row 'p99 us of the empty handler' '%9.0f' "$(median "$dir/$1.$2.floor" 3)"
}

# Epochs a second from the start of a job to its end, the curve's last point stored.
curve_run() {
    epochs=200000
    for every in 1 10000; do
        job planar 400 2 2 "\"hidden_layers\":[4],\"activation\":\"tanh\",
            \"epochs\":$epochs,\"report_every\":$every" >"$dir/job.$every"
    done
    for _ in $(seq 3); do
        for every in 1 10000; do
            job_end "$(job_post "$dir/job.$every")" "$dir/ended"
            jq -r 'def at: (.[0:19] + "Z" | fromdate) + (.[20:23] | tonumber) / 1000;
                [.epochs / ((.finished_at | at) - (.started_at | at)),
                 .epochs / .training_seconds] | join(" ")' "$dir/ended" \
                >>"$dir/curve.$every"
        done
    done
}

curve_print() {
    echo '2-4-1 by a job, 400 rows, full batch, start to end'
    row 'epochs/s, a point each' '%9.0f' "$(median "$dir/curve.1" 1)"
    row 'epochs/s, a point in 10000' '%9.0f' "$(median "$dir/curve.10000" 1)"
    row 'cost of the curve, %' '%9.1f' "$(ratio "$dir/curve.10000" "$dir/curve.1" 1 |
        awk '{print 100 * ($1 - 1), 100 * ($2 - 1), 100 * ($3 - 1)}')"
}

# Latency without and beside a job on every core.
beside_run() {
    job busy 2000 784 10 '"hidden_layers":[256,128],"batch_size":128,"epochs":1000000' \
        >"$dir/job"
    for _ in $(seq "$rounds"); do
        load 4 "$dir/digits_1" "$daemon/predict" "$dir/beside.idle"
        id=$(job_post "$dir/job")
        job_status_wait "$id" running
        load 4 "$dir/digits_1" "$daemon/predict" "$dir/beside.busy"
        job_status_wait "$id" running # still, all the time
        curl -sS -f -X POST "$daemon/v1/jobs/$id/cancel" >/dev/null
        job_status_wait "$id" cancelled
    done
}

beside_print() {
    echo '784-256-128-10, 1 row, 4 connections, beside a job that trains on every core'
    latencies_print beside.idle idle beside.busy training
}

echo "$(nproc) CPUs, $rounds rounds of $seconds s; load $(cut -d ' ' -f 1 /proc/loadavg)"
echo 'Training beside its products'
"$BENCH/bench_train"
echo 'JSON'
"$BENCH/bench_json"
serve
models_make
memory_run
predictions_run
half_run
short_run
curve_run
beside_run
echo 'Over HTTP: medians (least to greatest)'
predictions_print tiny_1 16 '4-8-3, 1 row'
predictions_print digits_1 16 '784-256-128-10, 1 row'
predictions_print digits_1 64 '784-256-128-10, 1 row'
predictions_print digits_100 4 '784-256-128-10, 100 rows'
predictions_print sixteen_10000 4 '16-32-3, 10000 rows'
predictions_print tensor_1000 4 '784-256-128-10, 1000 rows as bytes'
half_print
short_print
memory_print
curve_print
beside_print
