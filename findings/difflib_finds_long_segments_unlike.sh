#!/usr/bin/env bash
# Python's difflib: two paragraphs that differ in one word can have a similarity of a half.
# Guessed: ratio() of texts of 350 characters with one word changed is about 0.97, as that of one sentence is. Found:
# from 200 characters on, each character that makes up more than 1 % of the text is "junk" which no match may start
# from: in prose that is every common letter. What is left to start from is chance: of 250 paragraphs of four sentences
# of Multi30k with one word changed, 30 are below 0.75, a translation memory's threshold, and the lowest has 0.03.
# autojunk=False ends it.
set -euo pipefail
python3 - <<'PY'
import sys
from difflib import SequenceMatcher

text = (
    "The translation of a contract is more than the translation of its words. A reader in another country has to know "
    "what was agreed, when it was agreed, and what happens when one side does not do what it said it would do. So the "
    "translator asks the lawyer, the lawyer asks the client, and the client wonders why a text of three pages takes a "
    "week."
)
changed = text.replace("happens", "follows")
found = [round(SequenceMatcher(None, text, changed, autojunk=junk).ratio(), 2) for junk in (True, False)]
print(f"Python {sys.version.split()[0]}: {len(text)} characters, one word changed: ratio {found[0]}; autojunk=False {found[1]}")
if found[0] > 0.75 or found[1] < 0.95:
    raise SystemExit("it has changed")
PY
