"""Translation as a function of text: tokenise, batch, search, detokenise.

Imports torch, sentencepiece, safetensors and the standard library only: a translation should start at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from nmt.bundle import load_bundle
from nmt.data.batching import pad
from nmt.data.lexicon import Lexicon
from nmt.data.tokenizer import BOS_ID, EOS_ID, Tokenizer
from nmt.model.ensemble import Ensemble
from nmt.model.packed import pack
from nmt.model.products import resolve_compute
from nmt.model.seq2seq import Seq2Seq
from nmt.search import Beam, Hypothesis, Search

MAX_SRC_PIECES = 500  # longer sources are cut; nobody trains on longer sentences
FAST_ROWS = 320  # hypotheses in a batch: more of them wait for one another, with fewer the products are slow
TYPICAL_LENGTH = 40  # pieces


@dataclass(frozen=True)
class Translation:
    text: str
    score: float  # what hypotheses are ranked by
    log_prob: float  # nats
    tokens: tuple[str, ...] = ()  # target pieces
    src_tokens: tuple[str, ...] = ()  # source pieces, the last one EOS; none for blank text
    alternatives: tuple[Translation, ...] = ()  # the best `nbest` hypotheses, this one first; asked for
    alignment: tuple[tuple[int, int], ...] = ()  # (source piece, target piece); asked for
    truncated: bool = False  # the source was longer than MAX_SRC_PIECES


@dataclass(frozen=True)
class Task:
    """What is wanted of every sentence; see Translator.translate."""

    search: Search
    nbest: int = 0
    alignment: bool = False
    plain: bool = False


Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


class Translator:
    """A model with its tokenizer on a device. Not to be shared by threads that change `model`; what is changed after
    it was made is not seen by `translate`."""

    def __init__(
        self,
        model: Seq2Seq,
        tokenizer: Tokenizer,
        search: Search,
        device: torch.device,
        lexicon: Lexicon | None = None,
        compute: str = "auto",
        others: Sequence[Seq2Seq] = (),
    ) -> None:
        """`others` are searched together with the model, whose attention alone tells the alignment. `compute` is the
        precision of the search's products (see model/packed.py); without a lexicon all of the vocabulary is searched.

        Raises ValueError for a precision that this machine lacks.
        """
        self.model = model
        self.tokenizer = tokenizer
        self.search = search
        self.device = device
        self.lexicon = lexicon
        self.compute = resolve_compute(compute, device)
        packed = [pack(one, self.compute) for one in (model, *others)]
        self.packed: Any = Ensemble(packed) if others else packed[0]

    @classmethod
    def load(
        cls,
        model_dirs: str | Path | Sequence[str | Path],
        device: str = "auto",
        compute: str = "auto",
        shortlist: bool = True,
    ) -> Translator:
        """Open a model directory, or several of one tokenizer as an ensemble.

        Raises ValueError when one is not sound or has other pieces, or this machine lacks what is asked for.
        """
        where = torch.device(resolve_device(device))
        folders = [model_dirs] if isinstance(model_dirs, str | Path) else list(model_dirs)
        first, *others = bundles = [load_bundle(folder, where) for folder in folders]
        for folder, bundle in zip(folders, bundles, strict=True):
            if bundle.tokenizer.models != first.tokenizer.models:
                raise ValueError(f"{folder} has other pieces than {folders[0]}; an ensemble shares its tokenizer")
        lexicon = first.lexicon if shortlist else None
        models = [bundle.model for bundle in others]
        return cls(first.model, first.tokenizer, first.config.search, where, lexicon, compute, models)

    def translate(
        self,
        texts: Sequence[str],
        search: Search | None = None,
        nbest: int = 0,
        alignment: bool = False,
        plain: bool = False,
        batch_size: int | None = None,
        each: Each = map,
    ) -> list[Translation]:
        """One translation a text, in order; blank text gives an empty one, without the model.

        `plain` asks for text alone: no pieces, and scores only where the search needs them itself. Sentences of like
        length are searched together, `batch_size` at a time, fewer when they are long; in float32 no result depends
        on that. `each` applies a function to the batches, one after the other or otherwise.
        """
        task = Task(search or self.search, nbest, alignment, plain)
        encoded = self.tokenizer.encode_src(texts)
        results: list[Translation] = [Translation("", 0.0, 0.0)] * len(texts)
        sources = [_cut(ids) for ids in encoded]
        order = sorted((i for i, ids in enumerate(sources) if len(ids) > 1), key=lambda i: -len(sources[i]))
        groups = list(_groups(order, sources, batch_size or fast_batch_size(task.search)))
        batches = [(task, [sources[i] for i in group]) for group in groups]
        for group, translations in zip(groups, each(self.translate_batch, batches), strict=True):
            for i, translation in zip(group, translations, strict=True):
                truncated = len(encoded[i]) > len(sources[i])
                results[i] = replace(translation, truncated=True) if truncated else translation
        return results

    @torch.inference_mode()
    def translate_batch(self, batch: tuple[Task, list[list[int]]]) -> list[Translation]:
        """Source ids with EOS, at least one more each -> their translations."""
        task, sources = batch
        src, src_len = (tensor.to(self.device) for tensor in pad(sources))
        allowed = self.lexicon.allowed(src, self.tokenizer.tgt_vocab_size) if self.lexicon else None
        state = self.packed.start(src, src_len, allowed)
        limit = task.search.max_length(src_len)
        found = task.search(self.packed.step, state, limit, BOS_ID, EOS_ID, not task.plain)
        if state.output.pieces is not None:
            pieces = state.output.pieces.tolist()
            found = [[replace(h, ids=[pieces[i] for i in h.ids]) for h in hypotheses] for hypotheses in found]
        return [self._translation(src, hypotheses, task) for src, hypotheses in zip(sources, found, strict=True)]

    def _translation(self, src: list[int], hypotheses: list[Hypothesis], task: Task) -> Translation:
        if task.plain:
            best = hypotheses[0]
            return Translation(self.tokenizer.decode_tgt(best.ids), best.score, best.log_prob)
        src_tokens = tuple(self.tokenizer.src_pieces(src))
        translations = tuple(
            Translation(
                self.tokenizer.decode_tgt(hypothesis.ids),
                hypothesis.score,
                hypothesis.log_prob,
                tuple(self.tokenizer.tgt_pieces(hypothesis.ids)),
                src_tokens,
                alignment=tuple(self.align(src, hypothesis.ids)) if task.alignment else (),
            )
            for hypothesis in hypotheses[: max(task.nbest, 1)]
        )
        return replace(translations[0], alternatives=translations) if task.nbest else translations[0]

    @torch.inference_mode()
    def attention(self, src: list[int], tgt: list[int]) -> torch.Tensor:
        """Source ids (with EOS) and target ids (without BOS and EOS) -> the weights of every head (A,T,S), where
        the last of the T targets is EOS; all zero without attention."""
        _, weights = self.model(*(t.to(self.device) for t in (*pad([src]), pad([[BOS_ID, *tgt]])[0])))
        return weights[0]  # type: ignore[no-any-return]

    def align(self, src: list[int], tgt: list[int]) -> Iterator[tuple[int, int]]:
        """For each target piece the source piece that it attends to most, over the mean of the heads."""
        weights = self.attention(src, tgt).mean(0)[:-1]  # (T, S) without EOS's row
        if weights.any():
            yield from ((int(s), t) for t, s in enumerate(weights.argmax(-1).tolist()))


def fast_batch_size(search: Search) -> int:
    """Sentences in a batch."""
    width = search.beam_size if isinstance(search, Beam) else 1
    return max(1, min(96, FAST_ROWS // width))


def resolve_device(device: str) -> str:
    """ "auto" is the GPU when there is one. Raises ValueError for a device that is not here."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise ValueError(f"device is {device!r}; choose one of: auto, cpu, cuda, cuda:N")
    if device.startswith("cuda") and int(device.partition(":")[2] or 0) >= torch.cuda.device_count():
        raise ValueError(f"device is {device!r}, but there are {torch.cuda.device_count()} GPUs to be seen here")
    return device


def _cut(ids: list[int]) -> list[int]:
    return ids if len(ids) <= MAX_SRC_PIECES else [*ids[: MAX_SRC_PIECES - 1], EOS_ID]


def _groups(order: list[int], sources: list[list[int]], size: int) -> Iterator[list[int]]:
    """Cut the order, longest first, into batches of `size`; one of long sentences has as many tokens as it has of
    sentences of TYPICAL_LENGTH."""
    start = 0
    while start < len(order):
        fits = min(size, max(1, size * TYPICAL_LENGTH // len(sources[order[start]])))
        yield order[start : start + fits]
        start += fits
