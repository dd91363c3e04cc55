#!/bin/sh
# What the binary says of itself: its route table against api/openapi.yaml, the same
# methods and paths in both; and its flags, to whoever asks any command for help.
set -eu
descentd=${DESCENTD:-build/descentd} passed=0 failed=0
routes=$(mktemp)
contract=$(mktemp)
trap 'rm -f "$routes" "$contract"' EXIT

count() { # a command that fails or not
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)) && echo "FAILED $*"; fi
}

routes_agree() {
    [ -s "$routes" ] && diff "$routes" "$contract"
}

helps() {
    "$descentd" "$@" | grep -q -- '^  --listen '
}

"$descentd" routes | sort >"$routes"
awk '/^paths:/ { inside = 1; next }
     /^[^ #]/ { inside = 0 }
     inside && /^  \/.*:$/ { path = $1; sub(/:$/, "", path) }
     inside && /^    (get|post|put|delete|patch):$/ {
         method = $1; sub(/:$/, "", method); print toupper(method), path }' \
    api/openapi.yaml | sort >"$contract"
count routes_agree
count helps help
count helps --help
count helps serve --help
count helps worker --threads 1 -h
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
