#!/bin/sh
# The files of deploy/ by the programs that read them: HAProxy's and nginx's configurations,
# Prometheus' rules with their own tests, the names of all metrics that are asked for.
set -u
PATH=$PATH:/usr/sbin # where an ordinary user does not look
deploy=$(cd "$(dirname "$0")/../../deploy" && pwd)
descentd=${DESCENTD:-build/descentd}
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$work"' EXIT
passed=0 failed=0

# run NAME COMMAND...: passes when the command does.
run() {
    name=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $name"
        cat "$work/out"
    fi
}

# The replicas have names in a cluster's network alone.
for file in haproxy.cfg nginx.conf; do
    sed 's/serve\([123]\):8080/127.0.0.\1:8080/' "$deploy/$file" >"$work/$file"
done
# An ordinary user has no folder of nginx's.
for kind in client_body proxy fastcgi uwsgi scgi; do
    sed -i "s|^http {|&\n    ${kind}_temp_path $work/$kind;|" "$work/nginx.conf"
done
run haproxy haproxy -c -f "$work/haproxy.cfg"
run nginx nginx -t -q -g "pid $work/nginx.pid;" -c "$work/nginx.conf"
mkdir "$work/prometheus"
cp "$deploy"/prometheus/*.yml "$work/prometheus"
sed -i "s|/run/secrets/tokens|$work/tokens|" "$work/prometheus/prometheus.yml"
echo a-token-of-some-length >"$work/tokens"
run prometheus promtool check config "$work/prometheus/prometheus.yml"
run rules promtool test rules "$work/prometheus/rules_test.yml"

# Every metric of the rules and the dashboard is one that the daemon has, or a rule's.
"$descentd" serve --listen 127.0.0.1:0 --workers 0 --store "$work/store.db" \
    >"$work/listening" 2>"$work/log" &
pid=$!
tries=0
until [ -s "$work/listening" ] || [ "$tries" = 100 ]; do
    tries=$((tries + 1))
    sleep 0.05
done
url=$(sed -n 's/^listening on //p' "$work/listening")
curl -s -d '{}' "$url/predict" >"$work/out" # a route that is asked for
curl -s "$url/metrics" | sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' >"$work/known"
sed -n 's/.*record: *//p' "$deploy/prometheus/rules.yml" >>"$work/known"
jq -r '.panels[].targets[].expr' "$deploy/grafana/dashboards/descentd.json" >"$work/asked"
sed -n '/expr:/,/for:\|labels:\|- /p' "$deploy/prometheus/rules.yml" >>"$work/asked"
metrics_known() {
    status=0
    for name in $(grep -oE '(descentd|process)[a-z_]*(:[a-z0-9_]+)*' "$work/asked" | sort -u |
        sed 's/_\(bucket\|sum\|count\)$//'); do
        case $name in descentd) continue ;; esac
        grep -qx "$name" "$work/known" || { echo "no metric $name"; status=1; }
    done
    return $status
}
run metrics metrics_known
run 'the dashboard has an identity and panels' \
    jq -e '.uid == "descentd" and (.panels | length) > 8' "$deploy/grafana/dashboards/descentd.json"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
