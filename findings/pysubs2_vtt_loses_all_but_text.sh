#!/usr/bin/env bash
# pysubs2 1.8.1: a WebVTT file that is read and written again has lost all but its texts and times.
# Guessed: what the library reads of a cue (its position, its speaker, bold) comes back when it writes the same format.
# Found: STYLE and NOTE blocks, the names of cues, "line:10% align:start", <v Anna> and <b> are gone; cues get numbers.
# A file that is translated so moves its captions back to the bottom, over whatever they had made way for.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pysubs2==1.8.1
"$folder/venv/bin/python" - <<'PY'
import pysubs2

before = """WEBVTT

STYLE
::cue(b) { color: yellow }

NOTE checked

intro
00:00:01.000 --> 00:00:02.000 line:10% align:start
<v Anna>Good <b>morning</b>
"""
after = pysubs2.SSAFile.from_string(before).to_string("vtt")
lost = [what for what in ("STYLE", "NOTE", "intro", "line:10%", "align:start", "<v Anna>", "<b>") if what not in after]
print(f"pysubs2 {pysubs2.__version__} wrote:\n{after}lost: {', '.join(lost)}")
if len(lost) != 7 or "Good morning" not in after:
    raise SystemExit("it has changed")
PY
