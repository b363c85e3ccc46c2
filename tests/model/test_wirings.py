"""Every way to wire the decoder against its equations, written out step by step."""

from __future__ import annotations

import pytest
import torch
import toy

from nmt.model.decoder import Readout
from nmt.model.recurrent import Masks
from nmt.model.wirings import DECODERS, GNMT, Wiring

LENGTHS, T, LAYERS, HEADS = [5, 2, 3], 4, 3, 2


def attended(attention, query, memory, covered):
    """Bahdanau's score, head by head -> context (B,M) and weights (B,A,S)."""
    keys = memory.values @ attention.key.weight.T + (covered[..., None] * attention.coverage if covered.any() else 0)
    hidden = torch.tanh(attention.query(query)[:, None] + keys)
    contexts, weights = [], []
    for v, of_head, values in zip(attention.v, hidden.chunk(HEADS, -1), memory.values.chunk(HEADS, -1), strict=True):
        weights.append((of_head @ v).masked_fill(~memory.mask, -torch.inf).softmax(-1))
        contexts.append((weights[-1][:, None] @ values)[:, 0])
    return torch.cat(contexts, -1), torch.stack(weights, 1)


def read_out(readout, target, context):
    """Features (B,F), with a context gate as Tu et al. have it."""
    both = torch.cat([target, context], -1)
    if isinstance(readout, Readout):
        return torch.tanh(both @ readout.weight.T + readout.bias)
    z = torch.sigmoid(both @ readout.gate.weight.T + readout.gate.bias)
    of_target = target @ readout.of_target.weight.T + readout.of_target.bias
    return torch.tanh((1 - z) * of_target + z * (context @ readout.of_context.weight.T))


def features_by_equations(decoder, x, memory, masks, features_mask):
    """Features (B,T,F) and weights (B,T,A,S); `masks` of each layer."""
    name, layers = decoder.config.name, list(decoder.layers)
    start = torch.tanh(decoder.bridge(memory.final)).view(len(x), LAYERS, -1, layers[0].hidden_size)
    states = [layer.start(*start[:, depth].unbind(1)) for depth, layer in enumerate(layers)]
    feed = x.new_zeros(len(x), decoder.features_size)
    covered, found = x.new_zeros(memory.mask.shape), []

    def attend(query):
        nonlocal covered
        context, weights = attended(decoder.attention, query, memory, covered)
        if decoder.attention.has_coverage:
            covered = covered + weights.mean(1)
        return context, weights

    for y in x.unbind(1):
        h, inputs = 0, [y]
        if name == "bahdanau":
            context, weights = attend(states[-1][0])
            inputs = [y, context]
        elif name == "input_feeding":
            inputs = [y, feed]
        for depth, layer in enumerate(layers):
            states[depth] = layer.step(torch.cat(inputs, -1), states[depth], masks[depth])
            h = states[depth][0] + (h if decoder.config.residual else 0)
            if name == "gnmt" and depth == 0:
                context, weights = attend(h)
            inputs = [h, context] if name == "gnmt" else [h]
        if name == "input_feeding":
            context, weights = attend(h)
        target = torch.cat([h, y] if name == "bahdanau" else [h], -1)
        feed = read_out(decoder.readout, target, context) * features_mask
        found.append((feed, weights))
    return tuple(torch.stack(parts, 1) for parts in zip(*found, strict=True))


@pytest.mark.parametrize("options", [{}, {"residual": False}, {"coverage": True}, {"context_gate": True}], ids=str)
@pytest.mark.parametrize("name", sorted(DECODERS))
def test_a_decoder_is_its_equations_also_with_dropout(name, options):
    model = toy.model("lstm", name, "additive", num_layers=LAYERS, heads=HEADS, **options)
    decoder, memory = model.decoder, model.encode(*toy.sources(LENGTHS))
    x = torch.randn(len(LENGTHS), T, model.config.embedding_size, dtype=torch.double)
    masks = [
        Masks(*(torch.rand(len(x), n, dtype=torch.double) for n in (layer.weight_ih.shape[1], layer.hidden_size)))
        for layer in decoder.layers
    ]
    features_mask = torch.rand(len(x), decoder.features_size, dtype=torch.double)
    for layer, mask in zip(decoder.layers, masks, strict=True):
        layer.masks = lambda rows, mask=mask: mask
    decoder.features_mask = lambda rows: features_mask
    features, weights = decoder(x, memory)
    expected = features_by_equations(decoder, x, memory, masks, features_mask)
    torch.testing.assert_close((features, weights.transpose(1, 2)), expected)


def test_what_holds_for_a_wirings_step_does_not_for_another_step():
    class Own(GNMT):
        def step(self, *given):
            return super().step(*given)

    class Declared(Own):
        embeds_once = True

        def step(self, *given):
            return super().step(*given)

    class Renamed(GNMT):
        pass

    assert (Own.forward, Own.embeds_once, Own().context_is_last(1)) == (Wiring.forward, False, False)
    assert (Declared.forward, Declared.embeds_once) == (Wiring.forward, True)
    assert (Renamed.forward, Renamed.embeds_once, Renamed().context_is_last(1)) == (GNMT.forward, True, True)
