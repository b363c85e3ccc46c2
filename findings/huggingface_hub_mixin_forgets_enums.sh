#!/usr/bin/env bash
# huggingface_hub 2.4.0: a model saved by PyTorchModelHubMixin comes back with other settings, if they are enums.
# Guessed: what __init__ was given is written to config.json, or saving says what cannot be. Found: values that are not
# JSON (a member of an Enum, a function, a Path, a set) are left out without a word, and from_pretrained takes the
# default in their place. Where the weights have the same names and shapes, as those of a tanh and a ReLU network or of
# two ways of attention have, they load, and the model computes something else. Give settings as text and numbers.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check huggingface_hub==2.4.0 safetensors==0.8.0 \
    torch==2.13.0 numpy==2.4.6
cd "$folder"
HF_HUB_OFFLINE=1 HF_HOME="$folder/hf" venv/bin/python -W ignore - <<'PY'
import json
from enum import Enum
from pathlib import Path

import huggingface_hub
import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import nn


class Nonlinearity(Enum):
    TANH = "tanh"
    RELU = "relu"


class Encoder(nn.Module, PyTorchModelHubMixin):
    def __init__(self, size: int = 4, nonlinearity: Nonlinearity = Nonlinearity.TANH):
        super().__init__()
        self.nonlinearity = nonlinearity
        self.layer = nn.RNN(size, size, nonlinearity=nonlinearity.value)

    def forward(self, x):
        return self.layer(x)[0]


torch.manual_seed(1)
model, x = Encoder(size=6, nonlinearity=Nonlinearity.RELU), torch.randn(5, 2, 6)
model.save_pretrained("model")
again = Encoder.from_pretrained("model")
config = json.loads(Path("model/config.json").read_text())
same = {
    "weights": all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters())),
    "outputs": torch.allclose(model(x), again(x)),
}
print(f"huggingface_hub {huggingface_hub.__version__}: config.json {config}, saved {model.nonlinearity},"
      f" loaded {again.nonlinearity}, the same: {same}")
if config != {"size": 6} or same != {"weights": True, "outputs": False}:
    raise SystemExit("it has changed")
PY
