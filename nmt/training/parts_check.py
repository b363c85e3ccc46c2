"""Tries an attention or a decoder of the user's own before it is trained, so that its author gets a one-line error,
and not a failure, a model that cannot be loaded, or one that is searched by other numbers than it is trained by.

Dims: B sentences, T target tokens, S source tokens, A heads, V vocabulary.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nmt.common.shown import error_line
from nmt.engine import SearchedNetwork, resolve_compute, searchable
from nmt.kernels.trace import undisturbed
from nmt.kernels.trial import wave
from nmt.model.seq2seq import Seq2Seq

log = logging.getLogger(__name__)

LENGTHS, TARGETS = (5, 3), 4  # of the sentences that it is tried with


def has_own_parts(model: Seq2Seq) -> bool:
    """Whether the attention or the decoder is the user's own."""
    parts = model.decoder.attention, model.decoder.wiring
    return not all(type(part).__module__.startswith("nmt.") for part in parts)


@undisturbed()
def check_parts(model: Seq2Seq, processes: int = 1) -> None:
    """Tries a model on the CPU. Raises ValueError."""
    was_training = model.training
    try:
        _check_kept(model)
        _check_attention(model.eval())
        with torch.no_grad():
            _check_decoder(model)
        _check_used(model.train(), processes)
    finally:
        model.train(was_training)


def _check_kept(model: Seq2Seq) -> None:
    """A model directory keeps the parameters, each once and in float32."""
    begin = f"the attention {model.config.attention.name!r}"
    for name in _other_tensors(model.decoder.attention):
        instead = "make it an nn.Parameter (requires_grad=False if it is not learned), or compute it where it is used"
        raise ValueError(f"{begin} keeps the tensor {name!r}, which a model directory does not; {instead}")
    named = dict(model.named_parameters())
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if name not in named:
            raise ValueError(f"{begin}: {name} is another parameter, too; a parameter must have one name")
        if parameter.dtype != torch.float32:
            raise ValueError(f"{begin}: {name} is of {parameter.dtype}; it must be of torch.float32")


def _other_tensors(attention: nn.Module) -> Iterator[str]:
    """The names of those that are no parameters."""
    yield from (name for name, _ in attention.named_buffers())
    for path, module in attention.named_modules():
        yield from (f"{path}.{name}".lstrip(".") for name, one in vars(module).items() if isinstance(one, Tensor))


def _sentences(model: Seq2Seq) -> tuple[Tensor, Tensor, Tensor]:
    """Source ids (B,S), their lengths (B,) and target ids (B,T)."""
    lengths = torch.tensor(LENGTHS)
    source = model.tgt_embedding if model.config.tie == "all" else model.src_embedding
    src, tgt = (
        torch.arange(1, len(LENGTHS) * length + 1).view(len(LENGTHS), length) % len(table.weight)
        for length, table in ((max(LENGTHS), source), (TARGETS, model.tgt_embedding))
    )
    return src * (torch.arange(max(LENGTHS)) < lengths[:, None]), lengths, tgt


def _check_attention(model: Seq2Seq) -> None:
    attention, (src, length, _) = model.decoder.attention, _sentences(model)
    values, _ = model.encoder(model.embed_src(src), length)
    query = wave(len(src), TARGETS, model.config.hidden_size, device=src.device)
    kept = values.detach().clone()
    begin = f"the attention {model.config.attention.name!r}, queries {_told(query)} and values {_told(values)}:"
    weighed: tuple[int, ...] = len(src), attention.heads, TARGETS, src.shape[1]
    try:
        memory = model.encode(src, length)
        if attention.has_coverage:  # it is used step by step
            query, weighed = query[:, 0], (*weighed[:2], weighed[3])
            context, weights = attention.attend(query, memory, torch.zeros(src.shape))
        else:
            context, weights = attention(query, memory)
    except Exception as error:  # a user's code may raise anything
        needs = f"keys must give a tensor, score a tensor of (sentences, heads, queries, tokens): {weighed}"
        raise ValueError(f"{begin} it fails ({error_line(error)}); {needs}") from error
    _check_shape(f"{begin} it", "context", context, (*query.shape[:-1], attention.context_size))
    _check_shape(f"{begin} it", "weights", weights, weighed)
    if weights[-1, ..., -1].any():
        raise ValueError(f"{begin} it gives padding a weight; that must be 0 where memory.mask is False")
    if not torch.equal(memory.values.detach(), kept):
        raise ValueError(f"{begin} it changes the values; it must compute new tensors")


def _check_decoder(model: Seq2Seq) -> None:
    src, length, tgt = _sentences(model)
    config = model.config
    begin = f"the decoder {config.decoder.name!r} with the attention {config.attention.name!r}"
    try:
        features, weights = model(src, length, tgt)
    except Exception as error:
        raise ValueError(f"{begin} fails ({error_line(error)}); a step must give what Wiring.step says") from error
    _check_shape(begin, "features", features, (*tgt.shape, model.output_table.shape[1]))
    _check_shape(begin, "weights", weights, (len(src), model.decoder.attention.heads, tgt.shape[1], src.shape[1]))
    alone, _ = model(src[-1:, : length[-1]], length[-1:], tgt[-1:])
    if not _is_close(features[-1:], alone):
        raise ValueError(f"{begin}: what it gives for a sentence depends on the padding or on the other sentences")
    log_probs = F.linear(features, model.output_table, model.output_bias)
    log_probs[..., model.banned] = -torch.inf
    try:
        searched = _searched(model, src, length, tgt)
    except Exception as error:
        raise ValueError(f"{begin} fails in search ({error_line(error)})") from error
    if not _is_close(searched.softmax(-1), log_probs.softmax(-1)):
        must = "forward, step, embeds_once and context_is_last must agree, and no state be kept but what a step gives"
        raise ValueError(f"{begin} is searched by other numbers than it is trained by; {must}")


def _searched(model: Seq2Seq, src: Tensor, length: Tensor, tgt: Tensor) -> Tensor:
    """Logits (B,T,V), as a search finds them."""
    network = searchable([model], resolve_compute("float32", src.device))
    assert isinstance(network, SearchedNetwork)
    state, found, rows = network.start(src, length), [], torch.arange(len(src))
    for ids in tgt.unbind(1):
        logits, state = network.step(ids, state.select(rows))
        found.append(logits.clone())
    if model.decoder.attention.has_coverage and state.decoder.coverage is None:
        raise ValueError("a step must hand the coverage on, in DecoderState")
    return torch.stack(found, 1)


def _check_used(model: Seq2Seq, processes: int) -> None:
    """A parameter without a gradient never changes, and several processes cannot share it."""
    features, _ = model(*_sentences(model))
    named = {name: one for name, one in model.decoder.named_parameters("decoder") if one.requires_grad}
    grads: Sequence[Tensor | None] = torch.autograd.grad(features.sum(), list(named.values()), allow_unused=True)
    for name, grad in zip(named, grads, strict=True):
        if grad is None and processes > 1:
            raise ValueError(f"the parameter {name} is never used; with trainer.devices above 1 each must be")
        if grad is None:
            log.warning("the parameter %s is never used, so it is not learned", name)


def _check_shape(part: str, what: str, given: object, shape: tuple[int, ...]) -> None:
    if not isinstance(given, Tensor) or given.shape != shape:
        raise ValueError(f"{part} gives {_told(given)} as {what}; that must be a tensor of {shape}")


def _is_close(found: Tensor, expected: Tensor) -> bool:
    return torch.allclose(found, expected, rtol=1e-3, atol=1e-5)


def _told(one: object) -> str:
    return f"{tuple(one.shape)}" if isinstance(one, Tensor) else type(one).__name__
