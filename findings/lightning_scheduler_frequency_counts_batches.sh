#!/usr/bin/env bash
# lightning 2.6.6: with accumulated gradients a scheduler's "frequency" counts batches, not steps.
# Guessed: with interval "step" and frequency 4 it is called after each fourth step of the optimizer; "step" means that
# in max_steps and global_step. Found: it is called after a step of the optimizer if the number of the batch in the
# epoch can be divided by 4. With accumulate_grad_batches=4 that is each step, so a schedule tuned on one large GPU runs
# four times as fast on a small one that accumulates; in general it is each (n / gcd(n, accumulated))th step. Count
# steps inside the schedule, with frequency 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lightning==2.6.6 torch==2.13.0 numpy==2.4.6
cd "$folder"
venv/bin/python -W ignore - 2>log <<'PY' || { cat log; exit 1; }
import lightning
import torch
from torch.optim.lr_scheduler import LambdaLR


class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.rates = []

    def training_step(self, batch, index):
        return self.weight.sum()

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=1.0)
        schedule = {"scheduler": LambdaLR(optimizer, lambda calls: 1 + calls), "interval": "step", "frequency": 4}
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def on_before_optimizer_step(self, optimizer):
        self.rates.append(int(optimizer.param_groups[0]["lr"]))


def rates(accumulated):
    """The rates of twelve steps of the optimizer: 1 and the calls of the scheduler so far."""
    model = Model()
    trainer = lightning.Trainer(
        accelerator="cpu", max_epochs=1, accumulate_grad_batches=accumulated, logger=False, enable_progress_bar=False,
        enable_checkpointing=False, enable_model_summary=False,
    )
    trainer.fit(model, torch.utils.data.DataLoader(torch.arange(12 * accumulated)))
    assert trainer.global_step == 12
    return model.rates


found = {accumulated: rates(accumulated) for accumulated in (1, 2, 4)}
print(f"lightning {lightning.__version__}, frequency 4: rates of 12 steps, by accumulated batches: {found}")
if found != {
    1: [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3],
    2: [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6],
    4: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
}:
    raise SystemExit("it has changed")
PY
