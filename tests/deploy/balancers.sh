#!/bin/sh
# deploy/'s own configurations of nginx and HAProxy before two live replicas: what one client
# does takes no replica from the others, and everybody gets the answer that was given.
set -u
PATH=$PATH:/usr/sbin # where an ordinary user does not look
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/kit.sh"
scratch_open
descentd=${DESCENTD:-$top/build/descentd}
chmod 711 "$work" # what nginx runs as is somebody else
passed=0 failed=0
ask() { # ARGUMENTS...: @return the status in $status
    status=$(curl --noproxy '*' -s -m 20 -o "$work/answer" -w '%{http_code}' "$@")
}
is_ready() { ask "$1/readyz" && [ "$status" = 200 ]; }
# expect NAME STATUS ARGUMENTS...
expect() {
    name=$1 wanted=$2
    shift 2
    ask "$@"
    if [ "$status" = "$wanted" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $name: $status, not $wanted"
        cat "$work/answer"
    fi
}

# ---- replicas, each with the same model ------------------------------------------------

token=$(head -c 24 /dev/urandom | base64 | tr -d '=')
echo "$token" >"$work/tokens"
auth="Authorization: Bearer $token"
serve() { # N
    : >"$work/listening$1"
    "$descentd" serve --listen 127.0.0.1:0 --token-file "$work/tokens" --workers 1 \
        --store "$work/store$1.db" >"$work/listening$1" 2>"$work/serve$1.log" &
    pids="$pids $!"
    until_true 10 grep -q listening "$work/listening$1" || die "replica $1 did not start"
    sed -n 's|^listening on http://||p' "$work/listening$1" >"$work/address$1"
    url=http://$(cat "$work/address$1")
    ask -H "$auth" -d '{"model":"line","data":{"features":[[0],[1],[2]],"targets":[1,3,5]},
        "hidden_layers":[],"epochs":50}' "$url/v1/jobs"
    job=$(jq -r .id "$work/answer")
    ask -H "$auth" "$url/v1/jobs/$job?wait=30"
    [ "$(jq -r .status "$work/answer")" = succeeded ] || die 'no model'
}
serve 1
serve 2

# ---- the balancers ---------------------------------------------------------------------

configure() { # FILE
    port=$(shuf -i 20000-32000 -n 1)
    sed -e "s/serve1:8080/$(cat "$work/address1")/" -e "s/serve2:8080/$(cat "$work/address2")/" \
        -e '/serve3:8080/d' -e "s/listen 8080/listen 127.0.0.1:$port/" \
        -e "s/bind :8080/bind 127.0.0.1:$port/" -e "s/bind 127.0.0.1:8404/bind 127.0.0.1:$((port + 1))/" \
        "$top/deploy/$1" >"$work/$1"
}
run_nginx() {
    configure nginx.conf
    for kind in client_body proxy fastcgi uwsgi scgi; do
        sed -i "s|^http {|&\n    ${kind}_temp_path $work/$kind;|" "$work/nginx.conf"
    done
    nginx -g "pid $work/nginx.pid; daemon off;" -c "$work/nginx.conf" >"$work/nginx.log" 2>&1 &
    pids="$pids $!"
}
run_haproxy() {
    configure haproxy.cfg
    haproxy -f "$work/haproxy.cfg" >"$work/haproxy.log" 2>&1 &
    pids="$pids $!"
}
balance() { # NAME: $url is the balancer's
    for try in 1 2 3 4 5; do # its port may be taken
        "run_$1"
        url=http://127.0.0.1:$port
        ! until_true 10 is_ready "$url" || return 0
    done
    die "$1 did not start"
}

head -c 3000000 /dev/zero >"$work/body"
head -c 70000000 /dev/zero >"$work/large"
long=$(head -c 7000 /dev/zero | tr '\0' a)
rows='{"model":"line","instances":[[4]]}'
late='{"parameters":{"timeout":1},"inputs":[{"name":"input","shape":[1,1],"datatype":"FP32","data":[1]}]}'

# serves NAME: right after what came before.
serves() {
    for again in 1 2 3 4; do
        expect "$1, then a prediction" 200 -H "$auth" -d "$rows" "$url/predict"
    done
}
for balancer in nginx haproxy; do
    balance "$balancer"
    say="by $balancer"
    serves "$say, nothing yet"
    for path in /predict /v1/jobs; do
        expect "$say, $path without a token" 401 -H Expect: --data-binary "@$work/body" "$url$path"
        serves "$say, $path without a token"
    done
    # More of a head than a replica takes, if the balancer does; by whom it is refused is one.
    ask -H Expect: -H "X-0: $long" -H "X-1: $long" -H "X-2: $long" --data-binary "@$work/body" \
        "$url/predict"
    case $status in
    400 | 431) passed=$((passed + 1)) ;;
    *)
        failed=$((failed + 1))
        echo "failed: $say, a large head: $status"
        ;;
    esac
    serves "$say, a large head"
    expect "$say, a foreign type" 415 -H Expect: -H "$auth" -H 'Content-Type: text/plain' \
        --data-binary "@$work/body" "$url/predict"
    serves "$say, a foreign type"
    expect "$say, too large a body" 413 -H Expect: -H "$auth" --data-binary "@$work/large" "$url/predict"
    serves "$say, too large a body"
    for try in 1 2 3; do
        expect "$say, a time that is over" 504 -H "$auth" -d "$late" "$url/v2/models/line/infer"
    done
    serves "$say, a time that is over"
    expect "$say, an id" 200 -H "$auth" -H 'X-Request-Id: mine' -D "$work/head" -d "$rows" "$url/predict"
    if grep -qi '^x-request-id: mine' "$work/head"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $say, another id"
        cat "$work/head"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
