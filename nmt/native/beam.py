"""The bookkeeping of a beam search, in C (beam.h): which hypotheses are alive, and which have ended. CPU only.

Dims: B sentences, b of them still searched, k rows of each, K beam size, V pieces.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import torch
from torch import Tensor

from nmt import native


class NativeBeams:
    def __init__(self, limits: Tensor, beam: int, eos_id: int, patience: float, start: Tensor | None) -> None:
        """`limits` (B,) are maximum lengths; `start` (B,) are log-probabilities before the first step (None: 0)."""
        kernels = native.required()
        self._advance, self._ended = kernels.nmt_advance, kernels.nmt_ended
        self._sentences, self._beam = len(limits), beam
        self._memory = torch.empty(kernels.nmt_beams_size(len(limits), beam), dtype=torch.uint8)
        self.lives = torch.empty(len(limits), dtype=torch.uint8)  # of the sentences in the last step, which are alive
        self._at, self._lives = self._memory.data_ptr(), self.lives.data_ptr()
        limits, start = limits.long().contiguous(), None if start is None else start.float().contiguous()
        begun = limits.data_ptr(), None if start is None else start.data_ptr()
        kernels.nmt_begin(self._at, len(limits), beam, eos_id, patience, *begun)
        self._steps: list[tuple[Tensor, Tensor]] = []

    def advance(
        self, logits: Tensor, numbers: Tensor, count: int, covered: Tensor | None
    ) -> tuple[Tensor, Tensor, int]:
        """One step of the `count` sentences with these numbers (b,): logits (b*k,V) and the source coverage of each
        row (b*k,) -> ids (b*K,), the row that each extends (b*K,), and the number of sentences that are alive."""
        logits, covered = logits.float().contiguous(), None if covered is None else covered.float().contiguous()
        rows, pieces = logits.shape
        size = count * self._beam
        ids, extended = torch.empty(size, dtype=torch.long), torch.empty(size, dtype=torch.long)
        given = numbers.data_ptr(), count, rows // count, logits.data_ptr(), pieces
        of_covered = None if covered is None else covered.data_ptr()
        living = self._advance(self._at, *given, of_covered, ids.data_ptr(), extended.data_ptr(), self._lives)
        return ids, extended, living

    def keep(self, ids: Tensor, rows: Tensor) -> None:
        """Store the ids and rows with which the remaining sentences continue. Do not write to these tensors later."""
        self._steps.append((ids, rows))

    def ended(self) -> Iterator[tuple[int, tuple[list[int], float, int, float]]]:
        """The hypotheses, grouped by sentence: the sentence's number, and (ids without EOS, log-probability, length
        with EOS, coverage)."""
        most, steps = self._sentences * self._beam, len(self._steps) + 1
        numbers, scores = torch.empty(most, 3, dtype=torch.long), torch.empty(most, 2, dtype=torch.double)
        found = torch.empty(most, steps, dtype=torch.long)
        ids, rows = ((ctypes.c_void_p * steps)(*(step[i].data_ptr() for step in self._steps)) for i in range(2))
        written = numbers.data_ptr(), scores.data_ptr(), found.data_ptr()
        count = self._ended(self._at, self._sentences, ids, rows, *written)
        parts = (part[:count].tolist() for part in (numbers, scores, found))
        for (sentence, length, tokens), (log_prob, coverage), own in zip(*parts, strict=True):
            yield sentence, (own[:tokens], log_prob, length, coverage)
