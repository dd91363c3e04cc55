# A cluster on this machine's loopback, from Debian's packages: PostgreSQL, serving replicas,
# workers, HAProxy with deploy/haproxy.cfg. To be sourced; every process is started by a
# function here and ended by its pid.
#
#   cluster_up REPLICAS WORKERS   $cluster_url is the balancer then, $cluster_token a token
#   cluster_down
#
#   CLUSTER_ROOT   the checkout
#   DESCENTD       the daemon (build/descentd)
cluster_here=${CLUSTER_ROOT:?the checkout}
cluster_descentd=${DESCENTD:-$cluster_here/build/descentd}
cluster_dir='' cluster_postgres='' cluster_haproxy_pid=''
cluster_replicas=0 cluster_workers=0
PATH=$PATH:/usr/sbin # where an ordinary user does not look for haproxy

cluster_die() {
    echo "cluster: $*" >&2
    exit 1
}

# cluster_until SECONDS COMMAND...: waits until the command succeeds.
cluster_until() {
    cluster_left=$(($1 * 50))
    shift
    until "$@"; do
        cluster_left=$((cluster_left - 1))
        [ "$cluster_left" -gt 0 ] || return 1
        sleep 0.02
    done
}

# cluster_curl ARGUMENTS...: with the token, and no way around the loopback.
cluster_curl() {
    curl --noproxy '*' -sS -H "Authorization: Bearer $cluster_token" "$@"
}

cluster_status() { # URL: the status alone; 000 when nobody answers
    curl --noproxy '*' -s -o /dev/null -w '%{http_code}' -m 5 "$1" || :
}

cluster_get() { # a number or a word that was kept
    cat "$cluster_dir/$1"
}

cluster_is_200() {
    [ "$(cluster_status "$1")" = 200 ]
}

# ---- replicas and workers --------------------------------------------------------------

# cluster_serve N: starts replica N on the port it had before, or a free one.
cluster_serve() {
    cluster_port=0
    [ ! -e "$cluster_dir/serve$1.port" ] || cluster_port=$(cluster_get "serve$1.port")
    : >"$cluster_dir/serve$1.out"
    "$cluster_descentd" serve --workers 0 --listen "127.0.0.1:$cluster_port" \
        --store-file "$cluster_dir/store" --token-file "$cluster_dir/tokens" \
        --drain-delay-ms "${CLUSTER_DRAIN_DELAY_MS:-1500}" --log-level warn \
        >"$cluster_dir/serve$1.out" 2>>"$cluster_dir/serve$1.log" &
    echo $! >"$cluster_dir/serve$1.pid"
    cluster_until 30 grep -q listening "$cluster_dir/serve$1.out" || {
        tail -n 5 "$cluster_dir/serve$1.log" >&2
        cluster_die "replica $1 did not start"
    }
    sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$cluster_dir/serve$1.out" \
        >"$cluster_dir/serve$1.port"
}

cluster_replica_url() {
    echo "http://127.0.0.1:$(cluster_get "serve$1.port")"
}

cluster_work() {
    "$cluster_descentd" worker --store-file "$cluster_dir/store" --threads 1 \
        --log-level warn 2>>"$cluster_dir/worker$1.log" &
    echo $! >"$cluster_dir/worker$1.pid"
}

# cluster_end NAME SIGNAL: ends a replica or worker. @return its exit code.
cluster_end() {
    cluster_pid=$(cluster_get "$1.pid")
    kill "-$2" "$cluster_pid"
    wait "$cluster_pid" 2>/dev/null
}

# ---- the balancer ----------------------------------------------------------------------

cluster_balance() {
    cluster_port=$(shuf -i 20000-32000 -n 1)
    cluster_stats=$(shuf -i 10000-19999 -n 1)
    sed -e "s/bind :8080/bind 127.0.0.1:$cluster_port/" \
        -e "s/bind 127.0.0.1:8404/bind 127.0.0.1:$cluster_stats/" \
        "$cluster_here/deploy/haproxy.cfg" >"$cluster_dir/haproxy.cfg"
    for cluster_n in 1 2 3; do
        if [ "$cluster_n" -le "$cluster_replicas" ]; then
            sed -i "s/serve$cluster_n:8080/127.0.0.1:$(cluster_get serve$cluster_n.port)/" \
                "$cluster_dir/haproxy.cfg"
        else
            sed -i "/serve$cluster_n:8080/d" "$cluster_dir/haproxy.cfg"
        fi
    done
    haproxy -f "$cluster_dir/haproxy.cfg" >"$cluster_dir/haproxy.log" 2>&1 &
    cluster_haproxy_pid=$!
    cluster_url=http://127.0.0.1:$cluster_port
    cluster_until 5 cluster_is_200 "$cluster_url/readyz"
}

# cluster_sees N STATE: whether the balancer has replica N as UP or DOWN.
cluster_sees() {
    curl --noproxy '*' -s "http://127.0.0.1:$cluster_stats/;csv" |
        grep -q "^predictions,serve$1,.*,$2[ ,]"
}

# ---- all of it -------------------------------------------------------------------------

cluster_up() {
    cluster_dir=$(mktemp -d "${TMPDIR:-/tmp}/descentd-cluster-XXXXXX")
    cluster_postgres=$(sh "$cluster_here/tests/postgres.sh" make) ||
        cluster_die "no PostgreSQL"
    cluster_token=$(head -c 24 /dev/urandom | base64 | tr -d '=')
    echo "$cluster_token" >"$cluster_dir/tokens"
    echo "postgresql://app@127.0.0.1:${cluster_postgres#* }/postgres" >"$cluster_dir/store"
    while [ "$cluster_replicas" -lt "$1" ]; do
        cluster_replicas=$((cluster_replicas + 1))
        cluster_serve "$cluster_replicas"
    done
    while [ "$cluster_workers" -lt "$2" ]; do
        cluster_workers=$((cluster_workers + 1))
        cluster_work "$cluster_workers"
    done
    for cluster_try in 1 2 3 4 5; do # its ports may be taken
        cluster_balance && return 0
        kill "$cluster_haproxy_pid" 2>/dev/null || :
        wait "$cluster_haproxy_pid" 2>/dev/null || :
    done
    cat "$cluster_dir/haproxy.log" >&2
    cluster_die "HAProxy did not start"
}

cluster_down() {
    [ -n "$cluster_dir" ] || return 0
    for cluster_file in "$cluster_dir"/*.pid; do
        [ ! -e "$cluster_file" ] || kill "$(cat "$cluster_file")" 2>/dev/null || :
    done
    for cluster_file in "$cluster_dir"/*.pid; do
        [ ! -e "$cluster_file" ] || wait "$(cat "$cluster_file")" 2>/dev/null || :
    done
    [ -z "$cluster_haproxy_pid" ] || kill "$cluster_haproxy_pid" 2>/dev/null || :
    [ -z "$cluster_postgres" ] ||
        sh "$cluster_here/tests/postgres.sh" end "${cluster_postgres% *}"
    rm -rf "$cluster_dir"
    cluster_dir=''
}

# ---- the database ----------------------------------------------------------------------

# cluster_database stop|start: at once, as if its machine had failed.
cluster_database() {
    case $1 in
    stop) sh "$cluster_here/tests/postgres.sh" stop "${cluster_postgres% *}" immediate ;;
    start) sh "$cluster_here/tests/postgres.sh" start "${cluster_postgres% *}" ;;
    esac
}
