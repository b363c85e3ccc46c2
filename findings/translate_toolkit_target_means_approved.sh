#!/usr/bin/env bash
# translate-toolkit 3.20.4: to set the target of an XLIFF 1.2 unit declares it approved.
# Guessed: unit.target = "..." fills in the target, with a state such as "translated" or none; to approve a translation
# is a reviewer's act. Found: the unit also gets approved="yes", so what a machine has written counts as reviewed, and
# editors that ask for unapproved segments pass over it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check translate-toolkit==3.20.4
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from translate.storage import xliff

store = xliff.xlifffile.parsestring(
    b'<xliff xmlns="urn:oasis:names:tc:xliff:document:1.2" version="1.2"><file original="a" datatype="plaintext" '
    b'source-language="de" target-language="en"><body><trans-unit id="1"><source>Ein Hund</source></trans-unit></body>'
    b"</file></xliff>"
)
(unit,) = store.units
print(f"translate-toolkit {version('translate-toolkit')}: approved before {unit.isapproved()}", end=", ")
unit.target = "A dog"
print(f"after its target is set {unit.isapproved()}")
print(next(line.strip() for line in bytes(store).decode().splitlines() if "trans-unit" in line)[:120])
if not unit.isapproved():
    raise SystemExit("it has changed")
PY
