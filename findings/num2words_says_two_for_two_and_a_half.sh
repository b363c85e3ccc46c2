#!/usr/bin/env bash
# num2words 0.5.14: minus a half is "zero point five", and 2.5 in Italian is "due".
# Guessed: a language that it knows has signs and decimals, or raises NotImplementedError, as one that it does not know
# does. Found: of numbers between -1 and 0 the sign is lost in English, German, French, Spanish, Portuguese, Japanese
# and others. Italian drops all decimals of a Decimal and of a text, which is how numbers come out of a sentence, but
# not those of a float. So test sets, and texts for speech, that are made with it state other numbers, in words that no
# comparison of digits checks. Say the sign yourself, and give floats for Italian.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check num2words==0.5.14
"$folder/venv/bin/python" - <<'PY'
from decimal import Decimal
from importlib.metadata import version

from num2words import num2words

numbers = ("0.5", "-0.5", "-1.5", "2.5")
words = {language: [num2words(number, lang=language) for number in numbers] for language in ("en", "de", "fr", "it")}
for language, said in words.items():
    print(f"num2words {version('num2words')}, {language}: {dict(zip(numbers, said))}")
unsigned = [language for language in words if words[language][0] == words[language][1]]
whole = [num2words(number, lang="it") for number in ("2.5", Decimal("2.5"), 2.5)]
print("Italian text, Decimal and float:", whole)
if unsigned != ["en", "de", "fr"] or whole != ["due", "due", "due virgola cinque"]:
    raise SystemExit("it has changed")
PY
