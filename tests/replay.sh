#!/bin/sh
# Every file of the fuzzers' corpus through its decoder, built by the ordinary compiler.
set -u
programs=$(dirname "${DESCENTD:-build/descentd}")/tests/fuzz
passed=0 failed=0
for corpus in tests/fuzz/corpus/*/; do
    name=$(basename "$corpus")
    if "$programs/replay_$name" "$corpus"* >/dev/null; then
        passed=$((passed + 1))
    else
        echo "replay of $name failed"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
