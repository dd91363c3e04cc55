#!/bin/sh
# The server as a process among others: without standard descriptors, with a log that
# nobody reads, stopped for a while as it starts. It serves, and ends when it is told to.
set -u
. "$(dirname "$0")/kit.sh"
descentd=${DESCENTD:-build/descentd}
work=$(mktemp -d)
passed=0 failed=0 pid='' reader=''
end() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
    [ -z "$reader" ] || kill "$reader" 2>/dev/null
    rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM

is_listening() { grep -q '^listening on ' "$work/listening"; }
is_alive() { [ "$(curl --noproxy '*' -s -m 3 -o "$work/answer" -w '%{http_code}' "$url/livez")" = 200 ]; }
has_ended() { ! kill -0 "$pid" 2>/dev/null; }
threads_started() { [ "$(ls "/proc/$pid/task" 2>/dev/null | wc -l)" -ge 8 ]; }

# ends_well: SIGTERM ends it, with 0.
ends_well() {
    kill "$pid"
    (sleep 10; kill -KILL "$pid") >/dev/null 2>&1 &
    guard=$!
    wait "$pid"
    code=$?
    kill "$guard" 2>/dev/null
    pid=''
    [ "$code" = 0 ]
}

# check NAME: the server that has been started as $pid serves, and ends well.
check() {
    if until_true 10 is_listening &&
        url=$(sed -n 's/^listening on //p' "$work/listening") &&
        sleep 0.3 && is_alive && ${2:-true} && is_alive && ends_well; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $1"
        [ -z "$pid" ] || { kill -KILL "$pid" 2>/dev/null; wait "$pid"; }
        pid=''
    fi
}

start() { # ARGUMENTS...: to be run in the background, after `: >"$work/listening"`
    exec "$descentd" serve --listen 127.0.0.1:0 --workers 0 --store "$work/store.db" "$@" \
        >"$work/listening"
}

: >"$work/listening"
start <&- 2>&- &
pid=$!
check 'without stdin and stderr'

mkfifo "$work/log"
sleep 60 <"$work/log" &
reader=$!
: >"$work/listening"
start 2>"$work/log" &
pid=$!
says_a_lot() {
    timeout 30 curl --noproxy '*' -s -o "$work/answer" "$url/v1/models?limit=[1-450]"
}
check 'a log that nobody reads' says_a_lot
kill "$reader"
reader=''

for stop in 1 2 3; do
    : >"$work/listening"
    start --http-threads 32 2>"$work/errors" &
    pid=$!
    while ! threads_started && ! has_ended; do :; done
    kill -STOP "$pid"
    sleep 1.3
    kill -CONT "$pid"
    check "stopped as it starts, $stop"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
