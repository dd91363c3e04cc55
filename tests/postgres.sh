#!/bin/sh
# A PostgreSQL of the tests' own: on a free port of 127.0.0.1 or DESCENTD_TEST_ADDRESS, in a
# folder of its own, as an ordinary user (root's is nobody: the server does not run as root).
#   postgres.sh run COMMAND ...   runs it with $DESCENTD_TEST_POSTGRES, the server's URL,
#                                 and ends the server with it
#   postgres.sh make              a new server; prints FOLDER PORT
#   postgres.sh start FOLDER | stop FOLDER (fast|immediate) | end FOLDER
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$bin/initdb" ] || {
    echo "there is no PostgreSQL here: apt-get install postgresql" >&2
    exit 1
}
address=${DESCENTD_TEST_ADDRESS:-127.0.0.1}
# Where root is an ordinary user's name in a user namespace of his, there is no nobody.
nobody_is() {
    awk '65534 < $1 + $3 { there = 1 } END { exit !there }' /proc/self/uid_map
}
as_user() {
    if [ "$(id -u)" != 0 ]; then
        "$@"
    elif nobody_is; then
        setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all \
            env HOME=/nonexistent "$@"
    else
        unshare --user --map-user 65534 --map-group 65534 "$@"
    fi
}
start() {
    (cd "$1" && as_user "$bin/pg_ctl" -D data -l log -w -t 60 -o "-p $(cat port)" start >/dev/null)
}
stop() {
    (cd "$1" && as_user "$bin/pg_ctl" -D data -m "$2" -w -t 60 stop >/dev/null)
}
end() {
    [ ! -e "$1/data/postmaster.pid" ] || stop "$1" immediate || :
    rm -rf "$1"
}
make() {
    folder=$(mktemp -d "${TMPDIR:-/tmp}/descentd-postgres-XXXXXX")
    [ "$(id -u)" != 0 ] || ! nobody_is || chown nobody "$folder"
    (cd "$folder" && as_user "$bin/initdb" -D data -U app -A trust -E UTF8 \
        --locale=C.UTF-8 -N >init.log 2>&1) || {
        cat "$folder/init.log" >&2
        end "$folder"
        exit 1
    }
    echo "host all all ${address%.*.*}.0.0/16 trust" >>"$folder/data/pg_hba.conf"
    cat >>"$folder/data/postgresql.conf" <<EOF
listen_addresses = '$address'
unix_socket_directories = '$folder'
max_connections = 200
shared_buffers = 64MB
autovacuum = off
fsync = ${DESCENTD_TEST_FSYNC:-off}
EOF
    for try in 1 2 3 4 5 6; do
        shuf -i 20000-32000 -n 1 >"$folder/port"
        ! start "$folder" 2>/dev/null || return 0
    done
    echo "PostgreSQL did not start, $try times:" >&2
    tail -n 5 "$folder/log" >&2
    end "$folder"
    exit 1
}
run() {
    make
    trap 'end "$folder"' EXIT
    trap 'exit 130' INT TERM HUP
    DESCENTD_TEST_POSTGRES="postgresql://app@127.0.0.1:$(cat "$folder/port")/postgres" "$@"
}
verb=$1
shift
case $verb in
run) run "$@" ;;
make)
    make
    echo "$folder $(cat "$folder/port")"
    ;;
start) start "$1" ;;
stop) stop "$1" "${2:-fast}" ;;
end) end "$1" ;;
*) exit 2 ;;
esac
