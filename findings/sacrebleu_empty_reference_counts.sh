#!/usr/bin/env bash
# sacreBLEU 2.6.0: an empty line in a second reference file is a reference, and the score rises by it.
# Guessed: an empty line means that this sentence has one reference less, as the documentation of the library's own
# corpus_score says of '' and None alike. Found: None is left out; '' is a reference of length 0. A translation shorter
# than half of the other reference then takes 0 for the closest length, and the brevity penalty shrinks.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sacrebleu==2.6.0
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from sacrebleu.metrics import BLEU

hyps = ["the dog sleeps in", "a bird sings in the old garden of my house today"]
refs = ["the dog sleeps in the garden behind the house", "a bird sings in the old garden of my house today"]
score = {name: BLEU().corpus_score(hyps, [refs, [other, None]]).score for name, other in (("None", None), ("''", ""))}
print(f"sacrebleu {version('sacrebleu')}: BLEU {score['None']:.2f} without a second reference, {score[chr(39) * 2]:.2f} with an empty one")
assert score["''"] > score["None"] + 5, "it has changed"
PY
