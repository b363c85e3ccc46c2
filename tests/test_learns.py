"""Every cell learns to reverse sequences, with all decoders and attentions in turn, as tested by search."""

from __future__ import annotations

import itertools

import pytest
import torch
import toy

from nmt.data.batching import collate, pad
from nmt.data.tokenizer import BOS_ID, EOS_ID
from nmt.engine.network import TrainedNetwork
from nmt.search import Greedy, SearchRequest

pytestmark = pytest.mark.long

SYMBOLS = range(toy.FIRST_ID, toy.FIRST_ID + 5)
SEQUENCES = [list(s) for length in (1, 2, 3, 4) for s in itertools.product(SYMBOLS, repeat=length)]  # 780
STEPS, BATCH, ENOUGH = 700, 128, 0.9
CORE = [("rnn", "bahdanau", "dot"), ("gru", "gnmt", "location"), ("lstm", "gnmt", "dot")]
WIRINGS = [*CORE, *(wiring for wiring in toy.wirings() if wiring[0] not in toy.CORE_CELLS)]  # one per other cell


def reversal_batch(sequences):
    return collate([[*s, EOS_ID] for s in sequences], [[BOS_ID, *s[::-1], EOS_ID] for s in sequences])


@torch.inference_mode()
def accuracy(model, sequences) -> float:
    model.eval()
    src, src_len = pad([[*s, EOS_ID] for s in sequences])
    network = TrainedNetwork(model)
    found = Greedy()(
        network.step, network.start(src, src_len), SearchRequest(Greedy().max_length(src_len), BOS_ID, EOS_ID)
    )
    model.train()
    return sum(best.ids == s[::-1] for (best,), s in zip(found, sequences, strict=True)) / len(sequences)


@pytest.fixture
def _one_thread():
    """The number of threads affects rounding, and rounding affects how fast a network learns."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("_one_thread")
@pytest.mark.parametrize(("cell", "decoder", "attention"), WIRINGS)
def test_it_learns_to_reverse_sequences_it_has_not_seen(cell, decoder, attention):
    # Depending on seed and rounding, SSRU needs 250 to 1,100 steps to reverse unseen sequences.
    generator = torch.Generator().manual_seed(8)
    order = torch.randperm(len(SEQUENCES), generator=generator).tolist()
    train, unseen = ([SEQUENCES[i] for i in part] for part in (order[:680], order[680:]))
    model = toy.model(cell, decoder, attention, embedding_size=32, hidden_size=64).float()
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3, fused=True)
    for step in range(1, STEPS + 1):
        rows = torch.randint(len(train), (BATCH,), generator=generator).tolist()
        batch = reversal_batch([train[i] for i in rows])
        loss, _ = model.loss(*batch)
        optimizer.zero_grad()
        (loss / batch.tgt_len.sum()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 20 == 0 and accuracy(model, unseen) >= ENOUGH:
            return
    raise AssertionError(f"after {STEPS} steps only {accuracy(model, unseen):.0%} of unseen sequences are reversed")
