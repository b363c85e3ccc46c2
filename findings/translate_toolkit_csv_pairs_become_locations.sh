#!/usr/bin/env bash
# translate-toolkit 3.20.4: csv2po of a file with two columns makes the first a place in the code, the second the source.
# Guessed: of two columns, as glossaries and memories are kept, one is the source and the other its translation. Found:
# without a first line that says source,target (en,de is a pair itself), columns are location, source, target. The PO
# file asks for translations of the German texts, and English is the name of a file. --columnorder=source,target helps.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check translate-toolkit==3.20.4
cd "$folder"
printf 'Hello,Hallo\nGood night,Gute Nacht\n' >pairs.csv
venv/bin/csv2po --progress=none pairs.csv default.po
venv/bin/csv2po --progress=none --columnorder=source,target pairs.csv told.po
echo "translate-toolkit 3.20.4:"
tail -n 7 default.po
grep -q '^msgid "Gute Nacht"' default.po && grep -q '^msgid "Good night"' told.po && grep -q '^msgstr "Gute Nacht"' told.po ||
    { echo "it has changed"; exit 1; }
