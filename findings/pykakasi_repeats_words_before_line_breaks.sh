#!/usr/bin/env bash
# pykakasi 2.3.0: the word before a line break or a tab is romanised twice, and kanji beyond U+FFFF are left out.
# Guessed: convert cuts a text into words, whose "orig" together are the text; a break is one of them, or divides two.
# Found: what stands before a break comes again after it ("toukyou", a line break, "toukyou", "kyouto"), and of A and B
# in two lines the second is AB. A kanji such as 𠮷, common in names, is in no item at all. So a column of names, or a
# pair for training transliteration, says words twice. Convert line by line, cut at tabs, and compare "".join of the
# "orig" with the text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pykakasi==2.3.0 setuptools==65.5.0
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import pykakasi

found = {}
for text in ("東京\n京都", "東京\t京都", "A\nB", "𠮷野家", "東京 京都"):
    found[text] = [word["orig"] for word in pykakasi.kakasi().convert(text)]
    print(f"pykakasi {version('pykakasi')}: {text!r} -> {found[text]}")
broken = [["東京", "\n", "東京", "京都"], ["東京", "\t", "東京", "京都"], ["A", "\n", "AB"], ["野家"]]
if list(found.values()) != [*broken, ["東京", " ", "京都"]]:
    raise SystemExit("it has changed")
PY
