#!/usr/bin/env bash
# sacreBLEU 2.6.0: a system and its copy differ "significantly", with the smallest p that the test can give.
# Guessed: p = 1, since no difference was observed. Found: p counts the resamples whose difference lies strictly above
# the observed one; of equal systems none does, and (0 + 1) / (n + 1) is left, by bootstrap and by randomisation.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sacrebleu==2.6.0
cd "$folder"
for i in 1 2 3 4 5 6 7 8; do
  echo "the cat number $i sleeps in the old house" >>ref
  echo "the cat number $i slept in an old house" >>one
done
cp one copy
for test in bs ar; do
  venv/bin/sacrebleu ref -i one copy -m bleu --paired-$test --paired-$test-n 1000 --format json >"$test.json" 2>/dev/null
done
venv/bin/python - <<'PY'
import json
from importlib.metadata import version

for test in ("bs", "ar"):
    rows = json.load(open(f"{test}.json"))
    (p,) = (row["BLEU"]["p_value"] for row in rows if row["BLEU"].get("p_value") is not None)
    print(f"sacrebleu {version('sacrebleu')}, {test}: p = {p:.4f} between a file and its copy")
    assert abs(p - 1 / 1001) < 1e-9, "it has changed"
PY
