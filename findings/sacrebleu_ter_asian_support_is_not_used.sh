#!/usr/bin/env bash
# sacreBLEU 2.6.0: TER's asian_support does nothing by itself, while the signature says asian:yes.
# Guessed: with it (--ter-asian-support) TER counts edits of Chinese and Japanese characters; the signature says so.
# Found: it is looked at only where normalized (--ter-normalized) is set, too. Without that a sentence is one word, and
# TER is 100 for a single wrong character. Give both, and do not compare by signatures that have norm:no|asian:yes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sacrebleu==2.6.0
"$folder/venv/bin/python" - <<'PY'
from sacrebleu.metrics import TER

found = []
for settings in ({}, {"asian_support": True}, {"asian_support": True, "normalized": True}):
    ter = TER(**settings)
    found.append(round(ter.corpus_score(["我爱北京天安门"], [["我爱上海天安门"]]).score, 1))
    print(f"TER {found[-1]:5}  {ter.get_signature()}")
if found != [100.0, 100.0, 28.6]:
    raise SystemExit("it has changed")
PY
