#!/usr/bin/env bash
# datasets 5.2.0: a quote in a TSV of parallel text merges pairs, without a word.
# Guessed: a file named .tsv is tab-separated text, in which a quotation mark is a character like any other, as all
# translation toolkits read it. Found: it goes to the CSV reader with its quoting on; an opening mark swallows tabs and
# line ends up to the closing one, so that four pairs become two and one side holds three lines.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 pandas==3.1.1 pyarrow==26.0.1
mkdir "$folder/text"
printf 'de\ten\nJa.\tYes.\n"Gut.\tGood.\nDanke.\tThanks.\nNein."\tNo.\n' >"$folder/text/train.tsv"
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" venv/bin/python - <<'PY'
import datasets

rows = datasets.load_dataset("./text", split="train")
rows = list(rows)
print(f"datasets {datasets.__version__}: 4 lines of pairs, {len(rows)} rows; the last one's German side is {rows[-1]['de']!r}")
assert len(rows) == 2 and rows[-1]["de"].count("\n") == 2, "it has changed"
PY
