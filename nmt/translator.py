"""Translation as a function of text: tokenise, batch, search, detokenise.

Imports torch, sentencepiece, safetensors and the standard library only: a translation should start at once.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from nmt.bundle import load_bundle
from nmt.data.batching import collate, groups_of_like_length, pad
from nmt.data.lexicon import Lexicon
from nmt.data.tokenizer import BOS_ID, EOS_ID, Tokenizer
from nmt.metrics.config import MetricConfig
from nmt.model.ensemble import Ensemble
from nmt.model.output import Shortlist
from nmt.model.packed import pack
from nmt.model.products import resolve_compute, resolve_device
from nmt.model.seq2seq import Seq2Seq
from nmt.search import FREE, Forced, Hypothesis, Request, Search, forced

if TYPE_CHECKING:
    from nmt.metrics.measure import Measure

MAX_PIECES = 500  # of a sentence, longer ones are cut; nobody trains on longer sentences
MAX_CHARS = 20_000  # of a sentence: more than MAX_PIECES can spell; a megabyte would become a million pieces first
FAST_PAIRS = 64  # in a batch that is scored
FAST_ROWS = 320  # hypotheses in a batch: more of them wait for one another, with fewer the products are slow
FEW_TEXTS = 100  # are tokenised faster by one thread than by several
LENGTHS = 4  # batches are filled up to a multiple of it, because each length needs code that oneDNN has to make


@dataclass(frozen=True)
class Translation:
    text: str
    score: float  # what hypotheses are ranked by
    log_prob: float  # nats
    tokens: tuple[str, ...] = ()  # target pieces
    src_tokens: tuple[str, ...] = ()  # source pieces, the last one EOS; none for blank text
    length: int = 0  # tokens, EOS included where it came
    coverage: float = 0.0  # of the source by the attention; where the search sees it
    alternatives: tuple[Translation, ...] = ()  # the best `nbest` hypotheses, this one first; asked for
    alignment: tuple[tuple[int, int], ...] = ()  # (source piece, target piece); asked for
    truncated: bool = False  # the source (or what was given of the target) was longer than MAX_PIECES
    token_log_probs: tuple[float, ...] = ()  # nats, of the tokens and of EOS; from `score`


@dataclass(frozen=True)
class Task:
    """What is wanted of every sentence; see Translator.translate."""

    search: Search
    nbest: int = 0
    alignment: bool = False
    plain: bool = False
    mbr: str | None = None  # a utility of search/mbr.py


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
        languages: tuple[str, str] = ("", ""),
        metric: MetricConfig | None = None,
    ) -> None:
        """`others` are searched together with the model, whose attention alone tells the alignment. `compute` is the
        precision of the search's products (see model/packed.py); without a lexicon all of the vocabulary is searched.
        `languages` are the codes of source and target, and `metric` is what the model was chosen by.

        Raises ValueError for a precision that this machine lacks.
        """
        self.model = model
        self.models = (model, *others)
        self.tokenizer = tokenizer
        self.search = search
        self.languages = languages
        self.metric = metric or MetricConfig()
        self.mbr: str | None = None  # what `translate` takes when not told otherwise
        self.device = device
        self.lexicon = None if lexicon is None else lexicon.to(device)
        self.common = None if lexicon is None else torch.unique(lexicon.frequent).long().to(device)
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
        config, models = first.config, [bundle.model for bundle in others]
        languages = (config.src, config.tgt)
        return cls(
            first.model, first.tokenizer, config.search, where, lexicon, compute, models, languages, config.metric
        )

    def measure(self, refs: Iterable[str | None] = ()) -> Measure:
        """What the model was chosen by; where its target language's code does not tell how that is written, the
        references do. Raises ValueError when its tokenisation cannot be had on this machine."""
        from nmt.metrics.measure import Measure  # sacreBLEU, which translating can do without

        return Measure.of(self.metric, self.languages[1], refs)

    def translate(
        self,
        texts: Sequence[str],
        search: Search | None = None,
        nbest: int = 0,
        alignment: bool = False,
        plain: bool = False,
        batch_size: int | None = None,
        each: Each = map,
        prefixes: Sequence[str] | None = None,
        mbr: str | None = None,
    ) -> list[Translation]:
        """One translation a text, in order; blank text gives an empty one, without the model.

        `plain` asks for text alone: no pieces, and scores only where the search needs them itself. Sentences of like
        length are searched together, `batch_size` at a time, fewer when they are long; in float32 no result depends
        on that. `each` applies a function to the batches, one after the other or otherwise. `prefixes` are what the
        translations must begin with; their pieces are forced one by one.
        `mbr`, "chrf" or "bleu" (in the tokens of `measure`), takes of the hypotheses the one of least Bayes risk,
        whose score is the expected utility; None: as `self.mbr` says.

        Raises ValueError when this machine lacks BLEU's tokenisation and `mbr` needs it.
        """
        task = Task(search or self.search, nbest, alignment, plain, mbr or self.mbr)
        if task.mbr == "bleu":
            self.measure()  # before any work: a worker's error comes late
        results = [Translation("", 0.0, 0.0)] * len(texts)
        threads = os.cpu_count() or 1 if len(texts) > FEW_TEXTS else 1  # before any other work can begin
        encoded = self.tokenizer.encode_src([text[:MAX_CHARS] for text in texts], threads)
        given = [ids[1:-1] for ids in self.tokenizer.encode_tgt(prefixes)] if prefixes else [[]] * len(texts)
        sources, starts = [_cut(ids) for ids in encoded], [ids[:MAX_PIECES] for ids in given]
        lengths = [len(source) + len(start) for source, start in zip(sources, starts, strict=True)]
        order = sorted((i for i, length in enumerate(lengths) if length > 1), key=lambda i: -lengths[i])
        groups = list(groups_of_like_length(order, lengths, batch_size or fast_batch_size(task.search)))
        batches = [(task, [sources[i] for i in group], [starts[i] for i in group]) for group in groups]
        for group, translations in zip(groups, each(self.translate_batch, batches), strict=True):
            for i, translation in zip(group, translations, strict=True):
                cut = len(encoded[i]) > len(sources[i]) or len(given[i]) > len(starts[i])
                cut |= len(texts[i]) > MAX_CHARS
                results[i] = replace(translation, truncated=True) if cut else translation
        return results

    def shortlist(self, src: torch.Tensor) -> Shortlist | None:
        """Which pieces the translations of source ids (B,S) may use; None: all."""
        if self.lexicon is None or self.common is None:
            return None
        return Shortlist(self.common, self.lexicon.allowed(src, self.tokenizer.tgt_vocab_size))

    def translate_batch(self, batch: tuple[Task, list[list[int]], list[list[int]]]) -> list[Translation]:
        """Source ids with EOS, and the ids that their translations begin with -> the translations."""
        task, sources, _ = batch
        found = self.hypotheses(*batch)
        return [self._translation(src, hypotheses, task) for src, hypotheses in zip(sources, found, strict=True)]

    @torch.inference_mode()
    def hypotheses(
        self, task: Task, sources: list[list[int]], prefixes: Sequence[list[int]] = ()
    ) -> list[list[Hypothesis]]:
        """Those of each of the sources, ids with EOS, best first; `prefixes` are the ids that they begin with."""
        multiple = 1 if len(sources) == 1 else LENGTHS
        src, src_len = (tensor.to(self.device) for tensor in pad(sources, multiple))
        shortlist = self.shortlist(src)
        if given := any(prefixes):
            prefix, prefix_len = (tensor.to(self.device) for tensor in pad(prefixes))
            if shortlist:
                shortlist.allowed.scatter_(1, prefix, True)
        state: Any = self.packed.start(src, src_len, shortlist, task.search.sees_attention)
        step, pieces = self.packed.step, state.output.pieces
        limit, start = task.search.max_length(src_len), None
        if given:
            places = state.output.places_of(prefix)
            after = torch.arange(prefix.shape[1], device=self.device) >= prefix_len[:, None]
            step, state = forced(step), Forced(state, places.masked_fill(after, FREE))
            start = self._token_log_probs(sources, [[BOS_ID, *ids] for ids in prefixes]).sum(1)
            limit = torch.maximum(limit, prefix_len + task.search.max_extra)
        keys = [_key(source) for source in sources] if task.search.is_random else None
        wanted = None if task.mbr else max(task.nbest, 1)
        found = task.search(step, state, Request(limit, BOS_ID, EOS_ID, not task.plain, start, keys, wanted))
        if pieces is not None:
            found = [
                [replace(h, ids=own[h.ids].tolist()) for h in hypotheses]
                for own, hypotheses in zip(pieces.cpu().numpy(), found, strict=True)
            ]
        return found

    def score(
        self, srcs: Sequence[str], tgts: Sequence[str], batch_size: int | None = None, each: Each = map
    ) -> list[Translation]:
        """Each target text as the translation of its source, with the log-probability that a search of all pieces
        would give it: in float32, whatever `compute` is, in one forced pass."""
        encoded = list(zip(self.tokenizer.encode_src(srcs), self.tokenizer.encode_tgt(tgts), strict=True))
        pairs = [(_cut(src), _cut(tgt)) for src, tgt in encoded]
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
                    truncated=pairs[i] != encoded[i],
                    token_log_probs=tuple(log_probs),
                )
        return results

    @torch.inference_mode()
    def score_batch(self, pairs: list[tuple[list[int], list[int]]]) -> list[list[float]]:
        """Source ids with EOS and target ids from BOS to EOS -> the log-probability of each target id but BOS."""
        sources, targets = ([pair[side] for pair in pairs] for side in (0, 1))
        log_probs = self._token_log_probs(sources, targets).tolist()
        return [row[: len(target) - 1] for row, target in zip(log_probs, targets, strict=True)]

    def _token_log_probs(self, sources: list[list[int]], targets: list[list[int]]) -> torch.Tensor:
        """Target ids, BOS first -> the log-probability of the others (B,T), that of the models' mean; 0 after."""
        batch = collate(sources, targets)
        of_each = [model.token_log_probs(*(part.to(self.device) for part in batch)) for model in self.models]
        return torch.stack(of_each).logsumexp(0) - math.log(len(of_each)) if len(of_each) > 1 else of_each[0]

    def _translation(self, src: list[int], hypotheses: list[Hypothesis], task: Task) -> Translation:
        if task.mbr:
            hypotheses = self._by_utility(hypotheses, task)
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
                hypothesis.length,
                hypothesis.coverage,
                alignment=tuple(self.align(src, hypothesis.ids)) if task.alignment else (),
            )
            for hypothesis in hypotheses[: max(task.nbest, 1)]
        )
        return replace(translations[0], alternatives=translations) if task.nbest else translations[0]

    def _by_utility(self, hypotheses: list[Hypothesis], task: Task) -> list[Hypothesis]:
        """Samples weigh alike, the hypotheses of a beam as they are likely."""
        from nmt.search.mbr import expected_utility  # NumPy and more, for those who want it alone

        assert task.mbr is not None
        best = max(h.log_prob for h in hypotheses)
        weights = [1.0 if task.search.is_random else math.exp(h.log_prob - best) for h in hypotheses]
        texts = [self.tokenizer.decode_tgt(h.ids) for h in hypotheses]
        tokens = self.measure(texts).tokens if task.mbr == "bleu" else str.split  # chrF needs none
        utility = expected_utility(texts, weights, task.mbr, tokens).tolist()
        scored = [replace(h, score=one) for h, one in zip(hypotheses, utility, strict=True)]
        return sorted(scored, key=lambda h: -h.score)

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
    return max(1, min(96, FAST_ROWS // search.width))


def _cut(ids: list[int]) -> list[int]:
    return ids if len(ids) <= MAX_PIECES else [*ids[: MAX_PIECES - 1], EOS_ID]


def _key(source: list[int]) -> int:
    """A number for the sentence: it alone makes its chance."""
    return int.from_bytes(hashlib.blake2b(repr(source).encode(), digest_size=8).digest())
