#!/usr/bin/env bash
# pycaption 2.3.14: SubRip made WebVTT shows viewers <i> and </i> around what was italic.
# Guessed: <i>, <b> and <u>, which many SubRip files have, are read as styles and become those of the other format, as
# they do from WebVTT. Found: they are text, which the writers escape: in WebVTT, DFXP and SAMI it says &lt;i>. SubRip
# to SubRip is fine, and so a test of that finds nothing. Whoever translates subtitles and delivers them as WebVTT has
# tags on the screen, and to a translator's program they are words. Turn such files into WebVTT first, where the tags
# are the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pycaption==2.3.14
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from pycaption import DFXPWriter, SRTReader, SRTWriter, WebVTTReader, WebVTTWriter

cue = "00:00:01{}000 --> 00:00:02{}000\n<i>Hello</i>\n"
srt = SRTReader().read("1\n" + cue.format(",", ","))
vtt = WebVTTReader().read("WEBVTT\n\n" + cue.format(".", "."))
found = {
    "SRT -> WebVTT": WebVTTWriter().write(srt).split("\n")[3],
    "SRT -> SRT": SRTWriter().write(srt).split("\n")[2],
    "WebVTT -> WebVTT": WebVTTWriter().write(vtt).split("\n")[3],
}
styled = [' tts:fontStyle="italic">Hello' in DFXPWriter().write(captions) for captions in (srt, vtt)]
print(f"pycaption {version('pycaption')}: {found}; italic in DFXP from SRT and from WebVTT: {styled}")
if list(found.values()) != ["&lt;i>Hello&lt;/i>", "<i>Hello</i>", "<i>Hello</i>"] or styled != [False, True]:
    raise SystemExit("it has changed")
PY
