#!/usr/bin/env bash
# python-docx 1.2.0: paragraph.text leaves out inserted words, form fields and cross-references, in mid-sentence.
# Guessed: it is the text that Word shows, tracked changes accepted; so are the references of hyperlinks, which it has.
# Found: runs in w:ins (insertions under review), w:sdt (content controls, as in forms and contracts) and w:fldSimple
# (fields) are not there. "You must not pay until ..." is translated as "You must pay". Walk the paragraph's w:t instead.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-docx==1.2.0
"$folder/venv/bin/python" - <<'PY'
import io
from importlib.metadata import version

import docx
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn

NAMES = nsdecls("w")
document = docx.Document()
paragraph = document.add_paragraph("You must ")
for part in (
    f'<w:ins {NAMES} w:id="1" w:author="a reviewer"><w:r><w:t xml:space="preserve">not </w:t></w:r></w:ins>',
    f'<w:r {NAMES}><w:t xml:space="preserve">pay </w:t></w:r>',
    f'<w:sdt {NAMES}><w:sdtContent><w:r><w:t xml:space="preserve">100 euros </w:t></w:r></w:sdtContent></w:sdt>',
    f'<w:r {NAMES}><w:t xml:space="preserve">by section </w:t></w:r>',
    f'<w:fldSimple {NAMES} w:instr="REF section"><w:r><w:t>7</w:t></w:r></w:fldSimple>',
):
    paragraph._p.append(parse_xml(part))
stored = io.BytesIO()
document.save(stored)
(again,) = docx.Document(stored).paragraphs
shown = "".join(node.text for node in again._p.iter(qn("w:t")))
print(f"python-docx {version('python-docx')}: shown {shown!r}, paragraph.text {again.text!r}")
if (shown, again.text) != ("You must not pay 100 euros by section 7", "You must pay by section "):
    raise SystemExit("it has changed")
PY
