"""The bookkeeping of a beam search, in C (beam.h): which hypotheses live, and which have ended. All is on the CPU.

Dims: B sentences, b of them searched, k rows of each, K places of a beam, V pieces.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import torch
from torch import Tensor

from nmt import native


class NativeBeams:
    def __init__(self, limits: Tensor, beam: int, eos_id: int, patience: float, start: Tensor | None) -> None:
        """limits (B,), of lengths, and log-probabilities before the first step (B,); None: 0"""
        kernels = native.required()
        self._advance, self._ended = kernels.nmt_advance, kernels.nmt_ended
        self._sentences, self._beam = len(limits), beam
        self._memory = torch.empty(kernels.nmt_beams_size(len(limits), beam), dtype=torch.uint8)
        self.lives = torch.empty(len(limits), dtype=torch.uint8)  # of those searched in the last step, which do
        self._at, self._lives = self._memory.data_ptr(), self.lives.data_ptr()
        limits, start = limits.long().contiguous(), None if start is None else start.float().contiguous()
        begun = limits.data_ptr(), None if start is None else start.data_ptr()
        kernels.nmt_begin(self._at, len(limits), beam, eos_id, patience, *begun)
        self._steps: list[tuple[Tensor, Tensor]] = []

    def advance(
        self, logits: Tensor, numbers: Tensor, count: int, covered: Tensor | None
    ) -> tuple[Tensor, Tensor, int]:
        """A step of the sentences with these numbers (b,), `count` of them: logits (b*k,V), and what of the source
        their rows have covered (b*k,) -> ids (b*K,), which row each extends (b*K,), how many sentences live."""
        logits, covered = logits.float().contiguous(), None if covered is None else covered.float().contiguous()
        rows, pieces = logits.shape
        size = count * self._beam
        ids, extended = torch.empty(size, dtype=torch.long), torch.empty(size, dtype=torch.long)
        given = numbers.data_ptr(), count, rows // count, logits.data_ptr(), pieces
        of_covered = None if covered is None else covered.data_ptr()
        living = self._advance(self._at, *given, of_covered, ids.data_ptr(), extended.data_ptr(), self._lives)
        return ids, extended, living

    def keep(self, ids: Tensor, rows: Tensor) -> None:
        """What is searched on after a step, of the sentences that stay; nobody may write to it."""
        self._steps.append((ids, rows))

    def ended(self) -> Iterator[tuple[int, tuple[list[int], float, int, float]]]:
        """The hypotheses, a sentence's together: its number, and the ids, EOS left out, log-probability, length,
        EOS included, and coverage."""
        most, steps = self._sentences * self._beam, len(self._steps) + 1
        numbers, scores = torch.empty(most, 3, dtype=torch.long), torch.empty(most, 2, dtype=torch.double)
        found = torch.empty(most, steps, dtype=torch.long)
        ids, rows = ((ctypes.c_void_p * steps)(*(step[i].data_ptr() for step in self._steps)) for i in range(2))
        written = numbers.data_ptr(), scores.data_ptr(), found.data_ptr()
        count = self._ended(self._at, self._sentences, ids, rows, *written)
        parts = (part[:count].tolist() for part in (numbers, scores, found))
        for (sentence, length, tokens), (log_prob, coverage), own in zip(*parts, strict=True):
            yield sentence, (own[:tokens], log_prob, length, coverage)
