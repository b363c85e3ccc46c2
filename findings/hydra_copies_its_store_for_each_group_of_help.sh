#!/usr/bin/env bash
# hydra-core 1.3.8: --help copies every registered config once for each group, and each composition copies all of them.
# Guessed: listing the choices of groups reads their names; registered configs are copied when they are chosen.
# Found: a config source holds the ConfigStore, and get_group_options copies the sources deeply. So an application of
# 100 groups with a config of 20 keys each spends nearly all of --help on copies. A __deepcopy__ that returns the store,
# set on the one instance, ends it with the same output: what is loaded from the store is copied anyway.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check hydra-core==1.3.8
cat >"$folder/app.py" <<'PY'
import os

import hydra
from hydra.core.config_store import ConfigStore

store = ConfigStore.instance()
if "SHARED" in os.environ:
    vars(store)["__deepcopy__"] = lambda memo: store
for number in range(100):
    store.store(group=f"group{number}", name="choice", node={f"key{key}": key for key in range(20)})
store.store(name="config", node={"key": 1})


@hydra.main(version_base="1.3", config_path=None, config_name="config")
def app(config):
    print(config)


app()
PY
"$folder/venv/bin/python" - "$folder/app.py" <<'PY'
import os
import resource
import subprocess
import sys
from importlib.metadata import version


def seconds_and_output(environment):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    told = subprocess.run([sys.executable, sys.argv[1], "--help"], capture_output=True, check=True, env=environment)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, told.stdout


copied, told = seconds_and_output(dict(os.environ))
shared, same = seconds_and_output(os.environ | {"SHARED": "1"})
print(f"hydra-core {version('hydra-core')}: --help takes {copied:.1f} processor seconds, {shared:.1f} without copies")
if told != same or copied < 3 * shared:
    raise SystemExit("it has changed")
PY
