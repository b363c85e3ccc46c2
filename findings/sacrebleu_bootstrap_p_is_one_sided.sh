#!/usr/bin/env bash
# sacreBLEU 2.6.0: of systems that are equally good, a tenth differ with p < 0.05 by its default paired test.
# Guessed: p is two-sided, as that of its other test, so a twentieth. Found: the bootstrap
# takes absolute values of the resamples' differences before it subtracts their mean, so only those in the direction of
# the difference found are counted. By randomisation it is a twentieth.
# sacrebleu 2.6.0, bs: p < 0.05 in 13.3% of 300 pairs of equally good systems
# sacrebleu 2.6.0, ar: p < 0.05 in 5.7% of 300 pairs of equally good systems
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sacrebleu==2.6.0
cd "$folder"
venv/bin/python - <<'PY'
import logging
import random
from importlib.metadata import version

from sacrebleu.metrics import BLEU
from sacrebleu.significance import PairedTest

logging.getLogger("sacrebleu").setLevel(logging.ERROR)
PAIRS, SENTENCES, SAMPLES = 300, 80, 400
draw = random.Random(1)
words = [f"w{number}" for number in range(500)]
found = {"bs": [], "ar": []}
for _ in range(PAIRS):
    ref = [[draw.choice(words) for _ in range(12)] for _ in range(SENTENCES)]

    def system():  # each word is right with probability 0.8, in both systems
        return [" ".join(word if draw.random() < 0.8 else "x" for word in line) for line in ref]

    systems = [("one", system()), ("other", system())]
    for test, ps in found.items():
        bleu = BLEU(references=[[" ".join(line) for line in ref]])
        _, columns = PairedTest(systems, {"BLEU": bleu}, None, test_type=test, n_samples=SAMPLES)()
        ps.append(columns["BLEU"][1].p_value)
share = {test: sum(p < 0.05 for p in ps) / PAIRS for test, ps in found.items()}
for test, value in share.items():
    print(f"sacrebleu {version('sacrebleu')}, {test}: p < 0.05 in {value:.1%} of {PAIRS} pairs of equally good systems")
assert share["bs"] > 0.075 and share["ar"] < 0.075, "it has changed"
PY
