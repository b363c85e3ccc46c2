#!/usr/bin/env bash
# ruamel.yaml 0.19.1 with PyYAML 6.0.4: a translation "No" is False after it was written, and "10:30" is 630.
# Guessed: a text that was quoted in the file stays quoted, or is where a reader could take it for something else.
# Found: it reads and writes YAML 1.2, in which no, yes, off and 10:30 are text and need no quotes. PyYAML, and the
# readers of interface texts that go by YAML 1.1, make false, true and a number in base 60 of them. So a file of texts
# that was read, translated and written shows "false" on the button, also where the entry was not touched. With
# preserve_quotes = True they stay, also around the text that takes the place of another, but a new entry has none:
# give it as DoubleQuotedScalarString.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ruamel.yaml==0.19.1 PyYAML==6.0.4
"$folder/venv/bin/python" - <<'PY'
import io

import ruamel.yaml
import yaml
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

before = 'deny: "Nein"\nopens: "10:30"\n'


def written(preserve_quotes, new):
    round_trip = ruamel.yaml.YAML()
    round_trip.preserve_quotes = preserve_quotes
    texts = round_trip.load(before)
    texts["deny"] = "No"
    texts["new"] = new
    after = io.StringIO()
    round_trip.dump(texts, after)
    return yaml.safe_load(after.getvalue())


found = {
    "by default": written(None, "Off"),
    "preserve_quotes": written(True, "Off"),
    "all quoted": written(True, DoubleQuotedScalarString("Off")),
}
print(f"ruamel.yaml {ruamel.yaml.__version__}, read by PyYAML {yaml.__version__}: {found}")
lost, kept = {"deny": False, "opens": 630, "new": False}, {"deny": "No", "opens": "10:30"}
if list(found.values()) != [lost, kept | {"new": False}, kept | {"new": "Off"}]:
    raise SystemExit("it has changed")
PY
