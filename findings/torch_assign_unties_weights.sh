#!/usr/bin/env bash
# torch 2.13.0: load_state_dict(assign=True) of a model with tied embeddings unties them, without a word.
# Guessed: the checkpoint holds one tensor under two names, the model one parameter under two names, so what is loaded is
# one parameter again, as without assign. Found: each name gets a parameter of its own. At first both have the same
# memory, so translations are right; but Adam has a state for each and steps twice, clipping sees other norms, and after
# .to(another device or type) the output layer and the embeddings go separate ways. Tie them again after loading.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import io

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.output = nn.Embedding(8, 4), nn.Linear(4, 8, bias=False)
        self.output.weight = self.embedding.weight


stored = io.BytesIO()
torch.save(Model().state_dict(), stored)
found = {}
for assign in (False, True):
    stored.seek(0)
    model = Model()
    model.load_state_dict(torch.load(stored), assign=assign)
    one_memory = model.embedding.weight.data_ptr() == model.output.weight.data_ptr()
    moved = model.to(torch.float64)
    found[assign] = (
        len(list(model.parameters())), one_memory, moved.embedding.weight.data_ptr() == moved.output.weight.data_ptr()
    )
    print(f"torch {torch.__version__}, assign={assign}: {found[assign][0]} parameters, one memory: {found[assign][1]},"
          f" also after .to(): {found[assign][2]}")
if found != {False: (1, True, True), True: (2, True, False)}:
    raise SystemExit("it has changed")
PY
