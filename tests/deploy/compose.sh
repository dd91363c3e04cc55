#!/bin/sh
# The compose files and the unit, by docker-compose and systemd-analyze.
set -eu
deploy=$(cd "$(dirname "$0")/../../deploy" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$deploy" "$work/deploy"
mkdir "$work/deploy/secrets"
for name in tokens store database_password; do
    echo a-secret-of-some-length >"$work/deploy/secrets/$name"
done
docker-compose -f "$work/deploy/compose.yaml" config -q
docker-compose -f "$work/deploy/compose.cluster.yaml" config -q
sed 's|/usr/local/bin/descentd|/bin/true|' "$deploy/descentd.service" >"$work/descentd.service"
systemd-analyze verify "$work/descentd.service"
systemd-analyze security --offline=true --threshold=30 "$work/descentd.service" >"$work/security" ||
    { tail -3 "$work/security"; exit 1; }
tail -1 "$work/security"
