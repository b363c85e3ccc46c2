"""Checks an attention on a few numbers, so that the author of a faulty one gets a one-line error.

Dims: B sentences, T queries, S source tokens, A heads.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from nmt.kernels.trace import undisturbed
from nmt.kernels.trial import wave
from nmt.model.attention import ATTENTIONS, Attention, AttentionConfig, Memory, build_attention

SENTENCES, QUERIES, TOKENS, UNITS = 2, 3, 5, 8  # units of each head


def check_forward(config: AttentionConfig) -> None:
    """Runs once per config and class, on the CPU. Skips an attention that refuses these sizes. Raises ValueError."""
    _check(config, ATTENTIONS[config.name])  # type: ignore[arg-type]  # a class is hashable


@cache
@undisturbed()
def _check(config: AttentionConfig, _: type[Attention]) -> None:
    cpu, size = torch.device("cpu"), UNITS * config.heads
    query, values = (wave(SENTENCES, length, size, device=cpu) for length in (QUERIES, TOKENS))
    padding = torch.zeros(SENTENCES, TOKENS, dtype=torch.bool, device=cpu)
    padding[-1, -1] = True
    try:
        with cpu:
            attention = build_attention(config, size, size).eval()
    except ValueError:
        return
    except Exception as error:  # a user's code may raise anything
        raise ValueError(f"the attention {config.name!r} cannot be made ({_told(error)})") from error
    weighed = f"(sentences, heads, queries, tokens): {(SENTENCES, config.heads, QUERIES, TOKENS)}"
    begin = f"the attention {config.name!r}, queries {tuple(query.shape)} and values {tuple(values.shape)}:"
    try:
        with cpu:
            context, weights = _found(attention, query, values, padding)
    except Exception as error:
        raise ValueError(f"{begin} fails ({_told(error)}); score must give {weighed}") from error
    expected = (SENTENCES, QUERIES, attention.context_size)
    if tuple(context.shape) != expected:
        raise ValueError(f"{begin} gives the context {tuple(context.shape)}; it must be {expected}")
    if tuple(weights.shape) != (SENTENCES, config.heads, QUERIES, TOKENS):
        raise ValueError(f"{begin} gives weights {tuple(weights.shape)}; they must be {weighed}")
    if weights[-1, ..., -1].any():
        raise ValueError(f"{begin} gives padding a weight; it must be 0 where memory.mask is False")


def _found(attention: Attention, query: Tensor, values: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
    context, weights = attention(query, Memory(values, attention.keys(values), ~padding, values[:, -1]))
    return context, weights


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0].removesuffix(": ")
