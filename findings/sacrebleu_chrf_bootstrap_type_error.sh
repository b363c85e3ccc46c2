#!/usr/bin/env bash
# sacreBLEU 2.6.0 with NumPy 2: chrF's confidence interval ends in a TypeError where a resample has no right character.
# Guessed: a bootstrap over any test set gives a mean and an interval. Found: of a resample without one matching n-gram
# the score is Python's 0.0, of every other one NumPy's float32, and the statistics module of the standard library
# takes no mixture of the two. BLEU of the same lines has its interval.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sacrebleu==2.6.0 numpy==2.4.6
printf 'xyz\na dog runs here\n' >"$folder/ref"
printf 'q\na dog runs here\n' >"$folder/hyp"
cd "$folder"
venv/bin/sacrebleu ref -i hyp -m bleu --confidence --format text
venv/bin/sacrebleu ref -i hyp -m chrf --format text
if venv/bin/sacrebleu ref -i hyp -m chrf --confidence --format text 2>error; then
    echo "it has changed"
    exit 1
fi
tail -1 error | grep "TypeError: don't know how to coerce float and float32"
