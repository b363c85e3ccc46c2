"""Searches that go one way: a token is chosen at every step and never taken back.

Dims: B sentences, W walks of each, N = B*W rows, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from nmt.search.base import Hypothesis, SearchRequest, sentences_to_keep
from nmt.search.score import RankedSearch, coverage
from nmt.search.step import PADDING, S, SearchStep

Choose = Callable[[Tensor, list[int], int], Tensor]  # logits (N,V), which walk each row is, the step -> ids (N,)


@torch.no_grad()
def walk(
    step: SearchStep[S],
    state: S,
    request: SearchRequest,
    choose: Choose,
    width: int = 1,
    ranked: RankedSearch | None = None,
) -> list[list[Hypothesis]]:
    """`width` walks a sentence; walk w of sentence b is number b * width + w. A log-probability is by the step,
    whatever `choose` made of it. A score is that of `ranked`; without it, the log-probability."""
    scored, eos_id, device = request.scored, request.eos_id, request.max_length.device
    limits = [limit for limit in request.max_length.tolist() for _ in range(width)]
    count = len(request.max_length)
    begun = [0.0] * count if request.start is None else request.start.tolist()
    log_probs = [start if scored else math.nan for start in begun for _ in range(width)]
    tokens: list[list[int]] = [[] for _ in limits]
    lengths = [0 for _ in limits]  # of those that are done
    covered = [0.0 for _ in limits]  # likewise, where the state tells
    walks = list(range(len(limits)))  # which one a row is
    ids = torch.full((len(limits),), request.bos_id, device=device)
    if width > 1:
        state = state.select(torch.arange(count, device=device).repeat_interleave(width))
    t = 0
    while walks:
        logits, state = step(ids, state)
        logits = logits.float()
        total = logits.logsumexp(-1) if scored else None
        logits.select(1, PADDING).fill_(-math.inf)
        ids = choose(logits, walks, t)
        t += 1
        gains = log_probs if total is None else (logits.gather(1, ids[:, None])[:, 0] - total).tolist()
        attended = state.attended if ranked and ranked.sees_attention else None
        for row, (walk, token, gain) in enumerate(zip(walks, ids.tolist(), gains, strict=False)):
            if not lengths[walk]:
                log_probs[walk] += gain
                if token != eos_id:
                    tokens[walk].append(token)
                if token == eos_id or t == limits[walk]:
                    lengths[walk] = t
                    if attended is not None:
                        covered[walk] = coverage(attended[row : row + 1]).item()
        active = [not lengths[walk] for walk in walks]
        if width > 1:
            active = [any(active[i : i + width]) for i in range(0, len(walks), width)]
        stay = sentences_to_keep(active)
        if not stay:
            break
        if len(stay) * width < len(walks):  # a sentence's walks leave together
            kept = [i * width + w for i in stay for w in range(width)]
            rows, sentences = torch.tensor(kept, device=device), torch.tensor(stay, device=device)
            walks, ids, state = [walks[i] for i in kept], ids[rows], state.select(rows, sentences)
    scores = map(ranked.score, log_probs, lengths, covered) if ranked else log_probs
    found = [Hypothesis(*parts) for parts in zip(tokens, scores, log_probs, lengths, covered, strict=True)]
    return [found[i : i + width] for i in range(0, len(found), width)]
