#!/usr/bin/env bash
# pandas 3.1.1: read_json makes 7 of the text "007", and 1.1 of "1.10", although JSON has quotes around them.
# Guessed: JSON says what is a text and what is a number, so only read_csv has to guess. Found: a column whose texts
# all look like numbers becomes numbers; one more that does not, and all stay texts. So the ids of segments ("0012")
# lose their zeros in one file and not in the other, a merge of sources, translations or scores by them finds nothing
# or fails, a column of translated numbers is written back as others, and with a missing value it is 12.0. dtype=False
# keeps what the file says.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1
"$folder/venv/bin/python" - <<'PY'
import io

import pandas

lines = ['{"id": "0012", "target": "1.10"}', '{"id": "0013", "target": "1e5"}']
other = [*lines, '{"id": "0014b", "target": "drei"}']
missing = [lines[0], '{"id": null, "target": null}']


def read(rows, **how):
    frame = pandas.read_json(io.StringIO("\n".join(rows)), lines=True, **how)
    return list(frame.to_dict("records")[0].values())


found = [read(lines), read(other), read(missing), read(lines, dtype=False)]
print(f"pandas {pandas.__version__}: of {lines[0]} is read {found[0]}")
print(f"with a row of text {found[1]}, with a row of nulls {found[2]}, with dtype=False {found[3]}")
if found != [[12, 1.1], ["0012", "1.10"], [12.0, 1.1], ["0012", "1.10"]]:
    raise SystemExit("it has changed")
PY
