"""The loss that training lowers, and what is logged of it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from nmt.config import OptimConfig
from nmt.training.objective import Objective

OPTIM = OptimConfig(learning_rate=0.1, schedule="linear")
BATCH = SimpleNamespace(tgt_len=torch.tensor([3, 7]))


@pytest.mark.parametrize(
    ("settings", "loss"),
    [
        ({}, 6.0),
        ({"risk": 0.5}, 6 + 0.5 * 10 * 0.25),  # a risk is of a sentence, the loss of the batch's tokens
    ],
)
def test_the_loss_is_of_all_tokens_and_what_is_logged_of_one(settings, loss):
    objective, asked = Objective.__new__(Objective), []
    objective.optim = replace(OPTIM, label_smoothing=0.2, r_drop=0.3, **settings)
    objective.graphed_loss = lambda *given, **of: (asked.append((given, of)), (torch.tensor(6.0), torch.tensor(8.0)))[
        1
    ]
    objective._risk = lambda batch, measures: torch.tensor(0.25)
    found, logged = objective(BATCH, 0.5, {})
    assert asked == [((BATCH, None), {"smoothing": 0.2, "r_drop": 0.3})]
    assert found == loss
    assert logged["train/nll"] == 0.8
    assert logged.get("train/risk") == (0.25 if settings else None)


def test_the_guide_of_attention_fades():
    objective = Objective.__new__(Objective)
    objective.optim, objective.guide = replace(OPTIM, guided_alignment=0.5), lambda batch: torch.ones(2)
    assert objective.alignment(BATCH, 0.25).tolist() == [0.125, 0.125]
