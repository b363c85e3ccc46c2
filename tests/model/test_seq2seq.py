"""The whole network: step = all at once, alone = in a batch, for every cell, decoder and attention."""

from __future__ import annotations

import pytest
import torch
import toy
from graphs_here import WAITED_FOR, Met

from nmt.engine.network import TrainedNetwork
from nmt.model import seq2seq
from nmt.model.attention import ATTENTIONS
from nmt.model.recurrent import Recurrent
from nmt.model.wirings import DECODERS

LENGTHS, T = [5, 2, 3], 4

everything = pytest.mark.parametrize(("cell", "decoder", "attention"), toy.wirings())


def batch_of_targets():
    src, src_len = toy.sources(LENGTHS)
    tgt = torch.randint(toy.FIRST_ID, toy.VOCAB, (len(LENGTHS), T))
    return src, src_len, tgt, tgt.roll(1, 1), torch.tensor([4, 1, 3])


@everything
def test_a_token_at_a_time_equals_all_at_once(cell, decoder, attention):
    model = toy.model(cell, decoder, attention, num_layers=2, heads=2).eval()
    src, src_len = toy.sources(LENGTHS)
    tgt_in = torch.randint(toy.FIRST_ID, toy.VOCAB, (len(LENGTHS), T))
    features, weights = model(src, src_len, tgt_in)
    assert weights.shape == (len(LENGTHS), 2, T, max(LENGTHS))
    expected = features @ model.output_table.T + model.output_bias
    network = TrainedNetwork(model)
    state = network.start(src, src_len)
    for t in range(T):
        logits, state = network.step(tgt_in[:, t], state)
        torch.testing.assert_close(logits[:, 3:], expected[:, t, 3:])
        assert (logits[:, :3] == -torch.inf).all()  # PAD, UNK, BOS


@pytest.mark.parametrize("decoder", sorted(DECODERS))
@pytest.mark.parametrize("option", sorted(toy.OPTIONS))
def test_options_agree_token_by_token_and_all_at_once_and_learn(option, decoder):
    model = toy.model("gru", decoder, "additive", **toy.OPTIONS[option])
    src, src_len = toy.sources(LENGTHS)
    tgt = torch.randint(toy.FIRST_ID, toy.VOCAB, (len(LENGTHS), T))
    features, _ = model(src, src_len, tgt)
    expected = features @ model.output_table.T + model.output_bias
    network = TrainedNetwork(model)
    state = network.start(src, src_len)
    for t in range(T):
        logits, state = network.step(tgt[:, t], state)
        torch.testing.assert_close(logits[:, 3:], expected[:, t, 3:])
    model.loss(src, src_len, tgt, tgt, torch.tensor([4, 1, 3]))[0].backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_without_attention_there_is_no_context_to_gate():
    with pytest.raises(ValueError, match="no context to gate"):
        toy.model(attention="none", context_gate=True)


@everything
@pytest.mark.parametrize("tolerance", [None, 1e-4], ids=["float64", "float32"])  # of float32 there are kernels
def test_a_sentence_gives_the_same_alone_and_among_longer_ones(cell, decoder, attention, tolerance):
    model = toy.model(cell, decoder, attention, num_layers=2).eval()
    model = model if tolerance is None else model.float()
    src, src_len = toy.sources(LENGTHS)
    tgt_in = torch.randint(toy.FIRST_ID, toy.VOCAB, (len(LENGTHS), T))
    together, _ = model(src, src_len, tgt_in)
    for row, length in enumerate(LENGTHS):
        alone, _ = model(src[row : row + 1, :length], src_len[row : row + 1], tgt_in[row : row + 1])
        torch.testing.assert_close(alone[0], together[row], rtol=tolerance, atol=tolerance)


@everything
def test_dropout_is_drawn_for_each_batch_and_every_parameter_learns(cell, decoder, attention):
    kind = toy.CELL_KINDS[cell]
    recurrent_dropout = 0.1 if kind.input_only < len(kind.gates) else 0.0
    settings = {"hidden_size": 24, "dropout": 0.2, "recurrent_dropout": recurrent_dropout}
    model = toy.model(cell, decoder, attention, num_layers=2, **settings)
    batch = batch_of_targets()
    first, _ = model.loss(*batch, smoothing=0.1)
    second, _ = model.loss(*batch, smoothing=0.1)
    assert first != second
    first.backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


@everything
def test_under_autocast_it_is_the_same_but_for_rounding(cell, decoder, attention):
    if cell == "lstm" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("the fused LSTM has no bfloat16 on this processor")
    model = toy.model(cell, decoder, attention, num_layers=2, heads=2).float()
    batch = batch_of_targets()
    exact, _ = model.loss(*batch, smoothing=0.1)
    with torch.autocast("cpu", torch.bfloat16):
        rough, _ = model.loss(*batch, smoothing=0.1)
        rough.backward()
    torch.testing.assert_close(rough, exact, rtol=0.05, atol=0)
    assert all(p.grad.isfinite().all() and p.grad.dtype == torch.float32 for p in model.parameters())


@pytest.mark.parametrize("coverage", [False, True])
@pytest.mark.parametrize("decoder", sorted(DECODERS))
def test_hypotheses_of_a_sentence_stand_side_by_side(decoder, coverage):
    """Rows beyond the sentences share their memory: K rows a sentence equal K separate copies."""
    model = toy.model("gru", decoder, "additive", coverage=coverage, heads=2).eval()
    network = TrainedNetwork(model)
    src, src_len = toy.sources(LENGTHS)
    ids = torch.tensor([4, 5, 6, 7, 8, 9])
    rows = torch.arange(len(LENGTHS)).repeat_interleave(2)
    shared, copied = network.start(src, src_len).select(rows), network.start(src[rows], src_len[rows])
    for _ in range(2):  # before the second step they differ in what they have covered
        (of_shared, shared), (of_copied, copied) = network.step(ids, shared), network.step(ids, copied)
        torch.testing.assert_close(of_shared, of_copied)
    tgt = torch.stack([ids, ids.flip(0)], 1)
    torch.testing.assert_close(model(src, src_len, tgt), model(src[rows], src_len[rows], tgt))


def test_padded_targets_count_for_nothing():
    model = toy.model().eval()
    src, src_len = toy.sources(LENGTHS)
    tgt = torch.randint(toy.FIRST_ID, toy.VOCAB, (3, T))
    tgt_len = torch.tensor([4, 1, 3])
    other = tgt.masked_fill(torch.arange(T) >= tgt_len[:, None], 0)
    assert model.loss(src, src_len, tgt, tgt, tgt_len) == model.loss(src, src_len, other, other, tgt_len)


@pytest.mark.parametrize(("tie", "tables"), [("all", 1), ("target", 2), ("none", 3)])
def test_tied_tables_are_one_parameter(tie, tables):
    model = toy.model(tie=tie)
    assert len(model.tables()) == tables
    assert len(model.state_dict()) == len(list(model.named_parameters()))


@pytest.mark.parametrize("tie", ["all", "none"])
def test_tables_start_small_and_what_a_cell_reads_is_about_one(tie):
    model = toy.model(tie=tie, vocab=2000, features_size=None if tie == "all" else 5)
    assert model.output_table.shape == (2000, 6 if tie == "all" else 5)
    for table in model.tables():
        assert table.std().item() == pytest.approx(table.shape[1] ** -0.5, rel=0.05)
    ids = torch.arange(2000)
    assert model.embed_src(ids).std().item() == pytest.approx(1, rel=0.05)
    assert model.embed_tgt(ids).std().item() == pytest.approx(1, rel=0.05)
    assert model.embed_src(ids).equal(model.embed_tgt(ids)) == (tie == "all")


def test_two_vocabularies_cannot_share_a_table():
    from nmt.model.seq2seq import Seq2Seq

    with pytest.raises(ValueError, match="model.tie is 'all', which needs a joint vocabulary"):
        Seq2Seq(toy.model_config(), 9, 10)
    Seq2Seq(toy.model_config(tie="target"), 9, 10)


def test_words_are_dropped_whole_in_training_alone():
    model = toy.model(src_word_dropout=0.4, tgt_word_dropout=0.1)
    embedded = torch.randn(50, 30, 6, dtype=torch.double)
    dropped = model.drop_words(embedded, 0.4)
    kept = (dropped == embedded).all(-1)
    assert (kept | (dropped == 0).all(-1)).all()
    assert 0.5 < kept.double().mean() < 0.7
    assert model.eval().drop_words(embedded, 0.4) is embedded


@pytest.mark.parametrize("side", ["src_word_dropout", "tgt_word_dropout"])
def test_word_dropout_reaches_its_side(side):
    batch = batch_of_targets()
    losses = [toy.model(**{side: p}).loss(*batch)[0] for p in (0.0, 0.5)]
    assert losses[0] != losses[1]


@pytest.mark.parametrize("decoder", sorted(DECODERS))
def test_outside_training_nothing_is_dropped(decoder):
    names = ("dropout", "recurrent_dropout", "src_word_dropout", "tgt_word_dropout")
    batch = batch_of_targets()
    plain, dropped = (toy.model("gru", decoder, num_layers=2, **dict.fromkeys(names, p)).eval() for p in (0.0, 0.5))
    assert plain.loss(*batch) == dropped.loss(*batch)


def test_every_layer_drops_at_the_rates_of_its_model():
    model = toy.model("gru", num_layers=2, dropout=0.4, initial_dropout=0.1, recurrent_dropout=0.2)
    assert (model.dropout.first, model.dropout.rate) == (0.1, 0.4)
    layers = [part for part in model.modules() if isinstance(part, Recurrent)]
    assert len(layers) == 6
    assert all(part.dropout is model.dropout is model.decoder.dropout for part in layers)
    assert {part.recurrent_dropout.rate for part in layers} == {0.2}


@pytest.mark.parametrize("r_drop", [0.0, 5.0])
def test_an_alignment_adds_the_cross_entropy_of_the_attention_to_it(r_drop):
    model, batch = toy.model(attention="additive", heads=2), batch_of_targets()
    _, weights = model(*batch[:3])
    alignment = torch.rand(len(LENGTHS), T, max(LENGTHS), dtype=torch.double)
    loss, nll = model.loss(*batch, alignment=alignment, r_drop=r_drop)
    without, nll_without = model.loss(*batch)
    torch.testing.assert_close(nll, nll_without)
    torch.testing.assert_close(loss - without, -(alignment * (weights.mean(1) + 1e-6).log()).sum())


def test_the_log_probabilities_of_tokens_are_those_of_all_pieces_but_the_banned(monkeypatch):
    monkeypatch.setattr(seq2seq, "SCORED", 3)
    model, (src, src_len, tgt_in, tgt_out, tgt_len) = toy.model().eval(), batch_of_targets()
    places = torch.arange(T) < tgt_len[:, None]
    features, _ = model(src, src_len, tgt_in)
    logits = features @ model.output_table.T + model.output_bias
    logits[..., model.banned] = -torch.inf
    expected = logits.log_softmax(-1).gather(-1, tgt_out[..., None])[..., 0].masked_fill(~places, 0)
    (real,) = places.flatten().nonzero(as_tuple=True)
    found = model.token_log_probs(src, src_len, tgt_in, tgt_out, tgt_len, real)
    torch.testing.assert_close(found, expected.float(), rtol=1e-5, atol=1e-5)


def test_r_drop_without_dropout_is_the_plain_loss():
    model, batch = toy.model(), batch_of_targets()
    torch.testing.assert_close(model.loss(*batch, smoothing=0.1, r_drop=5.0), model.loss(*batch, smoothing=0.1))
    model = toy.model(dropout=0.3)
    torch.manual_seed(1)
    drawn_together, nll = model.loss(*batch, r_drop=5.0)
    assert drawn_together > nll


@pytest.mark.parametrize("attention", sorted(ATTENTIONS))
@pytest.mark.parametrize("cell", ["lstm", "gru_ln", "ssru"])
def test_with_the_real_places_made_beforehand_or_none_nothing_is_waited_for(cell, attention):
    model = toy.model(cell, attention=attention, dropout=0.2)
    batch = batch_of_targets()
    real = torch.tensor([row * T + t for row, length in enumerate(batch[-1].tolist()) for t in range(length)])
    with Met(WAITED_FOR) as mode:
        loss, _ = model.loss(*batch, real, smoothing=0.1)
        loss.backward()
        scores = model.token_log_probs(*batch, real)
    assert mode.found == []
    torch.manual_seed(1)
    with Met(WAITED_FOR) as mode:
        found = model.loss(*batch, r_drop=5.0)
    assert mode.found == []
    torch.manual_seed(1)
    torch.testing.assert_close(found, model.loss(*batch, real, r_drop=5.0))
    assert (scores.flatten()[real] < 0).all()
    assert scores.count_nonzero() == len(real)
