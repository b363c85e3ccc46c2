#!/usr/bin/env bash
# EbookLib 0.20: a book that is read and written has pages without style sheets and titles, all of them in English.
# Guessed: what is not touched is written as it was read: a page's head, its language, its classes. Found: each page is
# made anew around the children of its body: <head> is empty, <body> has no class, and lang="en" stands on pages of a
# Japanese book, so fonts, vertical writing, hyphenation and reading aloud are wrong. The table of contents is replaced,
# too. Change the pages inside the archive, and leave the rest of it as it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check EbookLib==0.20
cd "$folder"
venv/bin/python -W ignore - <<'PY'
import zipfile
from importlib.metadata import version

from ebooklib import epub

OPF = """<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:example:1</dc:identifier>
<dc:title>本</dc:title><dc:language>ja</dc:language>
<meta property="dcterms:modified">2026-01-01T00:00:00Z</meta></metadata>
<manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="page" href="page.xhtml" media-type="application/xhtml+xml"/>
<item id="style" href="style.css" media-type="text/css"/></manifest><spine><itemref idref="page"/></spine></package>"""
NAV = """<?xml version="1.0"?>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>目次</title></head>
<body><nav epub:type="toc"><h1>目次</h1><ol><li><a href="page.xhtml">一</a></li></ol></nav></body></html>"""
PAGE = """<?xml version="1.0"?>
<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="ja" xml:lang="ja"><head><title>一</title>
<link rel="stylesheet" type="text/css" href="style.css"/></head><body class="vertical"><p>雪国</p></body></html>"""
CONTAINER = """<?xml version="1.0"?>
<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>
<rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
STYLE = ".vertical { writing-mode: vertical-rl }"
files = {"content.opf": OPF, "nav.xhtml": NAV, "page.xhtml": PAGE, "style.css": STYLE}
with zipfile.ZipFile("before.epub", "w") as book:
    book.writestr("mimetype", "application/epub+zip")
    book.writestr("META-INF/container.xml", CONTAINER)
    for name, text in files.items():
        book.writestr(f"OEBPS/{name}", text)
epub.write_epub("after.epub", epub.read_epub("before.epub"))
with zipfile.ZipFile("after.epub") as book:
    after = next(book.read(name).decode() for name in book.namelist() if name.endswith("page.xhtml"))
print(f"EbookLib {version('EbookLib')} wrote:\n{after}")
lost = [part for part in ("<title>", "style.css", 'class="vertical"', 'lang="ja"') if part not in after]
if len(lost) != 4 or 'lang="en"' not in after or "雪国" not in after:
    raise SystemExit("it has changed")
PY
