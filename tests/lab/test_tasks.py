"""Each task asks for what it says, and who knows the answer scores best."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F

from nmt.lab.tasks import IGNORED, REBER, TASKS, EmbeddedReber

ROWS, LAG = 7, 20


def made(name, rows=ROWS, lag=LAG, seed=3):
    return TASKS[name].make(rows, lag, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_seed_gives_the_same_sequences_and_another_seed_others(name):
    first, again, other = made(name), made(name), made(name, seed=4)
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(first.targets, again.targets)
    assert first.inputs.shape != other.inputs.shape or not torch.equal(first.inputs, other.inputs)
    assert first.inputs.shape[2] == TASKS[name].inputs


@pytest.mark.parametrize("name", sorted(set(TASKS) - {"adding"}))
def test_who_knows_the_answers_scores_one_and_who_does_not_scores_by_chance(name):
    task, sequences = TASKS[name], made(name, rows=400)
    known = F.one_hot(sequences.targets.clamp(min=0), task.outputs).float() * 10
    assert task.score(known, sequences) == 1
    assert task.solved(task.score(known, sequences))
    ignorant = torch.zeros_like(known)
    ignorant[..., 0] = 1
    if name == "reber":  # all it knows is that T or P comes
        ignorant = torch.zeros_like(known)
    assert task.score(ignorant, sequences) == pytest.approx(task.chance, abs=0.08)
    assert not task.solved(task.chance)


def test_the_sum_of_the_marked_numbers_is_asked_for():
    sequences = made("adding")
    numbers, marks = sequences.inputs.unbind(-1)
    assert marks[:, : LAG // 2].sum(1).tolist() == marks[:, LAG // 2 :].sum(1).tolist() == [1] * ROWS
    torch.testing.assert_close(sequences.targets[:, 0], (numbers * marks).sum(1))
    task = TASKS["adding"]
    outputs = sequences.targets[:, None].expand(-1, LAG, -1)
    assert task.score(outputs, sequences) == 0
    assert task.score(torch.ones_like(outputs), made("adding", rows=ROWS)) > task.solved_at


def test_the_order_of_two_symbols_is_asked_for_at_the_end():
    sequences = made("order")
    for symbols, targets in zip(sequences.inputs.argmax(-1).tolist(), sequences.targets.tolist(), strict=True):
        first, second = (symbol - 4 for symbol in symbols if symbol >= 4)
        assert targets == [IGNORED] * (LAG - 1) + [2 * first + second]


def test_what_was_told_is_asked_for_after_the_delay():
    sequences = made("copy")
    symbols = sequences.inputs.argmax(-1)
    assert torch.equal(symbols[:, :5], sequences.targets[:, -5:])
    assert (symbols[:, 5 : 5 + LAG] == 4).all()
    assert (symbols[:, 5 + LAG] == 5).all()
    assert (sequences.targets[:, :-5] == IGNORED).all()


def test_strings_are_of_rebers_grammar_between_two_equal_symbols():
    sequences, symbols = made("reber"), EmbeddedReber.SYMBOLS
    for inputs, targets in zip(sequences.inputs, sequences.targets.tolist(), strict=True):
        told = [symbols[int(row.argmax())] for row in inputs if row.any()]
        text = "".join([*told, symbols[targets[-1]]])
        assert text[1:] == "".join(symbols[target] for target in targets if target != IGNORED)
        assert text[0] == text[2] == "B"
        assert text[1] == text[-2]
        assert text[-1] == text[-3] == "E"
        state = 0
        for symbol in text[3:-3]:
            state = dict(REBER[state])[symbol]
        assert not REBER[state]
        assert LAG <= len(text) - 6 <= LAG + 8


def test_an_interval_is_right_only_without_a_spike_too_many():
    task, sequences = TASKS["timing"], made("timing")
    for spikes, targets in zip(sequences.inputs[..., 0].tolist(), sequences.targets.tolist(), strict=True):
        at = [t for t, spike in enumerate(spikes) if spike]
        told = [t + 1 for t, target in enumerate(targets) if target == 1]
        intervals = {b - a for a, b in itertools.pairwise(sorted({*at, *told}))}
        assert len(intervals) == 1
        assert LAG // 2 <= min(intervals) <= LAG
        assert len(told) == task.INTERVALS - 1
    outputs = F.one_hot(sequences.targets.clamp(min=0), 2).float()
    spoiled = outputs.clone()
    quiet = int((sequences.targets[0] == 0).nonzero()[0])
    spoiled[0, quiet] = torch.tensor([0.0, 1.0])
    assert task.score(spoiled, sequences) == pytest.approx(1 - 1 / (ROWS * 3))
