#!/usr/bin/env bash
# pysubs2 1.8.1: subtitles of a programming course lose their code: what stands in braces, and each "\n".
# Guessed: SubRip text has tags in angle brackets, and all else is text that comes back as it was read. Found: it is
# taken for Advanced SubStation text, in which {...} is a command and \n, \N and \h are breaks and spaces: a placeholder
# such as {name} is gone, "C:\new" is two lines. plaintext, which one would give to a translator, lacks them already.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pysubs2==1.8.1
"$folder/venv/bin/python" - <<'PY'
import pysubs2

before = r"""1
00:00:01,000 --> 00:00:03,000
print(f"Hello, {name}!")

2
00:00:03,000 --> 00:00:05,000
Save it in C:\new.
"""
subtitles = pysubs2.SSAFile.from_string(before, format_="srt")
after = subtitles.to_string("srt")
print(f"pysubs2 {pysubs2.__version__} wrote:\n{after}")
if [line.plaintext for line in subtitles] != ['print(f"Hello, !")', "Save it in C:\new."] or "{name}" in after:
    raise SystemExit("it has changed")
PY
