#!/bin/sh
# The server as a process among others: without standard descriptors, with a log that
# nobody reads, stopped for a while as it starts, told to read again what it has not, its store in a
# file. It serves, and ends when it is told to.
set -u
. "$(dirname "$0")/kit.sh"
descentd=${DESCENTD:-build/descentd}
work=$(mktemp -d)
passed=0 failed=0 pid='' reader='' postgres=''
end() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
    [ -z "$reader" ] || kill "$reader" 2>/dev/null
    [ -z "$postgres" ] || sh "$(dirname "$0")/postgres.sh" end "$postgres"
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

# A reload without anything to read again, of the server and of its worker; then a job.
trains() {
    curl --noproxy '*' -s -o "$work/answer" "$url/v1/jobs" -d '{"model":"line","epochs":5,
        "hidden_layers":[],"data":{"features":[[0],[1]],"targets":[1.5,3.5]}}' &&
        job=$(sed -n 's/.*"id":"\([^"]*\)".*/\1/p' "$work/answer") &&
        curl --noproxy '*' -s -m 30 -o "$work/answer" "$url/v1/jobs/$job?wait=20" &&
        grep -q '"status":"succeeded"' "$work/answer"
}
is_hung_up() {
    kill -HUP "-$pid" && # its worker, too
        until_true 10 grep -q 'SIGHUP: there is no --token-file' "$work/errors" && trains &&
        ! grep -q 'worker ended' "$work/errors"
}
# setsid: no terminal, whose end SIGHUP would be.
with_worker() {
    exec setsid "$descentd" serve --listen 127.0.0.1:0 --workers 1 "$@" >"$work/listening" \
        2>"$work/errors"
}
: >"$work/listening"
with_worker --store "$work/store.db" &
pid=$!
check 'SIGHUP without tokens' is_hung_up

# The end of its terminal is a server's, too, unless nohup keeps it from that.
serve_there="echo \$\$ >'$work/pid'; exec env --default-signal=HUP '$descentd' serve --listen 127.0.0.1:0 --workers 0"
serve_there="$serve_there --store '$work/store.db' >'$work/listening' 2>'$work/errors'"
: >"$work/listening"
script -qfc "$serve_there" /dev/null </dev/null >/dev/null &
terminal=$!
until_true 10 is_listening
pid=$(cat "$work/pid")
kill -HUP "$pid" # a reload alone is none
until_true 10 grep -q 'SIGHUP: there is no --token-file' "$work/errors" && ! has_ended
reloaded=$?
kill -KILL "$terminal"
if [ "$reloaded" = 0 ] && until_true 10 has_ended && grep -q '"draining"' "$work/errors"; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
    echo 'failed: the end of the terminal'
    kill -KILL "$pid" 2>/dev/null
fi
wait "$terminal"
pid=''

# The file is there so that the password is not: workers take it from there, too.
set -- $(sh "$(dirname "$0")/postgres.sh" make)
[ $# = 2 ] || exit 1 # it has said why
postgres=$1
echo "postgresql://app:secret@127.0.0.1:$2/postgres" >"$work/store.url"
: >"$work/listening"
with_worker --store-file "$work/store.url" &
pid=$!
check 'a store with a password in a file' trains
sh "$(dirname "$0")/postgres.sh" end "$postgres"
postgres=''
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
