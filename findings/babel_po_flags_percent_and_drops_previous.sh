#!/usr/bin/env bash
# babel 2.19.0: a PO file that is read and written has python-format on "50% off", and has lost its previous texts.
# Guessed: flags and "#|" lines are kept as they are. Found: a text with "% o" (% d, % s ...) is taken for a format even
# in a file of another programming language, and msgfmt --check and editors then refuse its translation, "50 % Rabatt".
# "#| msgid" comes back as the translator's comment "# | msgid", so what a fuzzy entry was made from is not shown any
# more, and the next reader takes it for a note.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check babel==2.19.0
"$folder/venv/bin/python" - <<'PY'
import io

import babel
from babel.messages import pofile

before = """msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

#: shop.js:1
msgid "Now 50% off"
msgstr "Jetzt 50 % Rabatt"

#, fuzzy
#| msgid "Open file"
msgid "Open files"
msgstr "Datei öffnen"
"""
after = io.BytesIO()
pofile.write_po(after, pofile.read_po(io.BytesIO(before.encode())), omit_header=True)
written = after.getvalue().decode()
print(f"babel {babel.__version__} wrote:\n{written}")
if "#, python-format" not in written or "#| msgid" in written or "# | msgid" not in written:
    raise SystemExit("it has changed")
PY
