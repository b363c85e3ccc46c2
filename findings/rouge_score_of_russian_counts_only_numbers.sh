#!/usr/bin/env bash
# rouge-score 0.1.2: two Russian sentences that share only their year have ROUGE 1; a Chinese text with itself has 0.
# Guessed: a word is a run of letters in any script, and equal texts have 1. Found: all but a-z and 0-9 divides words
# and is left out. Of Russian, Greek, Arabic or Chinese only numbers and Latin names are compared; German "führt"
# (leads) and "fährt" (drives) are both "f" and "hrt", so a translation with the wrong word has 1. Scores of other
# languages than English rank systems by their digits and abbreviations. Give RougeScorer a tokenizer of your own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check rouge-score==0.1.2
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from rouge_score import rouge_scorer


class Words:
    def tokenize(self, text):
        return text.lower().split()


pairs = {
    "Russian, other words": ("Мы идём в парк в 2026 году", "Они едут домой в 2026 году"),
    "Chinese, itself": ("我们去公园", "我们去公园"),
    "German, another word": ("Sie führt das Fest", "Sie fährt das Fest"),
    "English, another word": ("She leads the party", "She loads the party"),
}


def scores(scorer):
    return {name: scorer.score(*pair)["rougeL"].fmeasure for name, pair in pairs.items()}


found = scores(rouge_scorer.RougeScorer(["rougeL"]))
own = scores(rouge_scorer.RougeScorer(["rougeL"], tokenizer=Words()))
print(f"rouge-score {version('rouge-score')}: ROUGE-L {found}; with words divided at spaces {own}")
if list(found.values()) != [1, 0, 1, 0.75] or not 0 < own["Russian, other words"] < 1 or own["Chinese, itself"] != 1:
    raise SystemExit("it has changed")
PY
