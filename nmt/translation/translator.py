"""Translation of texts: tokenise, batch, search, detokenise.

Imports torch, NumPy and sentencepiece, but nothing that only training needs: a translation should start at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from nmt.bundle import Bundle, model_folder
from nmt.common.stream import valid
from nmt.data.batching import found_of, groups_of_like_length
from nmt.data.directions import Direction
from nmt.model.seq2seq import Seq2Seq
from nmt.search import Search
from nmt.text.glossary import Glossary
from nmt.text.guard import Guard
from nmt.text.markup import take_out
from nmt.text.protection import SYMBOL
from nmt.text.sentences import sentences
from nmt.translation.batches import BatchTranslator, fast_batch_size
from nmt.translation.ensemble import load_ensemble
from nmt.translation.markup import around_markup, linked, on_each, unmasked
from nmt.translation.paragraphs import by_sentences
from nmt.translation.sources import MAX_CHARS, MAX_PIECES, ScoredPair, Source, pairs_of, pieces_of, sources_of
from nmt.translation.values import (
    Each,
    Split,
    Translation,
    TranslationTask,
    check_batch_size,
    check_setting,
    check_split,
    folders_of,
    is_letterless,
    pair_of,
    texts_like,
    texts_of,
)

if TYPE_CHECKING:
    from nmt.metrics.measure import Measure

FAST_PAIRS = 64  # pairs in a scoring batch
SETTINGS = ("search", "mbr", "split", "direction", "copy_letterless", "rules", "glossary")  # which may change


class Translator(BatchTranslator):
    """A model with its tokenizer on a device. SETTINGS may be changed at any time. Threads must not share it if they
    change `model`; `translate` works on a copy of the weights and does not see later changes. A loaded translator
    pickles as the arguments of `load` and its SETTINGS, so the same folders must exist where it is unpickled."""

    origin: tuple[Any, ...] | None = None  # the arguments of `load`

    def __init__(
        self, bundle: Bundle, device: torch.device, compute: str = "auto", others: Sequence[Seq2Seq] = ()
    ) -> None:
        """`others` are searched together with the bundle's model, whose attention alone gives the alignment.
        `compute` is the precision of the search's matrix products (see nmt/engine). Without a lexicon the whole
        vocabulary is searched.

        Raises ValueError for a precision that this machine does not support.
        """
        super().__init__(bundle, device, compute, others)
        config = bundle.config
        self.directions = config.every_direction
        self.scripts = config.scripts  # of the languages
        self.src_pieces = min(config.src_pieces or MAX_PIECES, MAX_PIECES)  # of the longest training sentences
        # The defaults of `translate`.
        self.search = config.search
        self.direction = self.directions.only  # None: it must be given
        self.mbr: str | None = None
        self.copy_letterless = config.copy_letterless  # text without a letter is its own translation
        self.split: Split = "none"
        self.rules = config.text  # they may keep more than the model has learned to copy
        self.glossary: Glossary | None = None

    @classmethod
    def load(
        cls,
        model_dirs: str | Path | Sequence[str | Path],
        device: str = "auto",
        compute: str = "auto",
        shortlist: bool | None = None,
    ) -> Translator:
        """Open a model directory, local or on the hub, or several with one tokenizer as an ensemble.
        `shortlist` says whether searches are limited to likely pieces. None: all are on a CPU, and in float32 on a
        GPU, except sampling, which then draws from the model's exact distribution.

        Raises ValueError when one is invalid, they differ in tokenizer or directions, or this machine lacks the
        device or precision.
        """
        folders = [model_folder(one) for one in folders_of(model_dirs)]
        first, others, where, compute_here = load_ensemble(folders, device, compute)
        loaded = cls(first if shortlist is not False else replace(first, lexicon=None), where, compute_here, others)
        loaded.always_shortlists = shortlist is True
        loaded.origin = ([str(folder) for folder in folders], device, compute, shortlist)
        return loaded

    def __setattr__(self, name: str, value: object) -> None:
        check_setting(name, value)  # now, rather than on use
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.origin is None:
            raise TypeError("this Translator was not loaded from model directories, so it cannot be pickled: save it")
        return type(self).load, self.origin, {name: getattr(self, name) for name in SETTINGS}

    def toward(self, direction: Direction) -> Translator:
        """A translator that shares everything with this one, with this direction as its default."""
        other = object.__new__(type(self))
        vars(other).update(vars(self), direction=direction)
        return other

    @property
    def languages(self) -> Direction:
        """The codes of source and target; with several directions and none chosen, all codes of each side. They may
        be set: to a direction of a model with tags, or else to any, as the model does not read them."""
        return self.direction or self.directions.names

    @languages.setter
    def languages(self, languages: tuple[str, str]) -> None:
        src, tgt = pair_of("languages", languages)
        self.direction = self.directions.chosen(tgt, src) if self.directions.tags else Direction(src, tgt)

    def __repr__(self) -> str:
        languages = str(self.directions) if any(map(any, self.directions.every)) else "of unknown languages"
        folders = ", ".join(self.origin[0]) if self.origin else "not loaded"
        kind = type(self.search).__name__.lower()
        return f"<Translator {languages}: {folders}; {kind}, {self.compute} on {self.device}>"

    def measure(self, refs: Iterable[str | None] = (), language: str | None = None) -> Measure:
        """The metric by which the model was selected. If the target language's code does not tell how it is written,
        the references do. Raises ValueError when its tokenisation is not available on this machine."""
        from nmt.metrics.measure import Measure  # imports sacreBLEU, which translating does not need

        return Measure.of(self.metric, self.languages[1] if language is None else language, refs)

    def _direction(self, to: str | None, from_: str | None) -> Direction:
        """The chosen direction. Raises ValueError."""
        if self.direction is not None and to is None and from_ is None:
            return self.direction
        return self.directions.chosen(to, from_)

    def language_ids(self, direction: Direction | None = None) -> list[int]:
        """The ids with which a source of this direction begins. Raises ValueError when none is given or chosen."""
        return self.tokenizer.control_ids(self.directions.tags_of(direction or self._direction(None, None)))

    def translate(
        self,
        texts: str | Iterable[str],
        search: Search | None = None,
        nbest: int = 0,
        alignment: bool = False,
        plain: bool = False,
        batch_size: int | None = None,
        each: Each = map,
        prefixes: str | Iterable[str] | None = None,
        mbr: str | None = None,
        tags: bool | None = None,
        split: Split | None = None,
        to: str | None = None,
        from_: str | None = None,
    ) -> list[Translation]:
        """One translation for each text, in order; a str counts as a list of one text. A blank text gives an empty
        translation, and a text without a letter itself (see `copy_letterless`), both with a score of 0 and without
        use of the model.

        `plain` asks for the text only, unless there is `nbest` or `alignment`: no pieces, and scores only if the
        search itself needs them. Sentences of similar length are searched together, `batch_size` at a time, fewer
        when they are long; in float32 no result depends on that. `each` maps a function over the batches, in sequence
        or in parallel. `prefixes` are what the translations must begin with; their pieces are forced one by one.
        `mbr`, "chrf" or "bleu" (in the tokens of `measure`), selects the hypothesis of minimum Bayes risk, with its
        expected utility as the score. With `tags`, what looks like an XML or HTML tag (text/markup.py) is taken out
        of the text and put back by the alignment; tags of `prefixes` are ignored in the search. The parts kept by
        `self.rules` and the translations of `self.glossary` are in the result: by a symbol that the model has learned
        to copy, or else by the alignment. `split="sentences"` translates the `sentences` of each text separately,
        those longer than any in training in parts, and joins the translations. `to` and `from_` are languages, by
        code or name. Defaults: `self.search`, `self.mbr`, `self.rules.tags`, `self.split`, `self.direction`.

        Raises TypeError for anything but text. Raises ValueError if the numbers of prefixes and texts differ, texts
        with prefixes are to be split, the search has fewer than `nbest` hypotheses, the model has no such direction,
        or several and none is given, or `mbr` needs a tokenisation of BLEU's that this machine lacks.
        """
        direction = self._direction(to, from_)
        search, mbr = self.search if search is None else search, self.mbr if mbr is None else mbr
        task = TranslationTask(search, nbest, alignment, plain and not nbest, mbr, direction.tgt)
        check_batch_size(batch_size)
        check_split(split := self.split if split is None else split, prefixes is not None)
        texts = texts_of("texts", texts)
        prefixes = None if prefixes is None else texts_like("prefixes", prefixes, "texts", len(texts))
        if task.mbr == "bleu":
            self.measure(language=task.tgt)  # fails before any work; a worker's error would come late
        over, tags = self.toward(direction), self.rules.tags if tags is None else tags

        def translated(texts: list[str], prefixes: list[str] | None, task: TranslationTask) -> list[Translation]:
            if split == "sentences":
                units = partial(over._translated, task=task, batch_size=batch_size, each=each)
                count = partial(pieces_of, tokenizer=self.tokenizer)
                return by_sentences(texts, over.languages, self.src_pieces - 1, count, units)
            return over._translated(texts, task, batch_size, each, prefixes)

        if tags or self.glossary or self.rules.pattern:
            return around_markup(texts, prefixes, task, self.guard, tags, translated)
        return translated(texts, prefixes, task)

    @property
    def guard(self) -> Guard:
        """Applies the rules and the glossary to texts."""
        return Guard(self.rules, self.glossary, bool(self.tokenizer.symbol_ids))

    def _translated(
        self,
        texts: list[str],
        task: TranslationTask,
        batch_size: int | None,
        each: Each,
        prefixes: list[str] | None = None,
    ) -> list[Translation]:
        """One translation for each text, not split; kept parts become symbols, if the model has any. What is equal to
        the model is searched once: it has equal results, drawn ones too."""
        sources = sources_of(texts, self.tokenizer, self.guard, prefixes)
        results = [self._unsearched(source, text) for source, text in zip(sources, texts, strict=True)]
        searched, first = [i for i, result in enumerate(results) if result is None], dict[Any, int]()
        for i in searched:
            first.setdefault(sources[i].seen, i)
        lengths = {i: sources[i].length for i in first.values()}
        size = batch_size or fast_batch_size(task.search, self.device, len(self.model.output_bias))
        groups, leading = groups_of_like_length(lengths, size), self.language_ids()
        batches = [(task, [leading + sources[i].ids for i in g], [sources[i].prefix_ids for i in g]) for g in groups]
        found = dict(found_of(groups, each(self.translate_batch, batches)))
        for i in searched:
            results[i] = self._finished(sources[i], texts[i], found[first[sources[i].seen]], task)
        return [result for result in results if result is not None]  # none is

    def _unsearched(self, source: Source, text: str) -> Translation | None:
        """The translation of a text that needs no search: a blank one, or one without a letter."""
        if source.length == 1:
            return Translation("", 0.0, 0.0)
        copied = self.copy_letterless or source.text.kept  # a text of symbols alone has nothing to translate
        if not copied or source.prefix_ids or (source.text.kept and len(text) > MAX_CHARS):
            return None
        whole = source.text.text if source.text.kept else text
        return unmasked(source.text, Translation(valid(whole), 0.0, 0.0)) if is_letterless(whole) else None

    def _finished(self, source: Source, text: str, found: Translation, task: TranslationTask) -> Translation:
        """The translation with symbols replaced, marked as truncated or crowded if it is."""
        made_up = self.tokenizer.symbol_ids and any(SYMBOL.search(one.text) for one in (found, *found.alternatives))
        if task.alignment or source.text.kept or made_up:
            prefix = self.tokenizer.decode_tgt(source.prefix_ids)
            found = on_each(lambda one: unmasked(source.text, linked(source.text.text, one), prefix), found)
        is_long = source.pieces > self.src_pieces
        crowded = is_long and len(sentences(text[:MAX_CHARS], self.languages[0])) > 1
        return replace(found, truncated=source.is_cut, crowded=crowded)

    def score(
        self,
        srcs: str | Iterable[str],
        tgts: str | Iterable[str],
        batch_size: int | None = None,
        each: Each = map,
        tags: bool | None = None,
        to: str | None = None,
        from_: str | None = None,
    ) -> list[Translation]:
        """Each target text as the translation of its source, with the log-probability that a search over all pieces
        would give it, from one forced pass in float32, whatever `compute` is. With `tags`, the tags of both sides are
        left out. `to` and `from_` are as for `translate`.

        Raises TypeError for anything but text, and ValueError if the numbers of targets and sources differ, or for a
        direction as `translate` does.
        """
        check_batch_size(batch_size)
        srcs = texts_of("srcs", srcs)
        tgts = texts_like("tgts", tgts, "srcs", len(srcs))
        if self.rules.tags if tags is None else tags:
            srcs, tgts = ([take_out(text).plain for text in side] for side in (srcs, tgts))
        leading = self.language_ids(self._direction(to, from_))
        pairs = pairs_of(srcs, tgts, self.tokenizer, self.guard)
        groups = groups_of_like_length(dict(enumerate(pair.length for pair in pairs)), batch_size or FAST_PAIRS)
        batches = [[(leading + pairs[i].source.ids, pairs[i].ids) for i in group] for group in groups]
        results = [Translation("", 0.0, 0.0)] * len(pairs)
        for i, log_probs in found_of(groups, each(self.score_batch, batches)):
            results[i] = self._scored(tgts[i], leading + pairs[i].source.ids, pairs[i], log_probs)
        return results

    def _scored(self, tgt: str, src: list[int], pair: ScoredPair, log_probs: list[float]) -> Translation:
        total, tokens = sum(log_probs), tuple(self.tokenizer.tgt_pieces(pair.ids[1:-1]))
        src_tokens = tuple(self.tokenizer.src_pieces(src))
        return Translation(
            tgt, total, total, tokens, src_tokens, truncated=pair.is_cut, token_log_probs=tuple(log_probs)
        )
