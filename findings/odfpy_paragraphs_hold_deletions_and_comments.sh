#!/usr/bin/env bash
# odfpy 1.4.1: the paragraphs of an OpenDocument text hold deleted text, comments and the commentator's name and date.
# Guessed: getElementsByType(P) gives the paragraphs of the document, and extractText what a reader sees of each. Found:
# deleted text of tracked changes is a paragraph like others; a footnote and a comment stand inside the sentence that
# they belong to, with no space between ("Price1per person", "Anna2026-01-01T00:00:00"), and again as paragraphs of
# their own. So a translator is given texts that were struck out, and most of a commented document twice. Walk the tree,
# and leave out text:tracked-changes, office:annotation and text:note.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check odfpy==1.4.1
cd "$folder"
venv/bin/python - <<'PY'
import zipfile
from importlib.metadata import version

from odf.opendocument import load
from odf.teletype import extractText
from odf.text import P

NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "text", "manifest")
)
ABOUT = "<dc:creator>Anna</dc:creator><dc:date>2026-01-01T00:00:00</dc:date>"
CONTENT = f"""<?xml version="1.0" encoding="UTF-8"?>
<office:document-content {NAMES} xmlns:dc="http://purl.org/dc/elements/1.1/" office:version="1.2">
<office:body><office:text>
<text:tracked-changes><text:changed-region text:id="c1"><text:deletion><office:change-info>{ABOUT}</office:change-info>
<text:p>Breakfast is free.</text:p></text:deletion></text:changed-region></text:tracked-changes>
<text:p>Price<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body><text:p>per
person</text:p></text:note-body></text:note> to be paid.<office:annotation>{ABOUT}<text:p>Ask!</text:p>
</office:annotation><text:change text:change-id="c1"/></text:p></office:text></office:body></office:document-content>"""
MANIFEST = f"""<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest {NAMES} manifest:version="1.2">
<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.text"/>
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>"""
with zipfile.ZipFile("document.odt", "w") as document:
    document.writestr("mimetype", "application/vnd.oasis.opendocument.text")
    document.writestr("content.xml", CONTENT)
    document.writestr("META-INF/manifest.xml", MANIFEST)
found = [" ".join(extractText(paragraph).split()) for paragraph in load("document.odt").getElementsByType(P)]
print(f"odfpy {version('odfpy')}: of a document that reads 'Price to be paid.' the paragraphs are {found}")
sentence = "Price1per person to be paid.Anna2026-01-01T00:00:00Ask!"
if found != ["Breakfast is free.", sentence, "per person", "Ask!"]:
    raise SystemExit("it has changed")
PY
