#!/usr/bin/env bash
# pythainlp 5.4.0: of its engines for words, "longest" makes "windows" and "nasa" of Windows and NASA.
# Guessed: whichever engine is given to word_tokenize, its words put together are the text; the engines differ in where
# they cut. Found: "longest" lower-cases letters that are not Thai, and so does "etcc" of subword_tokenize; "newmm" and
# the other ones keep them. Thai text has names, units and codes in Latin letters in every other sentence, and Thai
# itself knows no case, so nothing in the result looks wrong. A model that is trained on it writes them small, and a
# comparison with the reference by case counts each one. Use newmm, or cut the text by the words' lengths.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pythainlp==5.4.0
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from pythainlp.tokenize import subword_tokenize, word_tokenize

text = "ใช้ Windows ของ NASA"
words = {engine: "".join(word_tokenize(text, engine=engine)) for engine in ("newmm", "mm", "longest")}
subwords = {engine: "".join(subword_tokenize(text, engine=engine)) for engine in ("tcc", "etcc")}
print(f"pythainlp {version('pythainlp')}: {text!r} -> {words}, {subwords}")
if [*words.values(), *subwords.values()] != [text, text, text.lower(), text, text.lower()]:
    raise SystemExit("it has changed")
PY
