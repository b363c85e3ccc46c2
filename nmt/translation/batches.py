"""Translation of batches of pieces: source ids in, translations with text out. The Translator does the pre- and
postprocessing of texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from nmt.bundle import Bundle
from nmt.common.own_parts import OwnPartError, is_own, own_part_error
from nmt.common.process import is_memory_shortage
from nmt.common.shown import brief
from nmt.kernels.memory import fitting
from nmt.model.seq2seq import Seq2Seq
from nmt.search import Beam, Hypothesis, Search
from nmt.search.base import best_first
from nmt.search.beam import PATIENT
from nmt.search.check import check_own
from nmt.search.mbr import expected_utility
from nmt.translation.searcher import Searcher, Watch
from nmt.translation.values import Translation, TranslationTask

FAST_ROWS = 320  # hypotheses in a batch: with more they wait for one another, with fewer the products are slow
FAST_ON_GPU = 5120  # the same on a GPU, if its memory suffices
BYTES_A_PIECE = 16  # on a GPU, for each hypothesis and each possible next piece


class BatchTranslator(Searcher):
    """A model to search, alone or in an ensemble with others of the same tokenizer."""

    def __init__(self, bundle: Bundle, device: torch.device, compute: str, others: Sequence[Seq2Seq]) -> None:
        """As Searcher's. Raises ValueError for a precision that this machine does not support."""
        super().__init__((bundle.model, *others), device, bundle.lexicon, compute)
        self.tokenizer = bundle.tokenizer
        self.metric = bundle.config.metric  # by which the model was selected

    def translate_batch(self, batch: tuple[TranslationTask, list[list[int]], list[list[int]]]) -> list[Translation]:
        """The task, source ids with EOS, and target prefix ids -> the translations."""
        task, sources, _ = batch
        found = self.sorted_hypotheses(*batch)
        return [self._translation(src, hypotheses, task) for src, hypotheses in zip(sources, found, strict=True)]

    def sorted_hypotheses(
        self,
        task: TranslationTask,
        sources: list[list[int]],
        prefixes: Sequence[list[int]] = (),
        watch: Watch | None = None,
    ) -> list[list[Hypothesis]]:
        """As `hypotheses`, but ranked by expected utility if the task has one. Raises OwnPartError if a search that
        is not nmt's fails."""
        if task.mbr and isinstance(task.search, Beam):  # MBR compares as many hypotheses as possible
            task = replace(task, search=replace(task.search, patience=PATIENT))
        check_own(task.search)  # whose errors are no failures on a text
        try:
            found = self.hypotheses(task, sources, prefixes, watch)
        except Exception as error:
            if not is_own(type(task.search)) or is_memory_shortage(error):
                raise
            raise self._failure(task, sources, prefixes, error) from error
        return [self._by_utility(hypotheses, task) for hypotheses in found] if task.mbr else found

    def _failure(
        self, task: TranslationTask, sources: list[list[int]], prefixes: Sequence[list[int]], error: Exception
    ) -> OwnPartError:
        """The error of a user's own search, with the first text on which it fails alone, if there is one."""
        search, on = type(task.search), ""
        for place, source in enumerate(sources):
            try:
                self.hypotheses(task, [source], prefixes[place : place + 1])
            except Exception as alone:  # a user's code may raise anything
                error, on = alone, f" on {brief(self.tokenizer.src.decode(source))}"
                break
        return own_part_error(f"the search {search.__name__}", on, search, error)

    def _translation(self, src: list[int], hypotheses: list[Hypothesis], task: TranslationTask) -> Translation:
        estimated = self.uses_shortlist(task.search) or task.search.repetition_penalty != 1
        wanted = hypotheses[: max(task.nbest, 1)]
        aligned = [task.alignment or self._symbols_differ(src, found.ids) for found in wanted]
        if task.plain and not any(aligned):
            best = hypotheses[0]
            text = self.tokenizer.decode_tgt(best.ids)
            return Translation(text, best.score, best.log_prob, estimated=estimated)
        src_tokens = tuple(self.tokenizer.src_pieces(src))
        translations = tuple(
            Translation(
                self.tokenizer.decode_tgt(hypothesis.ids),
                hypothesis.score,
                hypothesis.log_prob,
                tokens=tuple(self.tokenizer.tgt_pieces(hypothesis.ids)),
                src_tokens=src_tokens,
                length=hypothesis.length,
                coverage=hypothesis.coverage,
                alignment=tuple(self.align(src, hypothesis.ids)) if is_aligned else (),
                estimated=estimated,
            )
            for hypothesis, is_aligned in zip(wanted, aligned, strict=True)
        )
        return replace(translations[0], alternatives=translations) if task.nbest else translations[0]

    def _symbols_differ(self, src: list[int], tgt: list[int]) -> bool:
        """Whether the translation lacks, adds or repeats a symbol of the source."""
        symbols = self.tokenizer.symbol_ids
        return bool(symbols) and sorted(symbols[i] for i in src if i in symbols) != sorted(
            i for i in tgt if i in symbols.values()
        )

    def _by_utility(self, hypotheses: list[Hypothesis], task: TranslationTask) -> list[Hypothesis]:
        """Samples have equal weights; a beam's hypotheses are weighted by their probability."""
        assert task.mbr is not None
        best = max(h.log_prob for h in hypotheses)
        weights = [1.0 if task.search.is_random else math.exp(h.log_prob - best) for h in hypotheses]
        texts = [self.tokenizer.decode_tgt(h.ids) for h in hypotheses]
        tokens: Callable[[str], list[str]] = str.split  # chrF needs none
        if task.mbr == "bleu":
            from nmt.metrics.measure import Measure  # sacreBLEU

            tokens = Measure.of(self.metric, task.tgt, texts).tokens
        utility = expected_utility(texts, weights, task.mbr, tokens).tolist()
        scored = [replace(h, score=utility_of) for h, utility_of in zip(hypotheses, utility, strict=True)]
        return best_first(scored)


def fast_batch_size(search: Search, device: torch.device, tgt_vocab_size: int) -> int:
    """The number of sentences in a batch; on a GPU limited by its memory."""
    if device.type == "cpu":
        return max(1, min(96, FAST_ROWS // search.width))
    rows = min(FAST_ON_GPU, fitting(device, BYTES_A_PIECE, 0) // tgt_vocab_size)
    return max(1, min(1024, rows // search.width))
