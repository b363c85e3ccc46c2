"""Minimum risk training (Shen et al., 2016, arXiv:1512.02433): of the translations that a search finds, those with
a better BLEU become more likely than the rest. Likelihood alone knows only one translation of a sentence.

For every sentence of a batch, beam search with the current weights finds up to n candidates:

    q_i ∝ exp(γ log p(y_i | x) / |y_i|)        risk = Σ_i q_i (1 - BLEU(y_i))

(length-normalised as by Edunov et al., 2018, arXiv:1711.04956). BLEU uses the tokens of the run's measure; if chrF or
chrF++ chooses models, it replaces BLEU. Start from a trained model: an untrained one finds nothing to choose from.

Dims: B sentences, n candidates (the most that any sentence has).
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
from nmt.search.beam import PATIENT
from nmt.translation.searcher import Searcher
from nmt.translation.values import TranslationTask

SHARPNESS = 6.0  # γ

Candidates = Sequence[Sequence[list[int]]]  # ids without BOS and EOS; 1 to n per sentence


def candidates(searcher: Searcher, batch: Batch, number: int) -> Candidates:
    """The best `number` candidates, or fewer, of a beam search that gives up no hypothesis."""
    sources = [ids[:length] for ids, length in zip(batch.src.tolist(), batch.src_len.tolist(), strict=True)]
    found = searcher.hypotheses(TranslationTask(Beam(beam_size=number, patience=PATIENT)), sources)
    return [[hypothesis.ids for hypothesis in hypotheses] for hypotheses in found]


def costs(measures: Sequence[Measure], tokenizer: Tokenizer, batch: Batch, found: Candidates) -> Tensor:
    """1 - the score of each candidate, as text, by its sentence's measure (B,n); 0 where there is no candidate."""
    targets = zip(batch.tgt_out.tolist(), batch.tgt_len.tolist(), strict=True)
    refs = [tokenizer.decode_tgt(ids[: length - 1]) for ids, length in targets]
    scores = [
        [measure.sentence_score(tokenizer.decode_tgt(ids), ref) for ids in row]
        for measure, row, ref in zip(measures, found, refs, strict=True)
    ]
    most = max(map(len, scores))
    return 1 - torch.tensor([row + [100.0] * (most - len(row)) for row in scores]) / 100


def expected_cost(model: Seq2Seq, batch: Batch, found: Candidates, cost: Tensor) -> Tensor:
    """The mean risk of the sentences. `cost` is (B,n); missing candidates are filled in with weight 0."""
    most = cost.shape[1]
    filled = [[*row, *[row[-1]] * (most - len(row))] for row in found]
    targets = [[BOS_ID, *ids, EOS_ID] for row in filled for ids in row]
    is_missing = torch.tensor([[i >= len(row) for i in range(most)] for row in found], device=batch.src.device)
    both = Batch(*(part.to(batch.src.device) for part in collate(targets, targets)))
    log_probs = model.token_log_probs(batch.src, batch.src_len, *both[2:]).sum(1) / both.tgt_len  # (B * n,)
    scores = (SHARPNESS * log_probs.view(cost.shape)).masked_fill(is_missing, -torch.inf)  # (B, n)
    q = scores.softmax(1)
    return (q * cost.to(q.device)).sum(1).mean()
