#!/usr/bin/env bash
# torch 2.13.0: under autocast on a CPU nn.LSTM cannot count past 256; nn.LSTMCell and nn.GRU can.
# Guessed: autocast narrows matrix products, and sums that grow (a loss, a cell's state) stay float32. Found: nn.LSTM
# and nn.RNN are narrowed whole: the cell's state is rounded to bfloat16 after each step, so 256 + 1 is 256.
# nn.GRU and the single cells keep a float32 state. So precision="bf16-mixed" does not compare LSTM and GRU alike, and
# it takes from the LSTM what it is known for, its memory. Run the LSTM with autocast off, or as cells.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import torch
from torch import nn

steps = torch.zeros(1000, 1, 1)
lstm, cell = nn.LSTM(1, 1), nn.LSTMCell(1, 1)
for layer, bias in ((lstm, "bias_ih_l0"), (cell, "bias_ih")):  # all gates open: the state grows by 1 at each step
    for name, weight in layer.named_parameters():
        nn.init.constant_(weight, 20.0 if name == bias else 0.0)


def counted_by_cell():
    state = None
    for step in steps:
        state = cell(step, state)
    return state[1].item()


with torch.no_grad():
    found = {"nn.LSTM in float32": lstm(steps)[1][1].item()}
    with torch.autocast("cpu", torch.bfloat16):
        found["nn.LSTM under autocast"] = lstm(steps)[1][1].item()
        found["nn.LSTMCell under autocast"] = counted_by_cell()
        types = {layer.__name__: layer(8, 8)(torch.randn(5, 2, 8))[0].dtype for layer in (nn.RNN, nn.LSTM, nn.GRU)}
print(f"torch {torch.__version__}: after 1000 steps of +1: {found}")
print("outputs under autocast:", types)
if list(found.values()) != [1000, 256, 1000] or types["LSTM"] == types["GRU"]:
    raise SystemExit("it has changed")
PY
