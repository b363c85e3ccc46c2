#!/usr/bin/env bash
# indic-nlp-library 0.92: the normaliser makes a letter of each colon that follows a word.
# Guessed: it unifies ways of writing the same letter; punctuation stays what it is. Found: a colon after a letter, a
# mark or a digit of the script becomes its visarga, a sign that is spoken: "name: Ram" in Hindi has a word that does
# not exist, a ratio such as 1:2 in Devanagari digits is none any more, and in Tamil it is the letter aytham. This runs
# over all text before training and translation in the usual pipelines for Indian languages, so models of them can
# neither read nor write "word:". Set the colons aside before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps indic-nlp-library==0.92
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from indicnlp.normalize.indic_normalize import IndicNormalizerFactory

normalizers = IndicNormalizerFactory()
lines = {  # name: Ram; a ratio of 1:2
    "hi": "नाम: राम, अनुपात १:२",
    "bn": "নাম: রাম",
    "gu": "નામ: રામ",
    "ta": "பெயர்: ராம்",
    "te": "పేరు: రామ్",
}
after = {language: normalizers.get_normalizer(language).normalize(line) for language, line in lines.items()}
for language, line in lines.items():
    print(f"indic-nlp-library {version('indic-nlp-library')}, {language}: {line} -> {after[language]}")
if any(":" in line for line in after.values()) or after["ta"] != "பெயர்ஃ ராம்":
    raise SystemExit("it has changed")
PY
