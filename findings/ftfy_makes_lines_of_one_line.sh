#!/usr/bin/env bash
# ftfy 6.3.1: a corpus cleaned line by line with fix_text has more lines than before, and its pairs shift.
# Guessed: fix_text mends the characters of a line, and a line stays one. Found: U+2028, U+2029, U+0085 and a lone
# carriage return become "\n", so from there on each source has its neighbour's translation. It also looks at the text
# as a whole before it decodes &lt;b&gt;: it does so on one side of a pair, and not on the other that has a "<".
# TextFixerConfig(fix_line_breaks=False, unescape_html=False) keeps lines and entities.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ftfy==6.3.1
"$folder/venv/bin/python" - <<'PY'
import ftfy

source = ["Guten Tag.\u2028Herzlich willkommen.", "Danke.", "Fett: &lt;b&gt;"]
target = ["Good day. Welcome.", "Thank you.", "Bold (x < y): &lt;b&gt;"]
fixed = ["\n".join(map(ftfy.fix_text, side)).split("\n") for side in (source, target)]
print(f"ftfy {ftfy.__version__}: of {len(source)} and {len(target)} lines there are {len(fixed[0])} and {len(fixed[1])}")
for pair in zip(*fixed):
    print(*pair, sep=" | ")
print("the last lines:", fixed[0][-1], "|", fixed[1][-1])
if [len(side) for side in fixed] != [4, 3] or "<b>" not in fixed[0][-1] or "<b>" in fixed[1][-1]:
    raise SystemExit("it has changed")
PY
