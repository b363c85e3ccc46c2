#!/usr/bin/env bash
# fluent.syntax 0.19.0: a translation that is set as text and written can end a message early, or be no message at all.
# Guessed: the serializer writes a text so that it is read back as it is: where the syntax has a sign of its own it
# writes { "[" }, as authors of Fluent files do by hand. Found: it writes what it is given. A second line that begins
# with [ or . or * ends the message, a brace makes it unreadable, and spaces at both ends go. The parser keeps such an
# entry as "junk" without an error, and the next program to write the file drops it. Parse the translation, or read back
# what was written, and compare.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fluent.syntax==0.19.0
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from fluent.syntax import ast, parse, serialize

texts = ["Press a key:\n[Enter] to save", "Files:\n.txt and .po", "Set {1, 2}", "Total: ", "Seite 3"]


def written_and_read(text):
    message = ast.Message(ast.Identifier("key"), ast.Pattern([ast.TextElement(text)]))
    entry = parse(serialize(ast.Resource([message]))).body[0]
    whole = isinstance(entry, ast.Message) and all(isinstance(part, ast.TextElement) for part in entry.value.elements)
    return entry.value.elements[0].value if whole else type(entry).__name__


found = {text: written_and_read(text) for text in texts}
print(f"fluent.syntax {version('fluent.syntax')}:")
for text, back in found.items():
    print(f"  {text!r} is read back as {back!r}")
if [text for text, back in found.items() if text == back] != ["Seite 3"]:
    raise SystemExit("it has changed")
PY
