#!/usr/bin/env bash
# translate-toolkit 3.20.4: the source of an XLIFF unit has no inline codes, and words on both sides of one are joined.
# Guessed: unit.source has <x id="1"/> and <g> in some form, or refuses to be text, so that a translation of it has them
# again. Found: it is the text alone: a line break of a button's text is nothing, "Save<x/>now" is "Savenow". A target set
# from it has lost links, bold and breaks, and the file is valid. unit.rich_source has them, as elements.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check translate-toolkit==3.20.4
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from translate.storage import xliff

store = xliff.xlifffile.parsestring(
    b'<xliff xmlns="urn:oasis:names:tc:xliff:document:1.2" version="1.2"><file original="a" datatype="html" '
    b'source-language="en" target-language="de"><body><trans-unit id="1"><source>Save<x id="1" ctype="lb"/>now, or '
    b'read <g id="2" ctype="link">the manual</g>.</source></trans-unit></body></file></xliff>'
)
(unit,) = store.units
print(f"translate-toolkit {version('translate-toolkit')}: source {unit.source!r}")
unit.target = unit.source
(target,) = unit.xmlelement.iter("{*}target")
print(f"a target set from it has {len(target)} codes; rich_source: {unit.rich_source}")
if unit.source != "Savenow, or read the manual." or len(target) != 0:
    raise SystemExit("it has changed")
PY
