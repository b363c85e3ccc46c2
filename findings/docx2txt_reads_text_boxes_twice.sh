#!/usr/bin/env bash
# docx2txt 0.9 and docx2python 3.7.1: each text box of a Word document is read twice.
# Guessed: a text that stands once on the page is read once. Found: Word writes a text box in two forms, one for itself
# and a fallback for older programs, of which a reader is to take one; both libraries take both. A corpus of brochures
# and forms made with them has its boxes doubled (on one side only, if the translation was not saved by Word), and
# whoever counts words for an offer counts too many. Leave out what is below mc:Fallback.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check docx2txt==0.9 docx2python==3.7.1
cd "$folder"
venv/bin/python -W ignore - <<'PY'
import zipfile
from importlib.metadata import version

import docx2txt
from docx2python import docx2python

OFFICE, PACKAGE = "http://schemas.openxmlformats.org", "http://schemas.openxmlformats.org/package/2006"
WORD = f"{OFFICE}/wordprocessingml/2006/main"
SHAPE = "http://schemas.microsoft.com/office/word/2010/wordprocessingShape"
DRAWING, PLACE = f"{OFFICE}/drawingml/2006/main", f"{OFFICE}/drawingml/2006/wordprocessingDrawing"
BOX = "<w:txbxContent><w:p><w:r><w:t>Open daily</w:t></w:r></w:p></w:txbxContent>"
DOCUMENT = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:document xmlns:w="{WORD}" xmlns:mc="{OFFICE}/markup-compatibility/2006" xmlns:wps="{SHAPE}" xmlns:a="{DRAWING}"
 xmlns:wp="{PLACE}" xmlns:v="urn:schemas-microsoft-com:vml"
 xmlns:r="{OFFICE}/officeDocument/2006/relationships"><w:body><w:p><w:r><w:t>Museum</w:t></w:r><w:r>
<mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:inline><wp:extent cx="914400" cy="914400"/>
<wp:docPr id="1" name="Box"/><a:graphic><a:graphicData uri="{SHAPE}"><wps:wsp><wps:cNvSpPr txBox="1"/><wps:spPr/>
<wps:txbx>{BOX}</wps:txbx><wps:bodyPr/></wps:wsp></a:graphicData></a:graphic></wp:inline></w:drawing></mc:Choice>
<mc:Fallback><w:pict><v:shape style="width:72pt;height:72pt"><v:textbox>{BOX}</v:textbox></v:shape></w:pict>
</mc:Fallback></mc:AlternateContent></w:r></w:p></w:body></w:document>"""
TYPES = f"""<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Override PartName="/word/document.xml"
 ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"""
RELATIONS = f"""<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" Target="word/document.xml"
 Type="{OFFICE}/officeDocument/2006/relationships/officeDocument"/></Relationships>"""
with zipfile.ZipFile("museum.docx", "w") as document:
    document.writestr("[Content_Types].xml", TYPES)
    document.writestr("_rels/.rels", RELATIONS)
    document.writestr("word/document.xml", DOCUMENT)
texts = {"docx2txt": docx2txt.process("museum.docx"), "docx2python": docx2python("museum.docx").text}
for library, text in texts.items():
    print(f"{library} {version(library)}: {' | '.join(text.split(chr(10)))!r}")
if [text.count("Open daily") for text in texts.values()] != [2, 2]:
    raise SystemExit("it has changed")
PY
