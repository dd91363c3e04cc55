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
