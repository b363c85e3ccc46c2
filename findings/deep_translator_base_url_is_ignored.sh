#!/usr/bin/env bash
# deep-translator 1.11.4: base_url, given to LibreTranslator, is swallowed, and texts go to a public server.
# Guessed: the class that keeps its address in _base_url takes base_url=..., and refuses a name that it does not know.
# Found: any keyword is accepted and forgotten; only custom_url= sets the address. Who types base_url for a server of
# their own sends every text, in the query of a URL, to somebody else's. (Nothing is sent here.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check deep-translator==1.11.4
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from deep_translator import LibreTranslator

own = "http://127.0.0.1:5000/"
settings = {"source": "de", "target": "en", "api_key": "none"}
kept = {name: LibreTranslator(**settings, **{name: own})._base_url == own for name in ("base_url", "custom_url")}
print(f"deep-translator {version('deep-translator')}: the own address is kept by {kept}")
if kept != {"base_url": False, "custom_url": True}:
    raise SystemExit("it has changed")
PY
