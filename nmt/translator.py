"""Translation as a function of text: tokenise, batch, search, detokenise.

Imports torch, sentencepiece, safetensors and the standard library only: a translation should start at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from nmt.batch_translator import BatchTranslator, fast_batch_size
from nmt.bundle import Bundle, load_bundle, load_config, model_folder
from nmt.data.batching import groups_of_like_length
from nmt.data.directions import Direction
from nmt.data.normalization import valid
from nmt.data.tokenizer import EOS_ID
from nmt.engine import resolve_device
from nmt.hub import local
from nmt.model.seq2seq import Seq2Seq
from nmt.paragraphs import divided, joined
from nmt.search import Search
from nmt.text.glossary import Glossary
from nmt.text.guard import Guard
from nmt.text.markup import take_out
from nmt.text.sentences import sentences
from nmt.translation import (
    Each,
    Split,
    Task,
    Translation,
    aligned,
    check_batch_size,
    check_split,
    check_task,
    is_letterless,
    linked,
    texts_of,
    unmasked,
    with_tags,
    with_terms,
)

if TYPE_CHECKING:
    from nmt.metrics.measure import Measure

MAX_PIECES = 500  # of a sentence, longer ones are cut; nobody trains on longer sentences
MAX_CHARS = 20_000  # of a sentence: more than MAX_PIECES can spell; a megabyte would become a million pieces first
FAST_PAIRS = 64  # in a batch that is scored
SETTINGS = ("search", "mbr", "split", "direction", "copy_letterless", "rules", "glossary")  # that may change
FEW_TEXTS = 100  # are tokenised faster by one thread than by several


class Translator(BatchTranslator):
    """A model with its tokenizer on a device. Not to be shared by threads that change `model`; what is changed after
    it was made is not seen by `translate`. One that was loaded pickles as where it was loaded from, how, and its
    SETTINGS: elsewhere the same folders must be there."""

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
        `shortlist` says whether searches keep to likely pieces; None: all do but sampling, which then draws from what
        the model says and no estimate.

        Raises ValueError when one is not sound or has other pieces, or this machine lacks what is asked for.
        """
        folders = [local(one) for one in ([model_dirs] if isinstance(model_dirs, str | Path) else model_dirs)]
        if not folders:
            raise ValueError("no model directory is given")
        where, compute_here = torch.device(resolve_device(device)), compute
        if packed := [folder for folder in folders if load_config(model_folder(folder))[0].packed]:
            where, compute_here = _for_packed(packed[0], device, compute)
        first, *others = bundles = [load_bundle(folder, where, packed=True) for folder in folders]
        for folder, bundle in zip(folders, bundles, strict=True):
            if bundle.tokenizer.content != first.tokenizer.content:
                raise ValueError(f"{folder} has other pieces than {folders[0]}; an ensemble shares its tokenizer")
            if (own := bundle.config.every_direction) != first.config.every_direction:
                raise ValueError(
                    f"{folder} translates {own}, {folders[0]} {first.config.every_direction}; an ensemble shares them"
                )
        if shortlist is False:
            first = replace(first, lexicon=None)
        loaded = cls(first, where, compute_here, [bundle.model for bundle in others])
        loaded.shortlists_samples = shortlist is True
        loaded.origin = ([str(Path(folder).resolve()) for folder in folders], device, compute, shortlist)
        return loaded

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
    def languages(self) -> tuple[str, str]:
        """The codes of the source and the target; of several directions, while none is chosen, all of a side."""
        return self.direction or self.directions.names

    @languages.setter
    def languages(self, languages: tuple[str, str]) -> None:
        self.direction = Direction(*languages)

    def __repr__(self) -> str:
        known = any(map(any, self.directions.every))
        languages = str(self.directions) if known else "of unknown languages"
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
        task = Task(search or self.search, nbest, alignment, plain, mbr or self.mbr, direction.tgt)
        check_task(task, batch_size)
        check_split(split := split or self.split, prefixes is not None)
        texts = texts_of("texts", texts)
        prefixes = None if prefixes is None else aligned("prefixes", prefixes, "texts", len(texts))
        if task.mbr == "bleu":
            self.measure(language=task.tgt)  # before any work: a worker's error comes late
        over = self.toward(direction)
        tags = self.rules.tags if tags is None else tags
        if not tags and not self.glossary and not self.rules.pattern:
            return over._plainly(texts, task, split, batch_size, each, prefixes)
        guard = self.guard
        markups = [guard.taken_out(text, tags) for text in texts]
        given = None if prefixes is None else [guard.taken_out(prefix, tags).plain for prefix in prefixes]
        terms = [guard.terms(markup.plain) for markup in markups]
        if any(terms) or any(markup.elements for markup in markups):
            task = replace(task, alignment=True, plain=False)
        found = over._plainly([markup.plain for markup in markups], task, split, batch_size, each, given)
        for i, markup in enumerate(markups):
            one = with_terms(markup.plain, terms[i], found[i]) if terms[i] else found[i]
            found[i] = with_tags(markup, one)
        return found

    @property
    def guard(self) -> Guard:
        """What the rules and the glossary make of a text."""
        return Guard(self.rules, self.glossary, bool(self.tokenizer.symbol_ids))

    def _plainly(
        self,
        texts: list[str],
        task: Task,
        split: Split,
        batch_size: int | None,
        each: Each,
        prefixes: list[str] | None,
    ) -> list[Translation]:
        """Texts without tags, as they are or by their sentences."""
        if split == "sentences":
            return self._by_sentences(texts, lambda units: self._translated(units, task, batch_size, each, None))
        return self._translated(texts, task, batch_size, each, prefixes)

    def _translated(
        self, texts: list[str], task: Task, batch_size: int | None, each: Each, prefixes: list[str] | None
    ) -> list[Translation]:
        """One translation a text, which is translated at once; what is kept is a symbol in it, if there are any."""
        results = [Translation("", 0.0, 0.0)] * len(texts)
        threads = os.cpu_count() or 1 if len(texts) > FEW_TEXTS else 1  # before any other work can begin
        guard = self.guard
        seen = [guard.masked(text[:MAX_CHARS]) for text in texts]
        encoded = self.tokenizer.encode_src([source.text for source in seen], threads)
        given: list[list[int]] = [[]] * len(texts)
        if prefixes:
            given = [ids[1:-1] for ids in self.tokenizer.encode_tgt(guard.masked_targets(seen, prefixes))]
        sources, starts = [_cut(ids) for ids in encoded], [ids[:MAX_PIECES] for ids in given]
        lengths = [len(source) + len(start) for source, start in zip(sources, starts, strict=True)]
        leading = self.language_ids()
        searched = []
        for i, length in enumerate(lengths):
            copied = self.copy_letterless or seen[i].kept  # symbols alone are nothing to translate
            if copied and len(sources[i]) == length > 1 and is_letterless(seen[i].text):
                results[i] = unmasked(seen[i], Translation(valid(seen[i].text), 0.0, 0.0))
            elif length > 1:
                searched.append(i)
        order = sorted(searched, key=lambda i: -lengths[i])
        size = batch_size or fast_batch_size(task.search, self.device, len(self.model.output_bias))
        groups = list(groups_of_like_length(order, lengths, size))
        batches = [(task, [leading + sources[i] for i in group], [starts[i] for i in group]) for group in groups]
        for group, translations in zip(groups, each(self.translate_batch, batches), strict=True):
            for i, found in zip(group, translations, strict=True):
                if task.alignment or seen[i].kept:
                    found = unmasked(seen[i], linked(seen[i].text, found))
                cut = len(encoded[i]) > len(sources[i]) or len(given[i]) > len(starts[i])
                cut |= len(texts[i]) > MAX_CHARS
                results[i] = replace(found, truncated=True) if cut else found
        for i, source in enumerate(encoded):
            if len(source) > self.src_pieces and len(sentences(texts[i][:MAX_CHARS], self.languages[0])) > 1:
                results[i] = replace(results[i], crowded=True)
        return results

    def _by_sentences(
        self, texts: list[str], translate: Callable[[list[str]], list[Translation]]
    ) -> list[Translation]:
        src, tgt = self.languages
        paragraphs = divided(texts, src, self.src_pieces - 1, self._count_pieces)
        units = [sentence.text for paragraph in paragraphs for sentence in paragraph]
        found = iter(translate(units))
        return [joined(paragraph, [*islice(found, len(paragraph))], tgt) for paragraph in paragraphs]

    def _count_pieces(self, texts: list[str]) -> list[int]:
        threads = os.cpu_count() or 1 if len(texts) > FEW_TEXTS else 1
        return [len(ids) - 1 for ids in self.tokenizer.encode_src(texts, threads)]  # without EOS

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
        leading = self.language_ids(self._direction(to, from_))
        srcs = texts_of("srcs", srcs)
        tgts = aligned("tgts", tgts, "srcs", len(srcs))
        if self.rules.tags if tags is None else tags:
            srcs, tgts = ([take_out(text).plain for text in side] for side in (srcs, tgts))
        guard = self.guard
        seen = [guard.masked(src) for src in srcs]
        of_src = self.tokenizer.encode_src([source.text for source in seen])
        encoded = list(zip(of_src, self.tokenizer.encode_tgt(guard.masked_targets(seen, tgts)), strict=True))
        pairs = [(leading + _cut(src), _cut(tgt)) for src, tgt in encoded]
        lengths = [len(src) + len(tgt) for src, tgt in pairs]
        order = sorted(range(len(pairs)), key=lambda i: -lengths[i])
        groups = list(groups_of_like_length(order, lengths, batch_size or FAST_PAIRS))
        results = [Translation("", 0.0, 0.0)] * len(pairs)
        for group, scores in zip(
            groups, each(self.score_batch, [[pairs[i] for i in g] for g in groups]), strict=True
        ):
            for i, log_probs in zip(group, scores, strict=True):
                (src, tgt), total = pairs[i], sum(log_probs)
                results[i] = Translation(
                    tgts[i],
                    total,
                    total,
                    tuple(self.tokenizer.tgt_pieces(tgt[1:-1])),
                    tuple(self.tokenizer.src_pieces(src)),
                    truncated=(src[len(leading) :], tgt) != encoded[i],
                    token_log_probs=tuple(log_probs),
                )
        return results


def _for_packed(folder: str | Path, device: str, compute: str) -> tuple[torch.device, str]:
    """Where and in what a model of packed weights computes. Raises ValueError where something else is asked for."""
    for asked, able in ((device, "cpu"), (compute, "int8")):
        if asked not in ("auto", able):
            raise ValueError(
                f"{folder} has packed weights, for int8 on a CPU; {asked} needs the "
                "model directory that it was made of"
            )
    return torch.device("cpu"), "int8"


def _cut(ids: list[int]) -> list[int]:
    return ids if len(ids) <= MAX_PIECES else [*ids[: MAX_PIECES - 1], EOS_ID]


def _reloaded(origin: tuple[Any, ...], settings: Mapping[str, Any]) -> Translator:
    translator = Translator.load(*origin)
    for name, value in settings.items():
        setattr(translator, name, value)
    return translator
