#!/usr/bin/env bash
# torch 2.13.0: nn.ParameterDict made of a dict has its keys in alphabetical order, not in the dict's.
# Guessed: dicts keep their order, and nn.ModuleDict keeps it too, so layers that walk both in step walk alike.
# Found: an nn.ParameterDict of a plain dict is sorted by key (an OrderedDict is not, nor is nn.ModuleDict of either),
# so a gain and a bias, zipped with names in the order they were written, change places without an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
from collections import OrderedDict

import torch
from torch import nn

parts = {"gain": torch.ones(1), "bias": torch.zeros(1)}
modules = {"gain": nn.Identity(), "bias": nn.Identity()}
found = {
    "ParameterDict of a dict": list(nn.ParameterDict(parts)),
    "ParameterDict of an OrderedDict": list(nn.ParameterDict(OrderedDict(parts))),
    "ModuleDict of a dict": list(nn.ModuleDict(modules)),
}
print(f"torch {torch.__version__}:", *(f"{name}: {keys}" for name, keys in found.items()), sep="\n  ")
if found["ParameterDict of a dict"] == list(parts):
    raise SystemExit("it has changed")
PY
