#!/usr/bin/env bash
# lightning 2.6.6: a run that resumes within an epoch sees the corpus's beginning again, and in that epoch not its end.
# Guessed: fit(ckpt_path=...) of a checkpoint written after six of ten batches goes on with the seventh; the checkpoint
# holds the number of batches done. Found: the number only says how many are left: the loader starts anew and gives its
# first four. Of a corpus that is read in order, and that one epoch never ends, a job that is restarted each day trains
# on the first day's part each day. A loader with state_dict and load_state_dict goes on where it was; if it has no
# length, Lightning fetches a batch ahead before it asks for the state, and that batch is never seen. Save at the end of
# epochs, or give the loader a state and a length.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lightning==2.6.6 torch==2.13.0 numpy==2.4.6
cd "$folder"
venv/bin/python -W ignore - 2>log <<'PY' || { cat log; exit 1; }
import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint


class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def training_step(self, batch, index):
        self.seen.append(int(batch))
        return self.weight.sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1.0)


class Loader:
    """Gives ten batches in order."""

    def __len__(self):
        return 10

    def __iter__(self):
        for self.done in range(1, 11):
            yield torch.tensor(self.done)


class LoaderWithState(Loader):
    done = 0

    def __iter__(self):
        for self.done in range(self.done + 1, 11):
            yield torch.tensor(self.done)
        self.done = 0

    def state_dict(self):
        return {"done": self.done}

    def load_state_dict(self, state):
        self.done = state["done"]


class StreamWithState(LoaderWithState):
    __len__ = None  # it has no length, as that of an IterableDataset


def seen(loader, folder, checkpoint=None, **limits):
    model, callbacks = Model(), [ModelCheckpoint(folder, filename="six", every_n_train_steps=6)]
    trainer = lightning.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False, callbacks=callbacks,
        **limits,
    )
    trainer.fit(model, loader, ckpt_path=checkpoint)
    return model.seen


found = {}
for kind in (Loader, LoaderWithState, StreamWithState):
    seen(kind(), kind.__name__, max_steps=6)
    found[kind.__name__] = seen(kind(), "resumed", f"{kind.__name__}/six.ckpt", max_epochs=1)
print(f"lightning {lightning.__version__}: after batches 1 to 6 of 10, a resumed run sees {found}")
if found != {"Loader": [1, 2, 3, 4], "LoaderWithState": [7, 8, 9, 10], "StreamWithState": [8, 9, 10]}:
    raise SystemExit("it has changed")
PY
