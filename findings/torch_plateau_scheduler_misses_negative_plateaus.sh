#!/usr/bin/env bash
# torch 2.13.0: ReduceLROnPlateau never reduces the rate where the metric is a log-likelihood that stays or gets worse.
# Guessed: after `patience` epochs without a better value the rate falls, as it does for a loss and for BLEU. Found: a
# value counts as better than the best by a factor of 1 + 1e-4, and of a negative best that is a little worse: -2 is
# "better" than -2, so with mode="max" a constant and a slowly falling log-likelihood reset the patience each time (and
# so does a negative loss with mode="min"). Negate it into a loss, or set threshold_mode="abs".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'PY'
import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau


def rate(values, mode, threshold_mode="rel"):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = ReduceLROnPlateau(optimizer, mode=mode, patience=2, threshold_mode=threshold_mode)
    for value in values:
        scheduler.step(value)
    return optimizer.param_groups[0]["lr"]


constant, worse = [-2.0] * 40, [-2.0 - epoch * 1e-4 for epoch in range(40)]
found = {
    "constant log-likelihood": rate(constant, "max"),
    "falling log-likelihood": rate(worse, "max"),
    "constant negative loss": rate(constant, "min"),
    "the same, absolute": rate(worse, "max", "abs"),
    "constant loss": rate([-value for value in constant], "min"),
    "rising loss": rate([-value for value in worse], "min"),
}
print(f"torch {torch.__version__.split('+')[0]}: the rate after 40 epochs, from 1.0: {found}")
stuck = [name for name, value in found.items() if value == 1.0]
if stuck != ["constant log-likelihood", "falling log-likelihood", "constant negative loss"]:
    raise SystemExit("it has changed")
PY
