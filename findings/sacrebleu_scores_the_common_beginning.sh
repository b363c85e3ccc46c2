#!/usr/bin/env bash
# sacreBLEU 2.6.0 from Python: of hypotheses and references in unequal numbers the common beginning is scored, silently.
# Guessed: an error, as its command gives. Found: corpus_score, corpus_bleu, chrF and TER zip the lists. A
# translation that broke off after a third has the score of its first third, without a brevity penalty; a second
# reference that is short cuts the test set for all; and refs given flat, not [refs], are letters as references.
# Check the lengths before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sacrebleu==2.6.0
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from sacrebleu.metrics import BLEU, CHRF, TER

refs = ["the dog sleeps in the garden", "a bird sings in the old tree", "we go home early in the evening"]
hyps = [refs[0], "one bird is in a tree", "home we go"]
cases = {
    "three and three": (hyps, [refs]),
    "one hypothesis, three references": (hyps[:1], [refs]),
    "three hypotheses, one reference": (hyps, [refs[:1]]),
    "a second file of references with one line": (hyps, [refs, refs[:1]]),
    "flat references": (hyps, refs),
}
found = {}
print(f"sacrebleu {version('sacrebleu')}")
for name, lists in cases.items():
    found[name] = [round(metric.corpus_score(*lists).score) for metric in (BLEU(), CHRF(), TER())]
    print(f"{name:42} BLEU {found[name][0]:3}  chrF {found[name][1]:3}  TER {found[name][2]:3}")
whole, *rest = found.values()
if whole[0] > 60 or any(scores != [100, 100, 0] for scores in rest[:3]):
    raise SystemExit("it has changed")
PY
printf 'a b c d\ne f g h\n' >"$folder/ref"
printf 'a b c d\n' >"$folder/hyp"
if "$folder/venv/bin/sacrebleu" "$folder/ref" -i "$folder/hyp" 2>"$folder/error"; then echo "it has changed"; exit 1; fi
echo "its command says: $(tail -n 1 "$folder/error")"
