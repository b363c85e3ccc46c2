#!/usr/bin/env bash
# thefuzz 0.22.1: in a list that has the Hindi word for "day", the one for "donation" is found, with 100.
# Guessed: before words are compared, case and punctuation go; letters and their vowel signs are text. Found: all that
# is not a letter or a digit by Unicode becomes a space, and vowel signs, viramas and the points of Arabic are marks.
# What is left of many words is alike: दिन and दान are both "द न", and extractOne takes whichever comes first. So
# matches of glossaries and translation memories in Hindi, Nepali or Burmese are wrong with the highest score.
# processor=None does not help, since the scorer does it as well. rapidfuzz, on which it is built, compares texts as
# they are, unless its utils.default_process is asked for, which does the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check thefuzz==0.22.1 rapidfuzz==3.14.6
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import rapidfuzz
from thefuzz import fuzz, process

glossary = {"रात": "night", "दान": "donation", "दिन": "day"}
found = process.extractOne("दिन", list(glossary))
kept = rapidfuzz.process.extractOne("दिन", list(glossary))
scores = {
    "two Hindi words": fuzz.WRatio("दिन", "दान"),
    "those, full_process=False": fuzz.WRatio("दिन", "दान", full_process=False),
    "two Nepali words": fuzz.WRatio("खाना", "खान"),
    "Arabic, he wrote and books": fuzz.WRatio("كَتَبَ", "كُتُب"),
}
print(f"thefuzz {version('thefuzz')}: for 'day' {glossary[found[0]]!r} is found, {found[1]}")
print(f"by rapidfuzz {rapidfuzz.__version__}: {kept}; pairs of different words have {scores}")
equal = [score == 100 for score in scores.values()]
if found != ("दान", 100) or kept[:2] != ("दिन", 100) or equal != [True, False, True, True]:
    raise SystemExit("it has changed")
PY
