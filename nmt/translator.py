"""Translation as a function of text: tokenise, batch, search, detokenise.

Imports torch, sentencepiece, safetensors and the standard library only: a translation should start at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from nmt.bundle import load_bundle
from nmt.data.batching import pad
from nmt.data.tokenizer import BOS_ID, EOS_ID, Tokenizer
from nmt.model.seq2seq import Seq2Seq
from nmt.search import Hypothesis, Search

MAX_SRC_PIECES = 500  # longer sources are cut; nobody trains on longer sentences


@dataclass(frozen=True)
class Translation:
    text: str
    score: float  # what hypotheses are ranked by
    log_prob: float  # nats
    tokens: tuple[str, ...] = ()  # target pieces
    src_tokens: tuple[str, ...] = ()  # source pieces, the last one EOS
    alternatives: tuple[Translation, ...] = ()  # the best `nbest` hypotheses, this one first; asked for
    alignment: tuple[tuple[int, int], ...] = ()  # (source piece, target piece); asked for
    truncated: bool = False  # the source was longer than MAX_SRC_PIECES

    @property
    def is_empty(self) -> bool:
        """Nothing was translated, because there was nothing to translate."""
        return not self.src_tokens


class Translator:
    """A model with its tokenizer on a device. Not to be shared by threads that change `model`."""

    def __init__(self, model: Seq2Seq, tokenizer: Tokenizer, search: Search, device: torch.device) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.search = search
        self.device = device

    @classmethod
    def load(cls, model_dir: str | Path, device: str = "auto") -> Translator:
        """Open a model directory. Raises ValueError when it is not sound."""
        where = torch.device(resolve_device(device))
        bundle = load_bundle(model_dir, where)
        return cls(bundle.model, bundle.tokenizer, bundle.config.search, where)

    @torch.inference_mode()
    def translate(
        self,
        texts: Sequence[str],
        search: Search | None = None,
        nbest: int = 0,
        alignment: bool = False,
        batch_size: int = 64,
    ) -> list[Translation]:
        """One translation a text, in order; blank text gives an empty one, without the model.

        Sentences of like length are searched together, `batch_size` at a time; no result depends on that.
        """
        search = self.search if search is None else search
        encoded = self.tokenizer.encode_src(texts)
        results: list[Translation] = [Translation("", 0.0, 0.0)] * len(texts)
        order = sorted((i for i, ids in enumerate(encoded) if len(ids) > 1), key=lambda i: len(encoded[i]))
        for group in _groups(order, batch_size):
            sources = [_cut(encoded[i]) for i in group]
            found = self._search(sources, search)
            for i, src, hypotheses in zip(group, sources, found, strict=True):
                results[i] = self._translation(src, hypotheses, nbest, alignment, len(encoded[i]) > len(src))
        return results

    def _search(self, sources: list[list[int]], search: Search) -> list[list[Hypothesis]]:
        src, src_len = (tensor.to(self.device) for tensor in pad(sources))
        state = self.model.start(src, src_len)
        return search(self.model.step, state, search.max_length(src_len), BOS_ID, EOS_ID)

    def _translation(
        self, src: list[int], hypotheses: list[Hypothesis], nbest: int, alignment: bool, truncated: bool
    ) -> Translation:
        src_tokens = tuple(self.tokenizer.src_pieces(src))
        translations = tuple(
            Translation(
                self.tokenizer.decode_tgt(hypothesis.ids),
                hypothesis.score,
                hypothesis.log_prob,
                tuple(self.tokenizer.tgt_pieces(hypothesis.ids)),
                src_tokens,
                alignment=tuple(self.align(src, hypothesis.ids)) if alignment else (),
                truncated=truncated,
            )
            for hypothesis in hypotheses[: max(nbest, 1)]
        )
        if not nbest:
            return translations[0]
        return Translation(**(vars(translations[0]) | {"alternatives": translations}))

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


def _groups(order: list[int], size: int) -> Iterator[list[int]]:
    return (order[i : i + size] for i in range(0, len(order), size))
