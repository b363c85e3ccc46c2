"""Translation as a function of text: tokenise, batch, search, detokenise.

Imports torch, NumPy and sentencepiece, and nothing that training needs: a translation should start at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from nmt.bundle import Bundle, model_folder
from nmt.data.batching import found_of, groups_of_like_length
from nmt.data.directions import Direction
from nmt.data.normalization import valid
from nmt.model.seq2seq import Seq2Seq
from nmt.search import Search
from nmt.text.glossary import Glossary
from nmt.text.guard import Guard
from nmt.text.markup import take_out
from nmt.text.protection import SYMBOL
from nmt.text.sentences import sentences
from nmt.translation.batches import BatchTranslator, fast_batch_size
from nmt.translation.ensemble import load_ensemble
from nmt.translation.markup import around_markup, linked, unmasked
from nmt.translation.paragraphs import by_sentences
from nmt.translation.sources import MAX_CHARS, MAX_PIECES, ScoredPair, Source, pairs_of, pieces_of, sources_of
from nmt.translation.values import (
    Each,
    Split,
    Translation,
    TranslationTask,
    check_batch_size,
    check_search,
    check_split,
    folders_of,
    is_letterless,
    texts_like,
    texts_of,
)

if TYPE_CHECKING:
    from nmt.metrics.measure import Measure

FAST_PAIRS = 64  # in a batch that is scored
SETTINGS = ("search", "mbr", "split", "direction", "copy_letterless", "rules", "glossary")  # that may change


class Translator(BatchTranslator):
    """A model with its tokenizer on a device. Not to be shared by threads that change `model`; weights that
    are changed later are not seen by `translate`, which has a copy; SETTINGS may be changed at any time. One that was
    loaded pickles as where it was loaded from, how, and its SETTINGS: elsewhere the same folders must be there."""

    origin: tuple[Any, ...] | None = None  # what it was loaded with

    def __init__(
        self, bundle: Bundle, device: torch.device, compute: str = "auto", others: Sequence[Seq2Seq] = ()
    ) -> None:
        """`others` are searched together with the bundle's model, but only its attention tells the alignment.
        `compute` is the precision of the search's products (see nmt/engine); without a lexicon all of the vocabulary
        is searched.

        Raises ValueError for a precision that this machine lacks.
        """
        super().__init__(bundle, device, compute, others)
        config = bundle.config
        self.directions = config.every_direction
        self.scripts = config.scripts  # of the languages
        self.src_pieces = min(config.src_pieces or MAX_PIECES, MAX_PIECES)  # of the longest sentences that it learned
        # What `translate` takes when not told otherwise.
        self.search = config.search
        self.direction = self.directions.only  # None: it must be told
        self.mbr: str | None = None
        self.copy_letterless = config.copy_letterless  # text without a letter is its own translation
        self.split: Split = "none"
        self.rules = config.text  # what is kept may be more than the model has learned to copy
        self.glossary: Glossary | None = None

    @classmethod
    def load(
        cls,
        model_dirs: str | Path | Sequence[str | Path],
        device: str = "auto",
        compute: str = "auto",
        shortlist: bool | None = None,
    ) -> Translator:
        """Open a model directory, here or on the hub, or several of one tokenizer as an ensemble.
        `shortlist` says whether searches keep to likely pieces; None: on a CPU, and in float32 on a GPU, all do but
        sampling, which then draws from what the model says and no estimate.

        Raises ValueError when one is not sound or has other pieces, or this machine lacks what is asked for.
        """
        folders = [model_folder(one) for one in folders_of(model_dirs)]
        first, others, where, compute_here = load_ensemble(folders, device, compute)
        loaded = cls(first if shortlist is not False else replace(first, lexicon=None), where, compute_here, others)
        loaded.always_shortlists = shortlist is True
        loaded.origin = ([str(folder) for folder in folders], device, compute, shortlist)
        return loaded

    def __setattr__(self, name: str, value: object) -> None:
        if name == "search":
            check_search(value)  # now, and not where it is used
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.origin is None:
            raise TypeError("this Translator was not loaded from model directories, so it cannot be pickled: save it")
        return _reloaded, (self.origin, {name: getattr(self, name) for name in SETTINGS})

    def toward(self, direction: Direction) -> Translator:
        """One that shares everything with this one, and translates so when not told otherwise."""
        other = object.__new__(type(self))
        vars(other).update(vars(self), direction=direction)
        return other

    @property
    def languages(self) -> Direction:
        """The codes of the source and the target; of several directions, while none is chosen, all of a side."""
        return self.direction or self.directions.names

    @languages.setter
    def languages(self, languages: tuple[str, str]) -> None:
        self.direction = Direction(*languages)

    def __repr__(self) -> str:
        languages = str(self.directions) if any(map(any, self.directions.every)) else "of unknown languages"
        folders = ", ".join(self.origin[0]) if self.origin else "not loaded"
        kind = type(self.search).__name__.lower()
        return f"<Translator {languages}: {folders}; {kind}, {self.compute} on {self.device}>"

    def measure(self, refs: Iterable[str | None] = (), language: str | None = None) -> Measure:
        """What the model was chosen by; where the target language's code does not tell how that is written, the
        references do. Raises ValueError when its tokenisation cannot be had on this machine."""
        from nmt.metrics.measure import Measure  # sacreBLEU, which translating can do without

        return Measure.of(self.metric, self.languages[1] if language is None else language, refs)

    def _direction(self, to: str | None, from_: str | None) -> Direction:
        """Raises ValueError."""
        if self.direction is not None and to is None and from_ is None:
            return self.direction
        return self.directions.chosen(to, from_)

    def language_ids(self, direction: Direction | None = None) -> list[int]:
        """The ids that a source of this direction begins with. Raises ValueError when none is given or chosen."""
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
        """One translation a text, in order; of a str, which is one text, a list of one. Without the model and with a
        score of 0, blank text gives an empty one, and text without a letter itself (see `copy_letterless`).

        `plain` asks for the text only: no pieces, and scores only where the search itself needs them. Sentences of
        like length are searched together, `batch_size` at a time, fewer when they are long; in float32 no result
        depends on that. `each` applies a function to the batches, one after the other or otherwise. `prefixes` are
        what the translations must begin with; their pieces are forced one by one.
        `mbr`, "chrf" or "bleu" (in the tokens of `measure`), takes of the hypotheses the one of least Bayes risk,
        whose score is the expected utility; None: as `self.mbr` says. With `tags` (None: as `self.rules` say)
        what looks like one of XML's or HTML's (text/markup.py) is taken out first, and put back by the alignment; of
        `prefixes` it is left out. What `self.rules` and `self.glossary` say is kept is in the translation, or in its
        place what it must become: by a symbol that the model has learned to copy, or else by the alignment.
        `split="sentences"` translates the `sentences` of each text on their own, those that are longer than what was
        learned in parts, and joins the translations as they stood; None: as `self.split` says. `to` and `from_` are
        languages, by code or name; None: as `self.direction` says.

        Raises TypeError for what is no text, and ValueError when there are not as many prefixes as texts, or any and
        texts are split, the search has fewer than `nbest` hypotheses, the model does not translate so or has several
        directions and none is said, or this machine lacks BLEU's tokenisation and `mbr` needs it.
        """
        direction = self._direction(to, from_)
        task = TranslationTask(search or self.search, nbest, alignment, plain, mbr or self.mbr, direction.tgt)
        check_batch_size(batch_size)
        check_split(split := split or self.split, prefixes is not None)
        texts = texts_of("texts", texts)
        prefixes = None if prefixes is None else texts_like("prefixes", prefixes, "texts", len(texts))
        if task.mbr == "bleu":
            self.measure(language=task.tgt)  # before any work: a worker's error comes late
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
        """What the rules and the glossary make of a text."""
        return Guard(self.rules, self.glossary, bool(self.tokenizer.symbol_ids))

    def _translated(
        self,
        texts: list[str],
        task: TranslationTask,
        batch_size: int | None,
        each: Each,
        prefixes: list[str] | None = None,
    ) -> list[Translation]:
        """One translation a text, which is translated at once; what is kept is a symbol in it, if there are any."""
        sources = sources_of(texts, self.tokenizer, self.guard, prefixes)
        results = [self._unsearched(source, text) for source, text in zip(sources, texts, strict=True)]
        lengths = {i: sources[i].length for i, result in enumerate(results) if result is None}
        size = batch_size or fast_batch_size(task.search, self.device, len(self.model.output_bias))
        groups, leading = groups_of_like_length(lengths, size), self.language_ids()
        batches = [(task, [leading + sources[i].ids for i in g], [sources[i].prefix_ids for i in g]) for g in groups]
        for i, found in found_of(groups, each(self.translate_batch, batches)):
            results[i] = self._finished(sources[i], texts[i], found, task)
        return [result for result in results if result is not None]  # none is

    def _unsearched(self, source: Source, text: str) -> Translation | None:
        """The translation of a text that needs no search: a blank one, or one without a letter."""
        if source.length == 1:
            return Translation("", 0.0, 0.0)
        copied = self.copy_letterless or source.text.kept  # symbols alone are nothing to translate
        if not copied or source.prefix_ids or (source.text.kept and len(text) > MAX_CHARS):
            return None
        whole = source.text.text if source.text.kept else text
        return unmasked(source.text, Translation(valid(whole), 0.0, 0.0)) if is_letterless(whole) else None

    def _finished(self, source: Source, text: str, found: Translation, task: TranslationTask) -> Translation:
        """With what its symbols stand for, and what a caller should know."""
        made_up = self.tokenizer.symbol_ids and any(SYMBOL.search(one.text) for one in (found, *found.alternatives))
        if task.alignment or source.text.kept or made_up:
            prefix = self.tokenizer.decode_tgt(source.prefix_ids)
            found = unmasked(source.text, linked(source.text.text, found), prefix)
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
        """Each target text as the translation of its source, with the log-probability that a search of all pieces
        would give it: in float32, whatever `compute` is, in one forced pass. With `tags` those of both are left out.

        `to` and `from_` are as for `translate`.

        Raises TypeError for what is no text, and ValueError when there are not as many targets as sources, or for a
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
        total = sum(log_probs)
        return Translation(
            tgt,
            total,
            total,
            tuple(self.tokenizer.tgt_pieces(pair.ids[1:-1])),
            tuple(self.tokenizer.src_pieces(src)),
            truncated=pair.is_cut,
            token_log_probs=tuple(log_probs),
        )


def _reloaded(origin: tuple[Any, ...], settings: Mapping[str, Any]) -> Translator:
    translator = Translator.load(*origin)
    for name, value in settings.items():
        setattr(translator, name, value)
    return translator
