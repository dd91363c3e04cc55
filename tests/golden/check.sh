#!/bin/sh
# Makes every golden file anew, in a folder of its own, and compares. Run from the top of the
# repository; `make golden` installs what it takes.
set -eu
python=/usr/bin/python3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
$python -c 'import torch' # the scripts do without; a check does not
mkdir -p "$dir/tests/golden"
cp tests/golden/*.py "$dir/tests/golden"
top=$PWD
cd "$dir"
for name in curves optimizers metrics; do
    $python "tests/golden/make_$name.py"
done
(cd tests/golden && $python -W ignore make_onnx.py)
$python "$top/tests/golden/make_powers.py" --check
$python "$top/tests/golden/compare.py" "$dir/tests/golden" "$top/tests/golden"
