#!/usr/bin/env bash
# datasets 5.2.0: map() gives the cached result of a helper function that has been changed since, in another file.
# Guessed: the fingerprint of a map covers the code that it runs, as the documentation of the cache says of the function
# and what it calls. Found: functions of an imported module enter by name only. So whoever mends the cleaning or the
# tokenisation in cleaning.py and starts again trains on the text as it was before, without a word. Give new_fingerprint=
# with a version, or load_from_cache_file=False.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 pandas==3.1.1 pyarrow==26.0.1
cd "$folder"
printf 'A dog\nA cat\n' >text.txt
cat >prepare.py <<'PY'
import cleaning
import datasets

datasets.disable_progress_bars()
rows = datasets.load_dataset("text", data_files="text.txt", split="train")
print(*rows.map(lambda row: {"text": cleaning.cleaned(row["text"])})["text"], sep=", ")
PY
export HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" PYTHONDONTWRITEBYTECODE=1
echo 'def cleaned(line): return line.lower()' >cleaning.py
before=$(venv/bin/python prepare.py)
echo 'def cleaned(line): return line.upper()' >cleaning.py
after=$(venv/bin/python prepare.py)
echo "datasets 5.2.0: with lower() $before; then with upper() $after"
[ "$before" = "a dog, a cat" ] && [ "$after" = "$before" ] || { echo "it has changed"; exit 1; }
