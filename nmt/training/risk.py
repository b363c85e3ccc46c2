"""Minimum risk training (Shen et al., 2016, arXiv:1512.02433): of what a search finds, what has a better BLEU shall
become more likely than the rest, while likelihood alone knows but one translation of a sentence.

For every sentence of a batch a beam finds n candidates with the weights as they are, and

    q_i ∝ exp(γ log p(y_i | x) / |y_i|)        risk = Σ_i q_i (1 - BLEU(y_i))

(length-normalised as by Edunov et al., 2018, arXiv:1711.04956). It begins with a model that has been trained already;
one that has not finds nothing to choose from.

Dims: B sentences, n candidates of each.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nmt.data.batching import Batch, collate
from nmt.data.tokenizer import BOS_ID, EOS_ID, Tokenizer
from nmt.metrics.measure import Measure
from nmt.model.seq2seq import Seq2Seq
from nmt.search import Beam
from nmt.translator import Task, Translator

SHARPNESS = 6.0  # γ

Candidates = Sequence[Sequence[list[int]]]  # ids without BOS and EOS, n of each sentence


def candidates(translator: Translator, batch: Batch, number: int) -> Candidates:
    """The best that a beam finds; where it finds fewer, the last one several times."""
    sources = [ids[:length] for ids, length in zip(batch.src.tolist(), batch.src_len.tolist(), strict=True)]
    found = translator.hypotheses(Task(Beam(beam_size=number), nbest=number), sources)
    rows = [[hypothesis.ids for hypothesis in hypotheses] for hypotheses in found]
    return [row + row[-1:] * (number - len(row)) for row in rows]


def costs(measure: Measure, tokenizer: Tokenizer, batch: Batch, found: Candidates) -> Tensor:
    """1 - BLEU against the sentence's target, as text (B,n)."""
    targets = zip(batch.tgt_out.tolist(), batch.tgt_len.tolist(), strict=True)
    refs = [tokenizer.decode_tgt(ids[: length - 1]) for ids, length in targets]
    bleu = [
        [measure.sentence_bleu(tokenizer.decode_tgt(ids), ref) for ids in row]
        for row, ref in zip(found, refs, strict=True)
    ]
    return 1 - torch.tensor(bleu) / 100


def expected_cost(model: Seq2Seq, batch: Batch, found: Candidates, cost: Tensor) -> Tensor:
    """The mean of the sentences' risks."""
    targets = [[BOS_ID, *ids, EOS_ID] for row in found for ids in row]
    _, _, *target = (part.to(batch.src.device) for part in collate(targets, targets))
    log_probs = model.token_log_probs(batch.src, batch.src_len, *target).sum(1) / target[-1]  # (B * n,)
    q = (SHARPNESS * log_probs.view(cost.shape)).softmax(1)
    return (q * cost.to(q.device)).sum(1).mean()
