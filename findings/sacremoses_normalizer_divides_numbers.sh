#!/usr/bin/env bash
# sacremoses 0.2.0: MosesPunctNormalizer makes ten of ten thousand.
# Guessed: it unifies quotation marks and spaces; numbers keep their value. Found: between two digits a no-break space,
# which divides thousands in most of Europe, becomes the decimal sign of the language: a point in English, a comma in
# German and French. "2010 3" with such a space becomes one number. Its digits are right, so no eye and no count of
# digits finds it, and many pipelines run it over both sides of all training text. Replace such spaces before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sacremoses==0.2.0
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from sacremoses import MosesPunctNormalizer

print(f"sacremoses {version('sacremoses')}")
found = []
for lang, text in (
    ("en", "They paid 10\u00a0000 euros."),
    ("de", "Sie zahlten 10\u00a0000 Euro."),
    ("fr", "Ils ont payé 10\u00a0000 euros."),
    ("de", "Im Jahr 2010\u00a03 Tore."),
):
    found.append(MosesPunctNormalizer(lang=lang).normalize(text))
    print(f"{lang}: {text!r} -> {found[-1]!r}")
if [("10.000" in found[0])] + ["10,000" in one for one in found[1:3]] + ["2010,3" in found[3]] != [True] * 4:
    raise SystemExit("it has changed")
PY
