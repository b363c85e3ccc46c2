"""A text of several windows, and texts that are mixed: a run that is killed ends as one that was not."""

from __future__ import annotations

from itertools import pairwise

import pytest
import toy
from test_resume import SETTINGS, result, train_until

from nmt.data import encoded, plan
from nmt.training.folder import LOG, METRICS
from nmt.training.metrics_file import read_metrics
from nmt.training.module import TrainingModule
from nmt.training.run import train


@pytest.fixture
def divided(corpus_dir, tmp_path):
    """The corpus with its training text in two files, a and b."""
    for code in ("de", "en"):
        lines = (corpus_dir / f"train.{code}").read_text(encoding="utf-8").splitlines(keepends=True)
        for name, part in (("a", lines[:97]), ("b", lines[97:])):
            (tmp_path / f"{name}.{code}").write_text("".join(part), encoding="utf-8")
        (tmp_path / f"valid.{code}").write_bytes((corpus_dir / f"valid.{code}").read_bytes())
    return tmp_path


@pytest.mark.parametrize("mix", [{}, {"data__mix": {"weights": [1, 2]}}])
def test_a_run_over_windows_that_was_killed_ends_as_if_it_was_not(divided, monkeypatch, mix):
    monkeypatch.setattr(encoded, "BLOCK_ROWS", 16)
    monkeypatch.setattr(plan, "WINDOW", 40)
    settings = SETTINGS | {"data__train": "a+b", "trainer__shards": 2, "trainer__max_epochs": 2} | mix
    found = []
    for folder, kills in (("whole", []), ("parts", [("training_step", 9), ("on_train_batch_end", 7)])):
        config = toy.run_config(divided, divided / folder, **settings)
        for hook, count in kills:
            train_until(config, hook, count)
        run_dir = train(config).model_dir.parent
        found.append(result(run_dir))
    assert found[0] == found[1]
    told = "an epoch has 43 of a (33.1%), which has 97 (0.443 times an epoch)"
    assert (told in (run_dir / LOG).read_text()) == bool(mix)


def test_epochs_of_different_numbers_of_batches_are_all_validated(divided, monkeypatch):
    ends, end = [], TrainingModule.on_train_epoch_end
    monkeypatch.setattr(
        TrainingModule, "on_train_epoch_end", lambda module: (ends.append(module.global_step), end(module))
    )
    settings = {"data__train": "a+b", "data__mix": {"weights": [2, 1]}, "search__beam_size": 1}
    settings |= {"trainer__max_epochs": 3, "trainer__max_tokens": 256}
    rows = read_metrics(train(toy.run_config(divided, divided, **settings)).model_dir.parent / METRICS)
    assert len({after - before for before, after in pairwise([0, *ends])}) > 1
    assert [int(row["step"]) for row in rows if row["val/nll"]] == ends
