"""A step that suppresses repetition, for models that fall into a loop.

There are two ways. A token is banned if it would complete an n-gram that its hypothesis already has (Paulus et al.,
2017, arXiv:1705.04304). And the probability p of a token that its hypothesis already has becomes p^θ (after Keskar et
al., 2019, arXiv:1909.05858, who divide its logit by θ; but here logits are known only up to a constant).

The removed probability goes to padding, which no search takes, and to no other token: all others stay as likely as
the model says.

Dims: N rows, T tokens so far, BOS included, V vocabulary, n the order of the n-grams.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Self

import torch
from torch import Tensor

from nmt.search.step import PADDING, S, SearchStep


@dataclass(frozen=True)
class WithHistory(Generic[S]):
    """A state with the tokens that led to it."""

    inner: S
    tokens: Tensor | None = None  # (N, T); None before the first step

    @property
    def attended(self) -> Tensor | None:
        return self.inner.attended

    def select(self, rows: Tensor, sentences: Tensor | None = None) -> Self:
        tokens = None if self.tokens is None else self.tokens.index_select(0, rows)
        return type(self)(self.inner.select(rows, sentences), tokens)


def unrepeated(
    step: SearchStep[S], state: S, ngram: int, penalty: float
) -> tuple[SearchStep[WithHistory[S]], WithHistory[S]]:
    """A step that allows no n-gram of this order twice (0: any) and multiplies the log-probability of repeated tokens
    by `penalty`; and its first state."""

    def unrepeated_step(ids: Tensor, state: WithHistory[S]) -> tuple[Tensor, WithHistory[S]]:
        logits, inner = step(ids, state.inner)
        tokens = ids[:, None] if state.tokens is None else torch.cat([state.tokens, ids[:, None]], 1)
        log_probs = logits.log_softmax(-1, dtype=torch.float32)
        if penalty != 1:
            penalise(log_probs, marked(log_probs, tokens), penalty)
        if ngram:
            ban(log_probs, marked(log_probs, repeating(tokens, ngram)))
        return log_probs, WithHistory(inner, tokens)

    return unrepeated_step, WithHistory(state)


def repeating(tokens: Tensor, ngram: int) -> Tensor:
    """Tokens (N,T) -> those that followed earlier occurrences of the last n - 1 tokens (N,W), PADDING elsewhere."""
    length = tokens.shape[1]
    if length < ngram:
        return tokens[:, :0]
    windows = tokens.unfold(1, ngram, 1)  # (N, W, n)
    same = (windows[..., :-1] == tokens[:, None, length - ngram + 1 :]).all(-1)
    return windows[..., -1].masked_fill(~same, PADDING)


def marked(log_probs: Tensor, tokens: Tensor) -> Tensor:
    """A mask (N,V) of these tokens (N,W), padding excluded."""
    found = torch.zeros_like(log_probs, dtype=torch.bool).scatter_(1, tokens, True)
    found.select(1, PADDING).fill_(False)
    return found


def penalise(log_probs: Tensor, had: Tensor, penalty: float) -> None:
    """Penalise log_probs (N,V) in place, at tokens that a hypothesis already has."""
    share = (log_probs * (penalty - 1)).expm1().neg()  # 1 - p^(θ - 1)
    lost = log_probs + share.log()  # log (p - p^θ)
    _take(log_probs, lost, had)
    log_probs.copy_(torch.where(had, log_probs * penalty, log_probs))


def ban(log_probs: Tensor, banned: Tensor) -> None:
    """Changes log_probs (N,V) in place; keeps a row's only possible token, such as a forced one."""
    possible = log_probs > -torch.inf
    possible.select(1, PADDING).fill_(False)
    banned = banned & (possible & ~banned).any(1, keepdim=True)
    _take(log_probs, log_probs, banned)
    log_probs.masked_fill_(banned, -torch.inf)


def _take(log_probs: Tensor, lost: Tensor, where: Tensor) -> None:
    """Move the lost log-probability (N,V) there to padding."""
    rest = torch.where(where, lost, -torch.inf).logsumexp(1)
    padding = log_probs.select(1, PADDING)
    padding.copy_(torch.logaddexp(padding, rest))
