#!/usr/bin/env bash
# lightning 2.6.6: an epoch's mean of what is logged weighs batches by their length in time, if time comes first.
# Guessed: batches of as many sentences count alike, or log() asks for batch_size, as it does for "an ambiguous
# collection". Found: it takes the first dimension of the first tensor for the number of sentences; in a batch of
# (time, batch), nn.LSTM's own layout, that is the longest sentence. So the validation loss that picks the checkpoint is
# that of long sentences, and changes with the order in which lengths fall into batches. Give log(batch_size=...).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lightning==2.6.6 torch==2.13.0 numpy==2.4.6
cd "$folder"
venv/bin/python -W always - 2>warnings <<'PY'
import lightning
import torch


class Model(lightning.LightningModule):
    def validation_step(self, batch, index):
        loss = batch.float().mean()  # 1 for the batch of short sentences, 2 for that of long ones
        self.log("loss", loss)
        self.log("loss, told", loss, batch_size=batch.shape[1])


SENTENCES = 4
batches = [torch.full((2, SENTENCES), 1), torch.full((6, SENTENCES), 2)]  # (time, batch)
trainer = lightning.Trainer(
    accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False, enable_model_summary=False
)
(found,) = trainer.validate(Model(), torch.utils.data.DataLoader(batches, batch_size=None), verbose=False)
print(f"lightning {lightning.__version__}: of a batch with 1 and one with 2, {SENTENCES} sentences each: {found}")
if found != {"loss": 1.75, "loss, told": 1.5}:
    raise SystemExit("it has changed")
PY
if grep -i "batch.size" warnings; then echo "it has changed"; exit 1; fi
