"""Searches without backtracking: each step chooses a token for good.

Dims: B sentences, W walks of each, N = B*W rows, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from nmt.search.base import Hypothesis, SearchRequest, sentences_to_keep
from nmt.search.score import RankedSearch, coverage
from nmt.search.step import PADDING, S, SearchStep

Choose = Callable[[Tensor, list[int], int], Tensor]  # logits (N,V), which walk each row is, the step -> ids (N,)


@dataclass
class _Walk:
    limit: int  # of its length
    log_prob: float
    tokens: list[int] = field(default_factory=list)
    length: int = 0  # EOS included; 0 while it goes on
    coverage: float = 0.0  # once it has ended, if the state tracks it


@torch.no_grad()
def walk(
    step: SearchStep[S],
    state: S,
    request: SearchRequest,
    choose: Choose,
    width: int = 1,
    ranked: RankedSearch | None = None,
) -> list[list[Hypothesis]]:
    """`width` walks per sentence; walk w of sentence b is number b * width + w. Log-probabilities are `step`'s,
    whatever `choose` does. `ranked` computes the score; without it, the score is the log-probability."""
    sentences, device = len(request.max_length), request.max_length.device
    start = [0.0] * sentences if request.start is None else request.start.tolist()
    walks = [
        _Walk(limit, before if request.scored else math.nan)
        for limit, before in zip(request.max_length.tolist(), start, strict=True)
        for _ in range(width)
    ]
    numbers = list(range(len(walks)))  # the walk of each row
    ids = torch.full((len(walks),), request.bos_id, device=device)
    if width > 1:
        state = state.select(torch.arange(sentences, device=device).repeat_interleave(width))
    length = 0
    while numbers:
        logits, state = step(ids, state)
        ids, gains = _chosen(logits.float(), numbers, length, choose, request.scored)
        length += 1
        attended = state.attended if ranked and ranked.sees_attention else None
        for row, (number, token, gain) in enumerate(zip(numbers, ids.tolist(), gains, strict=True)):
            one = walks[number]
            if one.length:
                continue
            one.log_prob += gain
            if token != request.eos_id:
                one.tokens.append(token)
            if token == request.eos_id or length == one.limit:
                one.length = length
                if attended is not None:
                    one.coverage = coverage(attended[row : row + 1]).item()
        active = [not walks[number].length for number in numbers]
        stay = sentences_to_keep([any(active[i : i + width]) for i in range(0, len(active), width)])
        if not stay:
            break
        if len(stay) * width < len(numbers):  # a sentence's walks leave together
            kept = [i * width + w for i in stay for w in range(width)]
            rows = torch.tensor(kept, device=device)
            state = state.select(rows, torch.tensor(stay, device=device))
            numbers, ids = [numbers[row] for row in kept], ids[rows]
    found = [_hypothesis(one, ranked) for one in walks]
    return [found[i : i + width] for i in range(0, len(found), width)]


def _chosen(
    logits: Tensor, numbers: list[int], t: int, choose: Choose, scored: bool
) -> tuple[Tensor, Iterable[float]]:
    """Logits (N,V), changed in place -> the ids (N,) of step t and their log-probabilities; 0 if not scored."""
    total = logits.logsumexp(-1) if scored else None
    logits.select(1, PADDING).fill_(-math.inf)
    ids = choose(logits, numbers, t)
    if total is None:
        return ids, [0.0] * len(numbers)
    return ids, (logits.gather(1, ids[:, None])[:, 0] - total).tolist()


def _hypothesis(one: _Walk, ranked: RankedSearch | None) -> Hypothesis:
    score = ranked.score(one.log_prob, one.length, one.coverage) if ranked else one.log_prob
    return Hypothesis(one.tokens, score, one.log_prob, one.length, one.coverage)
