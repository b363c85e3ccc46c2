#!/usr/bin/env bash
# hydra-core 1.3.8: a setting declared as text gets a number's text: run=1.10 is "1.1", and run=12e4567 is "inf".
# Guessed: what is declared as str in a structured config is taken as it was typed. Found: the value is parsed first, as
# a number if it looks like one, and that number is printed as text: 1.10 and 1.1 are one run, so the second goes on
# with or replaces the first; 1_000 is "1000"; short hashes of git such as 12e4567 become "inf" or "7000.0" now and then.
# Only quotes inside the shell's quotes keep it: 'run="1.10"'.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check hydra-core==1.3.8
"$folder/venv/bin/python" - <<'PY'
from dataclasses import dataclass
from importlib.metadata import version

from hydra import compose, initialize
from hydra.core.config_store import ConfigStore


@dataclass
class Config:
    run: str = "default"


ConfigStore.instance().store(name="config", node=Config)
print(f"hydra-core {version('hydra-core')}")
found = {}
with initialize(None, version_base="1.3"):
    for typed in ("1.10", "12e4567", "7e3", "1_000", "true", "012", '"1.10"'):
        found[typed] = compose("config", [f"run={typed}"]).run
        print(f"run={typed:8} {found[typed]!r}")
if list(found.values()) != ["1.1", "inf", "7000.0", "1000", "True", "012", "1.10"]:
    raise SystemExit("it has changed")
PY
