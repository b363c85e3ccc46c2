#!/usr/bin/env bash
# bifixer 0.8.12: in English text β-carotene becomes B-carotene, gamma rays Y-rays and Москва MockBa.
# Guessed: "replaces characters from wrong alphabets" means a word that mixes alphabets, as a scan or a keyboard makes
# them. Found: in the languages with Latin letters each Greek and Cyrillic letter that looks like one is replaced,
# wherever it stands: in German β is ß, Δ is A, Σ is E, and of a Greek or Russian name the half that looks Latin is.
# Pipelines for web corpora run it on all text, so a model of them hardly ever sees alpha as a letter or a Russian
# quotation, and writes ß-Carotin. --ignore_characters leaves them alone, and the broken encodings, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check bifixer==0.8.12
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from bifixer import restorative_cleaning

texts = {"en": ["β-carotene", "γ-rays", "Москва is Moscow", "10 кг"], "de": ["β-Carotin", "ΔT = 5", "Σ"]}
found = {}
for language, lines in texts.items():
    letters = restorative_cleaning.getCharsReplacements(language)
    found[language] = [restorative_cleaning.fix(line, language, *letters) for line in lines]
    print(f"bifixer {version('bifixer')}, {language}: {lines} -> {found[language]}")
if found != {"en": ["B-carotene", "Y-rays", "MockBa is Moscow", "10 kr"], "de": ["ß-Carotin", "AT = 5", "E"]}:
    raise SystemExit("it has changed")
PY
