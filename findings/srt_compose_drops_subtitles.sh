#!/usr/bin/env bash
# srt 3.5.3: compose() leaves out subtitles that are empty or take no time, and numbers the others anew.
# Guessed: what was parsed is written, in the same number. Found: by default it drops a subtitle with no text (that a
# person on screen moves while nobody speaks, or that a translator left open), and one that ends when it begins, with
# its text. So the translation has fewer subtitles than the source: pairs by number shift from there.
# compose(subtitles, reindex=False) keeps both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check srt==3.5.3
"$folder/venv/bin/python" - 2>/dev/null <<'PY'
from importlib.metadata import version

import srt

before = """1
00:00:01,000 --> 00:00:02,000
Hello.

2
00:00:03,000 --> 00:00:03,000
Duck!

3
00:00:04,000 --> 00:00:05,000


4
00:00:06,000 --> 00:00:07,000
Who was that?

"""
subtitles = list(srt.parse(before))
after = srt.compose(subtitles)
print(f"srt {version('srt')}: {len(subtitles)} were parsed; written:\n{after}")
if len(subtitles) != 4 or "Duck!" in after or "2\n00:00:06" not in after or "Duck!" not in srt.compose(subtitles, reindex=False):
    raise SystemExit("it has changed")
PY
