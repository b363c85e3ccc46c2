#!/usr/bin/env bash
# torchmetrics 1.9.0: SacreBLEUScore scores one sentence of many where references are laid out as sacreBLEU has them.
# Guessed: a class named after sacreBLEU takes what corpus_score takes, hyps and [refs], or refuses what it does not fit;
# the other text metrics of the library say "Corpus has different size". Found: hypotheses and references are zipped.
# Of [refs] all sentences are references of the first hypothesis, and the rest count for nothing but length; flat refs
# are letters as references, 0.0; half of the references (a file cut short) give a score, too. It wants [[ref], [ref]].
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.6 regex
"$folder/venv/bin/python" -W ignore - <<'PY'
import torchmetrics
from torchmetrics.text import CHRFScore, SacreBLEUScore

refs = ["a man sits in the old house today", "the dog sleeps in the green garden",
        "two birds sing a song near the tree", "we go home early in the evening"]
hyps = [ref.replace("the", "a") for ref in refs]
each = [[ref] for ref in refs]
layouts = {"[[ref], [ref], ...]": each, "sacreBLEU's [refs]": [refs], "refs": refs, "half of them": each[:2]}
scores = {}
for name, layout in layouts.items():
    scores[name] = round(100 * float(SacreBLEUScore()(hyps, layout)), 1)
    try:
        chrf = round(100 * float(CHRFScore()(hyps, layout)), 1)
    except ValueError as error:
        chrf = error
    print(f"torchmetrics {torchmetrics.__version__}: {name:20} BLEU {scores[name]:4}  chrF++ {chrf}")
if [round(score) for score in scores.values()] != [55, 50, 0, 38]:
    raise SystemExit("it has changed")
PY
