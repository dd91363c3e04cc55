# To be sourced by tests of the shell.

# until_true SECONDS COMMAND...: waits until the command succeeds. @return whether it did.
until_true() {
    deadline=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}

# scratch_open: $work, a folder, and $pids, processes, none yet; at the end both go.
scratch_open() {
    work=$(mktemp -d)
    pids=''
    trap scratch_end EXIT
    trap 'exit 130' INT TERM
}
scratch_end() {
    for pid in $pids; do
        kill "$pid" 2>/dev/null
    done
    wait
    rm -rf "$work"
}
# die WHY: with the ends of what was logged there.
die() {
    echo "failed: $1"
    tail -n 5 "$work"/*.log
    exit 1
}
