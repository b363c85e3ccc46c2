"""The classic tests of memory: artificial sequences whose answer depends on inputs far back.

Each task makes batches for any lag, and defines its loss and its score. Dims: B sequences, T steps, E input features,
O outputs.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

IGNORED = -1  # the target of a step without a question


class Sequences(NamedTuple):
    inputs: Tensor  # (B, T, E)
    targets: Tensor  # (B, T): numbers, or classes with IGNORED where nothing is asked


class MemoryTask:
    """Unless a task overrides it: targets are classes, the loss is the cross-entropy over the asked steps, and the
    score is accuracy."""

    title: str
    about: str
    inputs: int
    outputs: int
    score_name: str = "accuracy"
    chance: float  # the score of knowing the distribution but remembering nothing
    solved_at: float = 0.95

    def make(self, rows: int, lag: int, generator: Generator) -> Sequences:
        raise NotImplementedError

    def loss(self, outputs: Tensor, sequences: Sequences) -> Tensor:
        """outputs (B,T,O) -> the mean loss over the asked steps."""
        return F.cross_entropy(outputs.flatten(0, 1), sequences.targets.flatten(), ignore_index=IGNORED)

    def last_asked(self, sequences: Sequences) -> Tensor:
        """The last asked step of each sequence (B,)."""
        asked = sequences.targets != IGNORED
        return asked.shape[1] - 1 - asked.flip(1).int().argmax(1)

    def last_loss(self, outputs: Tensor, sequences: Sequences) -> Tensor:
        """outputs (B,T,O) -> the mean over sequences of the loss at their last asked step."""
        rows, last = torch.arange(len(outputs)), self.last_asked(sequences)
        return F.cross_entropy(outputs[rows, last], sequences.targets[rows, last])

    def score(self, outputs: Tensor, sequences: Sequences) -> float:
        asked = sequences.targets != IGNORED
        return float((outputs.argmax(-1) == sequences.targets)[asked].float().mean())

    def solved(self, score: float) -> bool:
        return score >= self.solved_at


def one_hot(symbols: Tensor, kinds: int) -> Tensor:
    return F.one_hot(symbols, kinds).float()


def within(low: float, high: float, rows: int, length: int, generator: Generator) -> Tensor:
    """A random step for each row, between two shares of the length (rows,)."""
    first = int(low * length)
    return torch.randint(first, max(first + 1, int(high * length)), (rows,), generator=generator)


class Adding(MemoryTask):
    """Hochreiter & Schmidhuber (1997), experiment 4, with a mark in each half as in Arjovsky et al. (2016),
    arXiv:1511.06464."""

    title = "adding problem"
    about = "The sum of the two numbers that are marked, one in each half of `lag` numbers between 0 and 1."
    inputs, outputs = 2, 1
    score_name, chance, solved_at = "MSE", 1 / 6, 0.005

    def make(self, rows: int, lag: int, generator: Generator) -> Sequences:
        numbers = torch.rand(rows, lag, generator=generator)
        marks = torch.zeros(rows, lag)
        for low, high in ((0.0, 0.5), (0.5, 1.0)):
            marks[torch.arange(rows), within(low, high, rows, lag, generator)] = 1
        return Sequences(torch.stack([numbers, marks], -1), (numbers * marks).sum(1, keepdim=True))

    def loss(self, outputs: Tensor, sequences: Sequences) -> Tensor:
        return F.mse_loss(outputs[:, -1], sequences.targets)

    def last_asked(self, sequences: Sequences) -> Tensor:
        rows, steps, _ = sequences.inputs.shape
        return torch.full((rows,), steps - 1)

    def last_loss(self, outputs: Tensor, sequences: Sequences) -> Tensor:
        return self.loss(outputs, sequences)

    def score(self, outputs: Tensor, sequences: Sequences) -> float:
        return float(self.loss(outputs, sequences))

    def solved(self, score: float) -> bool:
        return score <= self.solved_at


class TemporalOrder(MemoryTask):
    """Hochreiter & Schmidhuber (1997), experiment 6a."""

    title = "temporal order"
    about = "In which order two symbols came among `lag`, one near the beginning, one just after the middle."
    inputs, outputs = 6, 4  # four distractors, X and Y; XX, XY, YX, YY
    chance = 0.25

    def make(self, rows: int, lag: int, generator: Generator) -> Sequences:
        symbols = torch.randint(4, (rows, lag), generator=generator)
        row, kinds = torch.arange(rows), torch.randint(2, (2, rows), generator=generator)
        for (low, high), kind in zip(((0.1, 0.2), (0.5, 0.6)), kinds, strict=True):
            symbols[row, within(low, high, rows, lag, generator)] = 4 + kind
        targets = torch.full((rows, lag), IGNORED)
        targets[:, -1] = 2 * kinds[0] + kinds[1]
        return Sequences(one_hot(symbols, 6), targets)


class Copy(MemoryTask):
    """Hochreiter & Schmidhuber (1997) and Arjovsky et al. (2016), arXiv:1511.06464, with fewer symbols."""

    title = "copy after a delay"
    about = "Repeat five symbols out of four kinds after `lag` blank steps."
    inputs, outputs = 6, 4  # the symbols, a blank, and the start signal
    chance = 0.25
    LENGTH = 5

    def make(self, rows: int, lag: int, generator: Generator) -> Sequences:
        told = torch.randint(4, (rows, self.LENGTH), generator=generator)
        symbols = torch.full((rows, lag + 2 * self.LENGTH), 4)
        symbols[:, : self.LENGTH] = told
        symbols[:, self.LENGTH + lag] = 5
        targets = torch.full_like(symbols, IGNORED)
        targets[:, -self.LENGTH :] = told
        return Sequences(one_hot(symbols, 6), targets)


REBER: dict[int, tuple[tuple[str, int], ...]] = {  # state -> possible next symbols, and their states
    0: (("T", 1), ("P", 2)),
    1: (("S", 1), ("X", 3)),
    2: (("T", 2), ("V", 4)),
    3: (("X", 2), ("S", 5)),
    4: (("P", 3), ("V", 5)),
    5: (),
}


class EmbeddedReber(MemoryTask):
    """Cleeremans et al. (1989) and Hochreiter & Schmidhuber (1997), experiment 1: predict the next symbol of a string
    B (T or P) B <string of Reber's grammar> E (the same T or P) E. Only the last T or P is scored, and counts as the
    last that is asked: the E after it follows from nothing far back."""

    title = "embedded Reber grammar"
    about = "The second symbol again as the last but one, after `lag` to `lag` + 8 symbols of Reber's grammar."
    inputs = outputs = 7
    chance = 0.5
    SYMBOLS = "BTSXVPE"
    MORE = 8

    def make(self, rows: int, lag: int, generator: Generator) -> Sequences:
        begin, end = self.ids("BE")
        length = torch.randint(lag, lag + self.MORE + 1, (rows,), generator=generator)
        kept = self.ids("TP")[torch.randint(2, (rows,), generator=generator)]
        string = torch.full((rows, lag + self.MORE + 6), IGNORED)
        string[:, 0], string[:, 1], string[:, 2] = begin, kept, begin
        string[:, 3:-3] = self.grammatical(length, lag + self.MORE, generator)
        for after, symbol in enumerate((end, kept, end)):
            string[torch.arange(rows), 3 + length + after] = symbol
        # Padded in front: every string ends at the last step.
        place = torch.arange(string.shape[1]) - (lag + self.MORE - length)[:, None]
        ids = string.gather(1, place.clamp(min=0)).masked_fill(place < 0, IGNORED)
        inputs = one_hot(ids[:, :-1].clamp(min=0), 7) * (ids[:, :-1] != IGNORED)[..., None]
        return Sequences(inputs, ids[:, 1:].masked_fill(ids[:, :-1] == IGNORED, IGNORED))

    def ids(self, symbols: str) -> Tensor:
        return torch.tensor([self.SYMBOLS.index(symbol) for symbol in symbols])

    def grammatical(self, length: Tensor, longest: int, generator: Generator) -> Tensor:
        """Strings of these lengths (B,), all equally likely -> symbols (B,longest), IGNORED after the end."""
        moves = [REBER[state] or ((" ", state), (" ", state)) for state in range(len(REBER))]
        follows = torch.tensor([[state for _, state in pair] for pair in moves])
        symbols = torch.tensor([[self.SYMBOLS.find(symbol) for symbol, _ in pair] for pair in moves])
        ways = torch.zeros(longest + 1, len(REBER), dtype=torch.float64)  # strings from a state to the end, by length
        ways[0, -1] = 1
        for steps in range(longest):
            ways[steps + 1, :-1] = ways[steps, follows[:-1]].sum(1)
        state, made = torch.zeros_like(length), []
        for step in range(longest):
            left = (length - step - 1).clamp(min=0)
            onward = ways[left[:, None], follows[state]]  # (B, 2)
            chance = onward[:, 0] / onward.sum(1).clamp(min=1)
            choice = (torch.rand(len(length), generator=generator) >= chance).long()
            made.append(torch.where(step < length, symbols[state, choice], IGNORED))
            state = torch.where(step < length, follows[state, choice], state)
        return torch.stack(made, 1)

    def last_asked(self, sequences: Sequences) -> Tensor:
        return super().last_asked(sequences) - 1

    def score(self, outputs: Tensor, sequences: Sequences) -> float:
        which = self.ids("TP")
        guessed = which[outputs[:, -2, which].argmax(-1)]
        return float((guessed == sequences.targets[:, -2]).float().mean())


class Timing(MemoryTask):
    """After Gers, Schraudolph & Schmidhuber (2002), "Learning precise timing with LSTM recurrent networks": two
    spikes show an interval, and each later spike must be predicted one step ahead. An interval is right when a spike
    is predicted at its place and nowhere else in between."""

    title = "timing"
    about = "When the next spike comes, of spikes at a constant interval between `lag` / 2 and `lag` steps."
    inputs, outputs = 1, 2
    score_name = "intervals right"
    chance = 0.0
    INTERVALS = 4

    def make(self, rows: int, lag: int, generator: Generator) -> Sequences:
        interval = torch.randint(max(2, lag // 2), lag + 1, (rows, 1), generator=generator)
        step = torch.arange(self.INTERVALS * lag + 1)
        spikes = (step % interval == 0) & (step <= self.INTERVALS * interval)
        targets = spikes[:, 1:].long()
        # The first interval cannot be known, and nothing is asked after the last spike.
        unasked = (step[1:] <= interval) | (step[1:] > self.INTERVALS * interval)
        return Sequences(spikes[:, :-1, None].float(), targets.masked_fill(unasked, IGNORED))

    def score(self, outputs: Tensor, sequences: Sequences) -> float:
        asked = sequences.targets != IGNORED
        wrong = (outputs.argmax(-1) != sequences.targets) & asked  # (B, T)
        spike = (sequences.targets == 1) & asked
        number = (spike.cumsum(1) - spike.long()).clamp(max=self.INTERVALS - 2)  # the number of each step's interval
        errors = torch.zeros(len(wrong), self.INTERVALS - 1).scatter_add_(1, number, wrong.float())
        return float((errors == 0).float().mean())


TASKS: dict[str, MemoryTask] = {
    "adding": Adding(),
    "order": TemporalOrder(),
    "copy": Copy(),
    "reber": EmbeddedReber(),
    "timing": Timing(),
}
