#!/usr/bin/env bash
# datasets 5.2.0: a translation that reads "None", "N/A", "null" or "nan" is missing from a TSV.
# Guessed: in columns of text a word is a word; a field is missing where it is empty. Found: pandas' list of signs for
# missing values is applied, "None" of a menu and "NA" of a form become None, and what follows either fails on it or
# drops the pair. keep_default_na=False keeps them (and gives "" for empty fields).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 pandas==3.1.1 pyarrow==26.0.1
cd "$folder"
printf 'de\ten\nJa\tYes\nKeine\tNone\nk. A.\tN/A\nNull\tnull\nOma\tnan\nNordamerika\tNA\n' >ui.tsv
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" venv/bin/python - <<'PY'
import datasets

datasets.disable_progress_bars()
found = {}
for name, options in (("by default", {}), ("keep_default_na=False", {"keep_default_na": False})):
    rows = datasets.load_dataset("csv", data_files="ui.tsv", sep="\t", split="train", **options)
    found[name] = list(rows["en"])
    print(f"datasets {datasets.__version__}, {name}: {found[name]}")
texts = ["Yes", "None", "N/A", "null", "nan", "NA"]
if list(found.values()) != [["Yes"] + [None] * 5, texts]:
    raise SystemExit("it has changed")
PY
