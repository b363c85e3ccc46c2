#!/usr/bin/env bash
# datasets 5.2.0: an empty file whose name holds "test" makes a folder of JSON lines unreadable.
# Guessed: load_dataset of a folder reads the data files that it knows by their suffix, and passes over a lock, a log
# or a note. Found: the splits are told by words in any file's name first; a stray "test.lock" becomes the test split,
# has no reader, and the training text beside it cannot be loaded either.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check datasets==5.2.0 pandas==3.1.1 pyarrow==26.0.1
mkdir "$folder/corpus"
printf '{"de": "Ja.", "en": "Yes."}\n' >"$folder/corpus/train.jsonl"
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" venv/bin/python - <<'PY'
from pathlib import Path

import datasets

print(f"datasets {datasets.__version__}: {len(datasets.load_dataset('./corpus', split='train'))} row without the file")
Path("corpus/test.lock").touch()
try:
    datasets.load_dataset("./corpus", split="train")
except Exception as error:
    print(f"with it: {type(error).__name__}: {str(error).splitlines()[0][:100]}")
else:
    raise SystemExit("it has changed")
PY
