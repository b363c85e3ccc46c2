#!/usr/bin/env bash
# syntok 1.4.4: split into sentences, "I can't" comes back as "I canot", and "isn't" as "isnot".
# Guessed: a sentence splitter cuts text; each token has its own text and the space before it, and put together they
# are the text, as its documentation promises. Found: the value of a token n't is "not" (and can't loses its n), so a
# text that is split, put together and translated says what nobody wrote. Cut the text by the tokens' offsets instead.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check syntok==1.4.4
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from syntok import segmenter

text = "I can't come. It isn't far, is it? Don't wait."
tokens = [token for paragraph in segmenter.process(text) for sentence in paragraph for token in sentence]
again = "".join(token.spacing + token.value for token in tokens)
print(f"syntok {version('syntok')}: {text!r} -> {again!r}")
if again != "I canot come. It isnot far, is it? Donot wait.":
    raise SystemExit("it has changed")
PY
