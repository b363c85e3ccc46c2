"""One recurrent layer and a read-out, with several seeds trained side by side.

Dims: D seeds, B sequences, T steps, E input features, H hidden units, O outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from nmt.cells import Cell
from nmt.common.ranges import check_ranges
from nmt.lab.tasks import MemoryTask, Sequences
from nmt.model.recurrent import Recurrent
from nmt.model.seq2seq import num_parameters


class Learner(nn.Module):
    """The read-out sees h at every step."""

    def __init__(self, cell: Cell, inputs: int, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.layer = Recurrent(cell, inputs, hidden_size)
        self.readout = nn.Linear(hidden_size, outputs)


def side_by_side(learners: Sequence[Learner], inputs: Sequence[Tensor]) -> list[Tensor]:
    """Inputs (B,T,E) -> outputs (B,T,O) of each learner, in one loop over time."""
    layers = [learner.layer for learner in learners]
    states = [layer.initial_state(len(x)) for layer, x in zip(layers, inputs, strict=True)]
    hidden = layers[0].side_by_side(layers, inputs, states)
    return [learner.readout(h) for learner, h in zip(learners, hidden, strict=True)]


def parameters_of(cell: Cell, inputs: int, hidden_size: int, outputs: int) -> int:
    with torch.device("meta"):
        return num_parameters(Learner(cell, inputs, hidden_size, outputs))


def largest(size_of: Callable[[int], int], budget: int, step: int = 1) -> int:
    """The largest multiple of `step` whose size, increasing with it, is within the budget; `step` if none is."""
    low, high = step, 2 * step
    while size_of(high) <= budget:
        low, high = high, 2 * high
    while high - low > step:
        middle = (low + high) // 2 // step * step
        low, high = (middle, high) if size_of(middle) <= budget else (low, middle)
    return low


def hidden_size(cell: Cell, task: MemoryTask, parameters: int) -> int:
    """The most units for this many parameters; some cells allow only certain multiples."""
    for step in range(1, parameters):
        try:
            parameters_of(cell, task.inputs, step, task.outputs)
        except ValueError:
            continue
        return largest(lambda units: parameters_of(cell, task.inputs, units, task.outputs), parameters, step)
    raise ValueError(f"parameters is {parameters}, too few for a layer")


@dataclass(frozen=True)
class Learning:
    """The training settings of a task, the same for every cell."""

    learning_rate: float = 0.005
    batch_size: int = 64
    clip_norm: float = 1.0  # of one seed's gradient; 0 means no clipping
    max_steps: int = 2000
    evaluate_every: int = 50
    test_size: int = 500  # sequences

    def __post_init__(self) -> None:
        check_ranges(
            self,
            learning_rate=(1e-9, 100),
            batch_size=(1, 100_000),
            clip_norm=(0, 1e6),
            max_steps=(1, 10_000_000),
            evaluate_every=(1, 1_000_000),
            test_size=(1, 100_000),
        )


@dataclass(frozen=True)
class Learned:
    """The result of one seed."""

    score: float  # on sequences that did not decide when to stop
    steps: int  # at which it was solved, or the last step
    solved: bool
    gradient_norms: list[float]  # of the whole gradient before clipping, at every evaluation
    largest_norm: float  # the largest of all updates, before clipping


def learn(
    cell: Cell, task: MemoryTask, lag: int, hidden_size: int, seeds: Sequence[int], learning: Learning
) -> tuple[list[Learned], list[Learner]]:
    """Train every seed until it solves the task or its steps are used up."""
    generators = [Generator().manual_seed(seed) for seed in seeds]
    learners = [fresh(cell, task, hidden_size, seed) for seed in seeds]
    validation, test = ([task.make(learning.test_size, lag, generator) for generator in generators] for _ in range(2))
    weights = [p for learner in learners for p in learner.parameters()]
    optimizer = torch.optim.Adam(weights, lr=learning.learning_rate, fused=True)
    active, norms = list(range(len(seeds))), [[] for _ in seeds]  # type: list[int], list[list[float]]
    largest_norms, ended = [0.0] * len(seeds), [learning.max_steps] * len(seeds)
    for step in range(1, learning.max_steps + 1):
        batches = [task.make(learning.batch_size, lag, generators[i]) for i in active]
        found = _descend(task, [learners[i] for i in active], batches, optimizer, learning.clip_norm)
        for i, norm in zip(active, found, strict=True):
            largest_norms[i] = max(largest_norms[i], math.inf if math.isnan(norm) else norm)
        if step % learning.evaluate_every and step < learning.max_steps:
            continue
        scores = evaluate(task, [learners[i] for i in active], [validation[i] for i in active])
        for i, norm in zip(active, found, strict=True):
            norms[i].append(norm)
        solved = [i for i, score in zip(active, scores, strict=True) if task.solved(score)]
        for i in solved:
            ended[i] = step
        active = [i for i in active if i not in solved]
        if not active:
            break
    finals = evaluate(task, learners, test)
    results = [
        Learned(score, ended[i], i not in active, norms[i], largest_norms[i]) for i, score in enumerate(finals)
    ]
    return results, learners


def fresh(cell: Cell, task: MemoryTask, hidden_size: int, seed: int) -> Learner:
    """An untrained learner; leaves the global generator unchanged."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Learner(cell, task.inputs, hidden_size, task.outputs)


def _descend(
    task: MemoryTask,
    learners: Sequence[Learner],
    batches: Sequence[Sequences],
    optimizer: torch.optim.Optimizer,
    clip_norm: float,
) -> list[float]:
    """One update -> each learner's gradient norm."""
    outputs = side_by_side(learners, [batch.inputs for batch in batches])
    losses = [task.loss(output, batch) for output, batch in zip(outputs, batches, strict=True)]
    optimizer.zero_grad()
    torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
    limit = clip_norm or math.inf
    norms = [float(nn.utils.clip_grad_norm_(learner.parameters(), limit)) for learner in learners]
    optimizer.step()
    return norms


@torch.no_grad()
def evaluate(task: MemoryTask, learners: Sequence[Learner], tests: Sequence[Sequences]) -> list[float]:
    """Each learner's score."""
    outputs = side_by_side(learners, [test.inputs for test in tests])
    return [task.score(output, test) for output, test in zip(outputs, tests, strict=True)]
