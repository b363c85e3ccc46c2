#!/usr/bin/env bash
# translate-toolkit 3.20.4: an Android string that refers to another shows users "@string/app" once it is translated.
# Guessed: "@string/app", by which one text of an Android app stands for another, is no text to translate, as one with
# translatable="false" is none, or it is written as it was read. Found: it counts as translatable, and a target that is
# set to it is escaped, "\@string/app", which Android takes for these letters. Whoever sends all units through a
# translator, which leaves such a name as it is, or copies what is to stay the same, cuts the reference, in the
# translated app only. Leave out texts that begin with @ and a type.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check translate-toolkit==3.20.4
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from translate.storage.aresource import AndroidResourceFile

before = b"""<?xml version="1.0" encoding="utf-8"?>
<resources>
    <string name="app">Notes</string>
    <string name="title">@string/app</string>
    <string name="key" translatable="false">x-notes</string>
</resources>
"""
resources = AndroidResourceFile()
resources.parse(before)
translatable = {unit.source: unit.istranslatable() for unit in resources.units}
for unit in resources.units:
    unit.target = unit.source
after = bytes(resources).decode()
print(f"translate-toolkit {version('translate-toolkit')}: translatable {translatable}, with targets as sources\n{after}")
if list(translatable.values()) != [True, True, False] or '"title">\\@string/app<' not in after:
    raise SystemExit("it has changed")
PY
