#!/bin/sh
# Runs test programs one after the other and adds up their "N passed, N failed" lines.
# A program that fails, or that ran no test, fails the whole.
set -u
# One PostgreSQL for all that ask for it.
case " $*" in
*/server/test_* | */test_replicas* | */test_placement* | */test_newer* | */test_commit*) [ -n "${DESCENTD_TEST_POSTGRES:-}" ] ||
    exec sh "$(dirname "$0")/postgres.sh" run sh "$0" "$@" ;;
esac
passed=0 failed=0 broken=
for program in "$@"; do
    name=${program##*tests/}
    start=$(date +%s)
    output=$("$program" 2>&1)
    code=$?
    counts=$(printf '%s\n' "$output" | sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' |
        tail -n 1)
    : "${counts:=0 0}"
    ok=${counts% *} bad=${counts#* }
    passed=$((passed + ok)) failed=$((failed + bad))
    printf '%-36s %3d passed, %d failed, %ds\n' "$name" "$ok" "$bad" $(($(date +%s) - start))
    if [ "$code" != 0 ] || [ "$ok" = 0 ]; then
        broken="$broken $name"
        [ "$bad" != 0 ] || failed=$((failed + 1))
        printf '%s\n' "$output"
    elif [ -n "${TESTS_VERBOSE:-}" ]; then
        printf '%s\n' "$output"
    fi
done
[ -z "$broken" ] || echo "failed:$broken"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
