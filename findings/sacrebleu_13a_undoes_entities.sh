#!/usr/bin/env bash
# sacreBLEU 2.6.0: a system that writes &quot; for every quotation mark has BLEU 100, by the default tokens.
# Guessed: 13a splits punctuation; letters that the reference does not have are errors. Found: it also turns &quot;,
# &amp;, &lt; and &gt; into the signs, and leaves out <skipped>, on both sides. So text that was escaped once too often,
# and shows users "&lt;b&gt;" and "R&amp;D", scores as if it were right, and who compares systems by BLEU alone prefers
# it to a small slip elsewhere. intl, chrF and TER see it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sacrebleu==2.6.0
"$folder/venv/bin/python" - <<'PY'
import html
from importlib.metadata import version

from sacrebleu.metrics import BLEU, CHRF, TER

ref = ['Press <b>Save</b> & then say "yes" twice', "The R&D department has moved to the second floor"]
hyp = [html.escape(line) for line in ref]
found = {
    name: round(metric.corpus_score(hyp, [ref]).score, 1)
    for name, metric in {"BLEU 13a": BLEU(), "BLEU intl": BLEU(tokenize="intl"), "chrF": CHRF(), "TER": TER()}.items()
}
print(f"sacrebleu {version('sacrebleu')}: {hyp[0]!r} and {hyp[1]!r}: {found}")
if found["BLEU 13a"] < 99.9 or found["BLEU intl"] > 80 or found["chrF"] > 90 or found["TER"] < 5:
    raise SystemExit("it has changed")
PY
