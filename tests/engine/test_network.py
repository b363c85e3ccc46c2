"""A packed model against the model itself: the same logits step by step, in every precision and for every wiring."""

from __future__ import annotations

import multiprocessing

import pytest
import torch
import toy
from torch import nn

from nmt import native
from nmt.engine import Shortlist, recurrent, resolve_compute, searchable
from nmt.engine.attention import attention_of
from nmt.engine.compiled import PlacedState
from nmt.engine.network import TrainedNetwork
from nmt.engine.products import COMPUTE, filled, in_few_sizes, quantised
from nmt.engine.readout import SplitReadout
from nmt.engine.recurrent import InputTable
from nmt.kernels.additive import LIMIT
from nmt.model.attention import ATTENTIONS, AdditiveAttention, Memory
from nmt.model.wirings import DECODERS

CPU = torch.device("cpu")
ABLE = [compute for compute in COMPUTE if compute == "float32" or resolve_compute(compute, CPU) == compute]
LENGTHS = [6, 5, 3]
TOLERANCE = {"float32": 1e-4, "bfloat16": 0.15, "int8": 0.15}
WIRINGS = [
    *[(cell, "gnmt", "additive", 1, 1) for cell in sorted(toy.CELL_KINDS)],
    *[("gru", decoder, attention, 2, 2) for decoder in sorted(DECODERS) for attention in sorted(ATTENTIONS)],
    *[("lstm", decoder, attention, 1, 1) for decoder in sorted(DECODERS) for attention in sorted(ATTENTIONS)],
    ("lstm_peephole", "gnmt", "additive", 3, 2),
]


@pytest.fixture(autouse=True, params=["in C", "by torch"])
def kernels(request, monkeypatch):
    """Where there are no kernels, once."""
    if request.param == "by torch":
        monkeypatch.setattr(native, "kernels", lambda: None)
    elif not native.is_here():
        pytest.skip("nmt/native is not compiled, or not for this processor")


def paths(network, src, src_len, shortlist=None):
    """The logits of four steps of two hypotheses a sentence, of which the second sentence leaves on the way."""
    state = network.start(src, src_len, shortlist)
    state = state.select(torch.arange(len(src)).repeat_interleave(2))
    ids = torch.tensor([4, 5, 6, 4, 7, 5])
    logits = []
    for step in range(4):
        out, state = network.step(ids, state)
        logits.append(out)
        if step == 1:
            rows = torch.tensor([1, 0, 5, 5])
            state, ids = state.select(rows, torch.tensor([0, 2])), ids[rows]
    return logits


@torch.inference_mode()
@pytest.mark.parametrize("compute", ABLE)
@pytest.mark.parametrize(("cell", "decoder", "attention", "layers", "heads"), WIRINGS)
def test_it_makes_the_logits_of_the_model(cell, decoder, attention, layers, heads, compute):
    check(toy.model(cell, decoder, attention, num_layers=layers, heads=heads), compute)


@torch.inference_mode()
@pytest.mark.parametrize("decoder", sorted(DECODERS))
@pytest.mark.parametrize("option", sorted(toy.OPTIONS))
def test_it_has_every_option_of_the_model(option, decoder):
    check(toy.model("gru", decoder, "additive", **toy.OPTIONS[option]), "float32")


def bent(found):
    context, weights = found
    return context.tanh(), weights


# Methods of an attention of one's own, each of which computes something else.
OWN = {
    "keys": lambda of: lambda self, values: 2 * of.keys(self, values),
    "score": lambda of: lambda self, query, keys: 2 * of.score(self, query, keys),
    "score_covered": lambda of: lambda self, *given: 2 * of.score_covered(self, *given),
    "split": lambda of: lambda self, x: of.split(self, x) + 1,
    "mean": lambda of: lambda self, scores, memory: bent(of.mean(self, scores, memory)),
    "forward": lambda of: lambda self, query, memory: bent(of.forward(self, query, memory)),
    "attend": lambda of: lambda self, query, *given: bent(of.attend(self, query, *given)),
}


@torch.inference_mode()
@pytest.mark.parametrize("method", sorted(OWN))
@pytest.mark.parametrize("name", ["additive", "dot", "general"])
def test_it_computes_what_an_attention_of_ones_own_does(name, method, monkeypatch):
    kind, coverage = ATTENTIONS[name], name == "additive" and method == "score_covered"
    monkeypatch.setitem(ATTENTIONS, name, type("Own", (kind,), {method: OWN[method](kind)}))
    check(toy.model("gru", attention=name, coverage=coverage), "float32")


@torch.inference_mode()
@pytest.mark.parametrize(("query", "key"), [(0.9, -0.87), (3, 0.01), (-0.01, 3), (3, -3)])
def test_additive_attention_takes_numbers_of_any_size(query, key):
    """Of which exponentials would overflow."""
    trained = AdditiveAttention(4, 4, 1)
    for layer in (trained.query, trained.key):
        nn.init.eye_(layer.weight)
    nn.init.zeros_(trained.query.bias)
    values = key * LIMIT + torch.tensor([0.0, 0.5, 1.1])[None, :, None].repeat(1, 1, 4)
    mask, queries = torch.tensor([[True, True, True]]), torch.full((2, 4), query * LIMIT)
    packed = attention_of(trained, COMPUTE["float32"])
    context, weights = packed.attend(queries, Memory(values, packed.keys(values), mask, values))
    expected, _ = trained.attend(queries, Memory(values, trained.keys(values), mask, values))
    assert weights.sum(-1).allclose(torch.ones(()))
    torch.testing.assert_close(context, expected, rtol=0, atol=1e-3)


def check(model, compute):
    model = model.float().eval()
    src, src_len = toy.sources(LENGTHS)
    expected = paths(TrainedNetwork(model), src, src_len)
    found = paths(searchable([model], compute), src, src_len)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=TOLERANCE[compute])


@torch.inference_mode()
@pytest.mark.parametrize("compute", ABLE)
@pytest.mark.parametrize("others", [[], [9], [8, 10]])
def test_a_shortlist_leaves_the_logits_of_its_pieces_as_they_are(compute, others):
    model = toy.model(attention="additive").float().eval()
    packed = searchable([model], compute)
    src, src_len = toy.sources(LENGTHS)
    common = torch.arange(8)
    allowed = torch.zeros(len(LENGTHS), toy.VOCAB, dtype=torch.bool)
    allowed[:, common] = True
    more = torch.arange(toy.VOCAB).expand(len(LENGTHS), -1) < 9
    paths(packed, src, src_len, Shortlist(torch.arange(9), more))  # with others in common
    paths(packed, src, src_len, Shortlist(common, allowed.clone()))  # what is packed once serves the next batch too
    allowed[1, others] = True
    shortlist = Shortlist(common, allowed)
    found = paths(packed, src, src_len, shortlist)
    plain = paths(TrainedNetwork(model), src, src_len, shortlist)
    everything = paths(TrainedNetwork(model), src, src_len)
    pieces = [*common.tolist(), *others]
    for step, (one, other, full) in enumerate(zip(found, plain, everything, strict=True)):
        rows = [0, 0, 1, 1, 2, 2] if step < 2 else [0, 0, 2, 2]
        expected = full[:, pieces].masked_fill(~allowed[rows][:, pieces], -torch.inf)
        torch.testing.assert_close(other[:, 1:], expected[:, 1:])  # place 0: see test_output.py
        assert other[:, 0].isfinite().all()
        torch.testing.assert_close(one, other, rtol=0, atol=TOLERANCE[compute])


@torch.inference_mode()
@pytest.mark.parametrize("decoder", ["gnmt", "input_feeding"])
def test_tables_change_nothing_but_the_time(decoder, monkeypatch):
    model = toy.model("gru", decoder, "dot").float().eval()
    src, src_len = toy.sources(LENGTHS)
    with_tables = searchable([model], "float32")
    assert with_tables.src_looked_up
    assert with_tables.tgt_looked_up
    expected = paths(with_tables, src, src_len)
    monkeypatch.setattr(recurrent, "MOST_LOOKED_UP", 0)
    without = searchable([model], "float32")
    assert not without.src_looked_up
    assert not without.tgt_looked_up
    for one, other in zip(paths(without, src, src_len), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


def test_the_context_is_multiplied_ahead_only_where_it_goes_nowhere_else():
    one = searchable([toy.model(num_layers=1).float()], "float32")
    two = searchable([toy.model(num_layers=2).float()], "float32")
    heads = searchable([toy.model(heads=2).float()], "float32")
    assert isinstance(one.decoder.readout, SplitReadout)
    assert not isinstance(two.decoder.readout, SplitReadout)
    assert not isinstance(heads.decoder.readout, SplitReadout)


def test_packing_leaves_the_model_alone():
    model = toy.model(attention="additive").float().eval()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    src, src_len = toy.sources(LENGTHS)
    with torch.inference_mode():
        paths(searchable([model], ABLE[-1]), src, src_len)
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    loss, _ = model.loss(src, src_len, src, src, src_len)
    loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_a_precision_that_is_not_here_is_refused(monkeypatch):
    assert resolve_compute("auto", CPU) in ABLE
    with pytest.raises(ValueError, match="compute is 'int4'; here choose one of: auto, float32"):
        resolve_compute("int4", CPU)
    with pytest.raises(ValueError, match="compute is 'int8'; here choose one of: auto, float32, bfloat16, float16$"):
        resolve_compute("int8", torch.device("cuda"))


@pytest.mark.parametrize("amx", [False, True])
def test_with_amx_products_come_in_few_sizes(amx, monkeypatch):
    monkeypatch.setattr("nmt.engine.products.has_amx", lambda: amx)
    multiplied = []
    for rows in (5, 33, 64, 90):
        x = torch.randn(rows, 4)
        assert filled(x, lambda x: multiplied.append(len(x)) or 2 * x).equal(2 * x)
    assert multiplied == ([5, 64, 64, 96] if amx else [5, 33, 64, 90])
    sizes = [in_few_sizes(asked, 4000) for asked in (1, 900, 1000, 1001, 2000, 2001, 4000)]
    assert sizes == ([1, 1000, 1000, 2000, 2000, 4000, 4000] if amx else [1, 900, 1000, 1001, 2000, 2001, 4000])


@pytest.mark.parametrize("compute", COMPUTE)
def test_rows_of_a_weight_are_multiplied_in_every_precision(compute):
    weight, features = torch.randn(40, 16), torch.randn(3, 16)
    weight[7] = 0
    pieces, bias = torch.tensor([3, 7, 30, 31]), torch.randn(4)
    engine = torch.backends.quantized.engine
    found = COMPUTE[compute].rows(weight).product(pieces, bias, 2.0)(features)
    assert torch.backends.quantized.engine == engine
    expected = features @ weight[pieces].T + bias
    expected[:, 0] += 2 * (features**2).sum(1)
    torch.testing.assert_close(found, expected, rtol=0.01, atol=1e-5 if compute == "float32" else 0.2)
    numbers, scales = quantised(weight)
    assert numbers[7].eq(0).all()
    assert scales.gt(0).all()
    assert ((numbers * scales[:, None] - weight).abs() <= scales[:, None] * 0.5001).all()


def test_rows_may_be_selected_again_before_the_next_step():
    numbers, again = torch.randn(2, 5, 3), torch.tensor([2, 0])
    state = PlacedState(numbers).select(torch.tensor([4, 1, 3])).select(again)
    assert state.places.tolist() == [3, 4]


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="processes are not forked here")
@torch.inference_mode()
def test_processes_share_what_they_have_looked_up():
    table = InputTable(nn.Embedding(6, 4), torch.randn(8, 4), torch.randn(8), 6)

    def learn():
        torch.set_num_threads(1)
        table.learn(torch.tensor([2]))

    child = multiprocessing.get_context("fork").Process(target=learn)
    child.start()
    child.join()
    found = table[torch.tensor([2])]
    table.learn(torch.tensor([2]))
    assert found.any()
    torch.testing.assert_close(found, table[torch.tensor([2])])
