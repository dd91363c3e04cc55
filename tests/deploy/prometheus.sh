#!/bin/sh
# Every query of the dashboard and of the rules by a live Prometheus, with deploy/'s own
# configuration but for addresses and a scrape a second: it watches a daemon that trains,
# predicts and refuses, and each query has to be one that it takes and finds numbers for.
# Alerts are asked for without their thresholds, so that an alert on something that is not
# there fails; one is seen to wake. Queries go out as Grafana sends them, variables put in.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/tests/kit.sh"
scratch_open
descentd=${DESCENTD:-$top/build/descentd}
dashboards=$top/deploy/grafana/dashboards
passed=0 failed=0
# check NAME COMMAND...: passes as soon as the command does, and fails after 20 s.
check() {
    name=$1
    shift
    if until_true 20 "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $name"
        cat "$work/answer"
    fi
}

# ---- the daemon, its traffic, and what watches it --------------------------------------

ask() { # ARGUMENTS...: of the daemon
    curl --noproxy '*' -s -m 30 -H "Authorization: Bearer $token" "$@"
}
traffic_run() {
    while :; do
        ask -o /dev/null -d '{"model":"line","instances":[[4],[10]]}' "$url/predict"
        sleep 0.05
    done
}

# The variables that Grafana puts in, at a scrape a second; those of the dashboard as "All".
variables_put() {
    names=$(jq -r '.templating.list[].name' "$1")
    set -- -e 's/\${\?__rate_interval}\?/4s/g' -e 's/\${\?__interval}\?/1s/g' \
        -e 's/\${\?__range}\?/60s/g'
    for name in $names; do
        set -- "$@" -e "s/\\\${\\?$name}\\?/.*/g"
    done
    sed "$@"
}

# has_numbers QUERY: taken, and a series of the last minute has a number in it.
has_numbers() {
    now=$(date +%s)
    curl --noproxy '*' -s -m 10 --data-urlencode "query=$1" -d "start=$((now - 60))&end=$now&step=1" \
        "$watcher/api/v1/query_range" >"$work/answer"
    jq -e '.status == "success" and ([.data.result[].values[][1] | select(. != "NaN")] != [])' \
        "$work/answer" >/dev/null
}
# query_is QUERY VALUE
query_is() {
    curl --noproxy '*' -s -m 10 --data-urlencode "query=$1" "$watcher/api/v1/query" >"$work/answer"
    [ "$(jq -r '.data.result[0].value[1]' "$work/answer")" = "$2" ]
}
rules_are_well() {
    curl --noproxy '*' -s -m 10 "$watcher/api/v1/rules" >"$work/answer"
    jq -e '[.data.groups[].rules[].health] | length > 8 and all(. == "ok")' \
        "$work/answer" >/dev/null
}

token=$(head -c 24 /dev/urandom | base64 | tr -d '=')
echo "$token" >"$work/tokens"
"$descentd" serve --listen 127.0.0.1:0 --token-file "$work/tokens" --store "$work/store.db" \
    >"$work/listening" 2>"$work/daemon.log" &
daemon=$!
pids=$daemon
until_true 20 grep -q listening "$work/listening" || die 'the daemon did not start'
url=$(sed -n 's/^listening on //p' "$work/listening")

cp -r "$top/deploy/prometheus" "$work/prometheus"
sed -i -e "s|/run/secrets/tokens|$work/tokens|" -e 's/_interval: .*/_interval: 1s/' \
    -e "s|targets: .*|targets: [\"${url#http://}\"]|" "$work/prometheus/prometheus.yml"
prometheus --config.file="$work/prometheus/prometheus.yml" --storage.tsdb.path="$work/series" \
    --web.listen-address=127.0.0.1:0 >"$work/prometheus.log" 2>&1 &
prometheus=$!
pids="$pids $prometheus"
until_true 20 grep -q 'Listening on' "$work/prometheus.log" || die 'Prometheus did not start'
watcher=http://$(sed -n 's/.*Listening on.* address=//p' "$work/prometheus.log")

job=$(ask -d '{"model":"line","data":{"features":[[0],[1],[2],[3]],
    "targets":[1.5,3.5,5.5,7.5]},"hidden_layers":[],"epochs":2000}' "$url/v1/jobs" | jq -r .id)
[ "$(ask "$url/v1/jobs/$job?wait=30" | jq -r .status)" = succeeded ] || die 'no model'
traffic_run &
traffic=$!
pids="$pids $traffic"

# ---- what it finds ---------------------------------------------------------------------

check 'the replica is seen, with its token' query_is 'sum(up{job="descentd"})' 1
check 'every rule is evaluated' rules_are_well
predicted='sum(increase(descentd_http_requests_total{route="predict",status="2xx"}[1m])) > bool 0'
check 'predictions are counted' query_is "$predicted" 1
# The first error of a process is one that Prometheus sees: its counter was there before, at 0.
ask -o /dev/null -d '{"model":"line","instances":[["no number"]]}' "$url/predict"
refused='sum(increase(descentd_http_requests_total{route="predict",status="4xx"}[1m])) > bool 0'
check 'the first error is counted' query_is "$refused" 1

for file in "$dashboards"/*.json; do
    jq -r '.. | objects | select(has("targets")) | .title as $title | .targets[] |
        "\($title) (\(.refId))\t\(.expr)"' "$file" | variables_put "$file" >"$work/queries"
    while IFS='	' read -r panel query; do
        case $query in *'$'*)
            echo "unknown variable: $query" >"$work/answer"
            check "$panel" false ;;
        esac
        check "panel $panel" has_numbers "$query"
    done <"$work/queries"
    check "${file##*/} asks the source that Grafana has" grep -q \
        "uid: $(jq -r '[.. | objects | select(has("targets")) | .datasource.uid] | unique | .[]' "$file")\$" \
        "$top/deploy/grafana/provisioning/datasources/prometheus.yaml"
done

curl --noproxy '*' -s "$watcher/api/v1/rules" |
    jq -r '.data.groups[].rules[] | "\(.type) \(.name)\t\(.query)"' |
    sed '/^alerting/s/ \(==\|<\|>\) [0-9.]*//g' >"$work/queries"
while IFS='	' read -r rule query; do
    check "$rule" has_numbers "$query"
done <"$work/queries"

kill "$traffic" "$daemon"
pids=$prometheus
check 'a replica that is gone wakes its alert' query_is \
    'count(ALERTS{alertname="DescentdReplicaDown"})' 1
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
