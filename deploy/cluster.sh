# A cluster on this machine's loopback, from Debian's packages: PostgreSQL, serving replicas,
# workers, HAProxy with deploy/haproxy.cfg. To be sourced; every process is started by a
# function here and ended by its pid.
#
#   cluster_up REPLICAS WORKERS   $cluster_url is the balancer then, $cluster_token a token
#   cluster_down
#
#   CLUSTER_ROOT   the checkout
#   DESCENTD       the daemon (build/descentd)
#
# Everything stands on a host of its own name: db, balancer, serve1 ..., worker1 .... Here they
# are all this machine; who has others redefines cluster_address and cluster_on.
cluster_here=${CLUSTER_ROOT:?the checkout}
cluster_descentd=${DESCENTD:-$cluster_here/build/descentd}
cluster_dir='' cluster_postgres=''
cluster_replicas=0 cluster_workers=0
PATH=$PATH:/usr/sbin # where an ordinary user does not look for haproxy

# cluster_address HOST
cluster_address() {
    echo 127.0.0.1
}

# cluster_on HOST COMMAND...: becomes the command there, so that its pid is the caller's; to be
# called in a subshell or the background.
cluster_on() {
    shift
    exec "$@"
}

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
    cluster_on "serve$1" "$cluster_descentd" serve --workers 0 \
        --listen "$(cluster_address "serve$1"):$cluster_port" \
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
    echo "http://$(cluster_address "serve$1"):$(cluster_get "serve$1.port")"
}

cluster_work() {
    cluster_on "worker$1" "$cluster_descentd" worker --store-file "$cluster_dir/store" \
        --threads 1 2>>"$cluster_dir/worker$1.log" &
    echo $! >"$cluster_dir/worker$1.pid"
}

# cluster_end NAME SIGNAL: ends a replica or worker. @return its exit code.
cluster_end() {
    cluster_pid=$(cluster_get "$1.pid")
    kill "-$2" "$cluster_pid"
    wait "$cluster_pid" 2>/dev/null
}

# ---- the balancer ----------------------------------------------------------------------

cluster_balancer_configure() {
    cluster_port=$(shuf -i 20000-32000 -n 1)
    cluster_stats=$(shuf -i 10000-19999 -n 1)
    sed -e "s/bind :8080/bind $1:$cluster_port/" \
        -e "s/bind 127.0.0.1:8404/bind $1:$cluster_stats/" \
        "$cluster_here/deploy/haproxy.cfg" >"$cluster_dir/haproxy.cfg"
    for cluster_n in 1 2 3; do
        if [ "$cluster_n" -le "$cluster_replicas" ]; then
            cluster_server=$(cluster_address "serve$cluster_n"):$(cluster_get "serve$cluster_n.port")
            sed -i "s/serve$cluster_n:8080/$cluster_server/" "$cluster_dir/haproxy.cfg"
        else
            sed -i "/serve$cluster_n:8080/d" "$cluster_dir/haproxy.cfg"
        fi
    done
}

# A balancer before those replicas that there are now.
cluster_balance() {
    cluster_name=balancer$cluster_replicas
    for cluster_try in 1 2 3 4 5; do # its ports may be taken
        cluster_balancer_configure "$(cluster_address balancer)"
        cluster_on balancer haproxy -f "$cluster_dir/haproxy.cfg" \
            >"$cluster_dir/$cluster_name.log" 2>&1 &
        echo $! >"$cluster_dir/$cluster_name.pid"
        cluster_url=http://$(cluster_address balancer):$cluster_port
        ! cluster_until 5 cluster_is_200 "$cluster_url/readyz" || return 0
        cluster_end "$cluster_name" KILL || :
    done
    cat "$cluster_dir/$cluster_name.log" >&2
    cluster_die "HAProxy did not start, $cluster_try times"
}

cluster_balancer_csv() {
    curl --noproxy '*' -s "http://$(cluster_address balancer):$cluster_stats/;csv"
}

# cluster_sees N STATE: whether the balancer has replica N as UP or DOWN, for all requests.
cluster_sees() {
    cluster_balancer_csv | awk -F , -v name="serve$1" -v state="$2" '
        $2 == name { seen++; split($18, now, " "); if (now[1] != state) other++ }
        END { exit !seen || other }'
}

# ---- all of it -------------------------------------------------------------------------

cluster_up() {
    cluster_dir=$(mktemp -d "${TMPDIR:-/tmp}/descentd-cluster-XXXXXX")
    cluster_db=$(cluster_address db)
    cluster_postgres=$(DESCENTD_TEST_ADDRESS=$cluster_db \
        cluster_on db sh "$cluster_here/tests/postgres.sh" make) || cluster_die "no PostgreSQL"
    cluster_token=$(head -c 24 /dev/urandom | base64 | tr -d '=')
    echo "$cluster_token" >"$cluster_dir/tokens"
    echo "postgresql://app@$cluster_db:${cluster_postgres#* }/postgres" >"$cluster_dir/store"
    while [ "$cluster_replicas" -lt "$1" ]; do
        cluster_replicas=$((cluster_replicas + 1))
        cluster_serve "$cluster_replicas"
    done
    while [ "$cluster_workers" -lt "$2" ]; do
        cluster_workers=$((cluster_workers + 1))
        cluster_work "$cluster_workers"
    done
    cluster_balance
}

cluster_down() {
    [ -n "$cluster_dir" ] || return 0
    for cluster_file in "$cluster_dir"/*.pid; do
        [ ! -e "$cluster_file" ] || kill "$(cat "$cluster_file")" 2>/dev/null || :
    done
    for cluster_file in "$cluster_dir"/*.pid; do
        [ ! -e "$cluster_file" ] || wait "$(cat "$cluster_file")" 2>/dev/null || :
    done
    [ -z "$cluster_postgres" ] ||
        sh "$cluster_here/tests/postgres.sh" end "${cluster_postgres% *}"
    rm -rf "$cluster_dir"
    cluster_dir=''
}

# ---- the database ----------------------------------------------------------------------

# cluster_database stop|start: at once, as if its machine had failed.
cluster_database() {
    set -- "$cluster_here/tests/postgres.sh" "$1" "${cluster_postgres% *}" immediate
    (cluster_on db sh "$@")
}

# cluster_sql STATEMENT: what the store answers, a row a line.
cluster_sql() {
    psql -qAtX -d "$(cluster_get store)" -c "$1"
}
