"""A faulty attention or decoder of the user's own is refused in one line before training."""

from __future__ import annotations

import pytest
import torch
import toy
from torch import nn

from nmt.model.attention import ATTENTIONS, GeneralAttention
from nmt.model.wirings import DECODERS, GNMT, DecoderState, InputFeeding, Wiring, attend
from nmt.training.parts_check import check_parts


def model(monkeypatch, methods=None, decoder=None, **settings):
    """With an attention made of these methods, or a decoder. Equal sizes, so that a swap is no error of torch's."""
    if methods is not None:
        monkeypatch.setitem(ATTENTIONS, "own", type("Own", (GeneralAttention,), methods))
        settings["attention"] = "own"
    if decoder is not None:
        monkeypatch.setitem(DECODERS, "own", decoder)
        settings["decoder"] = "own"
    return toy.model("gru", **{"embedding_size": 8, "hidden_size": 8} | settings).float()


def made(extra):
    """A constructor that keeps something more."""

    def __init__(self, *sizes):  # noqa: N807
        GeneralAttention.__init__(self, *sizes)
        extra(self)

    return {"__init__": __init__}


def without_mask(self, scores, memory):
    weights = scores.softmax(-1)
    return (weights @ self.split(memory.values)).transpose(1, 2).flatten(2), weights


COUNT = nn.Parameter(torch.ones(1, dtype=torch.long), requires_grad=False)
ROWS = r"^the attention 'own', queries \(2, 4, 8\) and values \(2, 5, 8\): it "


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (
            made(lambda own: own.register_buffer("a", torch.ones(1))),
            "keeps the tensor 'a', which a model dir.*; make",
        ),
        (made(lambda own: setattr(own, "a", torch.ones(1))), "^the attention 'own' keeps the tensor 'a'"),
        (made(lambda own: setattr(own, "a", nn.BatchNorm1d(8))), "keeps the tensor 'a.running_mean'"),
        (made(lambda own: setattr(own, "a", own.key)), "a.weight is another parameter, too; .* must have one name$"),
        (made(lambda own: setattr(own, "a", COUNT)), r"attention.a is of torch.int64; it must be of torch.float32$"),
        ({"__init__": lambda self, size: None}, r"^the attention 'own' cannot be made \(TypeError: .*\)$"),
        ({"score": lambda self, query, keys: query @ keys}, ROWS + r"fails \(RuntimeError: .*: \(2, 2, 4, 5\)$"),
        ({"keys": lambda self, values: None}, ROWS + "fails .*; keys must give a tensor, score"),
        ({"score": lambda self, query, keys: 1 / 0}, ROWS + r"fails \(ZeroDivisionError: division by zero\); "),
        ({"mean": lambda self, scores, memory: (memory.values, scores)}, ROWS + r"gives \(2, 5, 8\) as context; "),
        (
            {"mean": lambda self, scores, memory: (scores.new_zeros(2, 4, 8), None)},
            ROWS + "gives NoneType as weights",
        ),
        ({"mean": without_mask}, ROWS + "gives padding a weight; that must be 0 where memory.mask is False$"),
        ({"keys": lambda self, values: values.mul_(2)}, ROWS + "changes the values; it must compute new tensors$"),
    ],
)
def test_a_faulty_attention_is_told_in_one_line(monkeypatch, own, message):
    with pytest.raises(ValueError, match=message) as refused:
        check_parts(model(monkeypatch, own, heads=2))
    assert "\n" not in str(refused.value)


class Luong(InputFeeding):
    """Without input feeding."""

    initial_state = Wiring.initial_state

    def sizes(self, inputs, hidden, features, context):
        return inputs, hidden, hidden + context

    def inputs_of_features(self, h, context):
        return [h, context]

    def state_of(self, layer, coverage):
        return DecoderState((layer,), coverage=coverage)

    def step(self, parts, x, state, memory, masks):
        layer = parts.layer(0).step(x, state.layers[0], masks.layers[0])
        h = parts.layer(0).output(layer)
        context, weights, coverage = attend(parts, h, memory, state)
        features = parts.features(self.inputs_of_features(h, context), masks.features)
        return features, self.state_of(layer, coverage), weights


class Fails(Luong):
    def sizes(self, inputs, hidden, features, context):
        return inputs, hidden, hidden


class OneHead(Luong):
    def step(self, *given):
        features, state, weights = super().step(*given)
        return features, state, weights.mean(1)


class ContextFirst(Luong):
    def context_is_last(self, num_layers):
        return True

    def inputs_of_features(self, h, context):
        return [context, h]


class OtherForward(GNMT):
    def forward(self, *given):
        features, weights = super().forward(*given)
        return features / 2, weights


class NoEmbedding(Luong):
    embeds_once = True

    def step(self, parts, x, *given):
        return super().step(parts, x * 1.0, *given)


class NoCoverage(Luong):
    def state_of(self, layer, coverage):
        return DecoderState((layer,))


class OfOtherSentences(Luong):
    def inputs_of_features(self, h, context):
        return [h - h.mean(0), context]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (Fails, r" fails \(RuntimeError: mat1 and mat2 .*\); a step must give what Wiring.step says$"),
        (OneHead, r" gives \(2, 5, 4\) as weights; that must be a tensor of \(2, 1, 4, 5\)$"),
        (ContextFirst, " is searched by other numbers than it is trained by; forward, step, embeds_once and"),
        (OtherForward, " is searched by other numbers than it is trained by; "),
        (NoEmbedding, r" fails in search \(.*\)$"),
        (NoCoverage, r" fails in search \(ValueError: a step must hand the coverage on, in DecoderState\)$"),
        (OfOtherSentences, ": what it gives for a sentence depends on the padding or on the other sentences$"),
    ],
)
def test_a_faulty_decoder_is_told_in_one_line(monkeypatch, own, message):
    attention = "additive" if own is NoCoverage else "general"
    with pytest.raises(ValueError, match=f"^the decoder 'own' with the attention '{attention}'{message}"):
        check_parts(model(monkeypatch, None, own, attention=attention, coverage=own is NoCoverage))


def test_a_decoder_that_cannot_be_made_is_told(monkeypatch):
    class Needs(Luong):
        def __init__(self, size):
            pass

    with pytest.raises(ValueError, match=r"^the decoder 'own' cannot be made \(TypeError: .* argument: 'size'\)$"):
        model(monkeypatch, None, Needs)


def test_an_instance_among_the_decoders_is_told(monkeypatch):
    with pytest.raises(ValueError, match="^nmt.decoders: own = <.*Luong object at .*> is no subclass of Wiring$"):
        model(monkeypatch, None, Luong())


def test_what_is_right_is_tried_without_a_number_of_the_seeds(monkeypatch):
    right = model(monkeypatch, {}, Luong).train()
    covered = model(monkeypatch, None, Luong, attention="additive", coverage=True)
    before = torch.get_rng_state()
    check_parts(right)
    check_parts(covered)
    assert right.training
    assert torch.equal(torch.get_rng_state(), before)


def test_a_parameter_that_is_never_used_is_told_and_cannot_be_shared_by_processes(monkeypatch, caplog):
    unused = model(monkeypatch, made(lambda own: setattr(own, "other", nn.Linear(2, 3, bias=False))))
    check_parts(unused)
    assert caplog.messages == ["the parameter decoder.attention.other.weight is never used, so it is not learned"]
    with pytest.raises(
        ValueError, match="attention.other.weight is never used; with trainer.devices above 1 each must"
    ):
        check_parts(unused, processes=2)
