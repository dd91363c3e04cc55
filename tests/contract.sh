#!/bin/sh
# The route table against api/openapi.yaml: the same methods and paths in both.
set -eu
routes=$(mktemp)
contract=$(mktemp)
trap 'rm -f "$routes" "$contract"' EXIT
"${DESCENTD:-build/descentd}" routes | sort >"$routes"
awk '/^paths:/ { inside = 1; next }
     /^[^ #]/ { inside = 0 }
     inside && /^  \/.*:$/ { path = $1; sub(/:$/, "", path) }
     inside && /^    (get|post|put|delete|patch):$/ {
         method = $1; sub(/:$/, "", method); print toupper(method), path }' \
    api/openapi.yaml | sort >"$contract"
if [ -s "$routes" ] && diff "$routes" "$contract"; then
    echo "1 passed, 0 failed"
else
    echo "0 passed, 1 failed"
    exit 1
fi
