"""A source text as the model reads it: symbols for kept parts, then a limited number of pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nmt.common.process import usable_cores
from nmt.data.tokenizer import EOS_ID, Tokenizer
from nmt.text.guard import Guard
from nmt.text.protection import Masked

MAX_PIECES = 500  # longer sentences are cut; nobody trains on such sentences
MAX_CHARS = 20_000  # more than MAX_PIECES can spell; cut before tokenisation, as a megabyte becomes a million pieces
FEW_TEXTS = 100  # up to this many, one thread tokenises faster than several


@dataclass(frozen=True)
class Source:
    text: Masked  # at most MAX_CHARS
    ids: list[int]  # at most MAX_PIECES, the last one EOS; for a blank text only EOS
    pieces: int  # with EOS, before cutting
    prefix_ids: list[int]  # what the translation must begin with
    is_cut: bool  # whether the text or prefix_ids were cut

    @property
    def seen(self) -> tuple[tuple[int, ...], ...]:
        """All that the model sees."""
        return tuple(self.ids), tuple(self.prefix_ids)

    @property
    def length(self) -> int:
        """The length for batching; 1 means that there is nothing to translate."""
        return len(self.ids) + len(self.prefix_ids)


def sources_of(
    texts: Sequence[str], tokenizer: Tokenizer, guard: Guard, prefixes: Sequence[str] | None = None
) -> list[Source]:
    masked = [guard.masked(text[:MAX_CHARS]) for text in texts]
    encoded = tokenizer.encode_src([source.text for source in masked], _threads(len(texts)))
    starts: list[list[int]] = [[]] * len(texts)
    if prefixes:
        starts = [ids[1:-1] for ids in tokenizer.encode_tgt(guard.masked_targets(masked, prefixes))]
    return [
        Source(
            source,
            _cut(ids),
            len(ids),
            prefix_ids[:MAX_PIECES],
            max(len(ids), len(prefix_ids)) > MAX_PIECES or len(text) > MAX_CHARS,
        )
        for text, source, ids, prefix_ids in zip(texts, masked, encoded, starts, strict=True)
    ]


@dataclass(frozen=True)
class ScoredPair:
    """A source and a candidate translation."""

    source: Source
    ids: list[int]  # from BOS to EOS, at most MAX_PIECES
    is_cut: bool  # whether either of them was cut

    @property
    def length(self) -> int:
        return len(self.source.ids) + len(self.ids)


def pairs_of(srcs: Sequence[str], tgts: Sequence[str], tokenizer: Tokenizer, guard: Guard) -> list[ScoredPair]:
    sources = sources_of(srcs, tokenizer, guard)
    seen = guard.masked_targets([source.text for source in sources], [tgt[:MAX_CHARS] for tgt in tgts])
    return [
        ScoredPair(source, _cut(ids), source.is_cut or len(ids) > MAX_PIECES or len(tgt) > MAX_CHARS)
        for source, ids, tgt in zip(sources, tokenizer.encode_tgt(seen), tgts, strict=True)
    ]


def pieces_of(texts: Sequence[str], tokenizer: Tokenizer) -> list[int]:
    """The number of pieces of each text, without EOS."""
    return [len(ids) - 1 for ids in tokenizer.encode_src(texts, _threads(len(texts)))]


def _cut(ids: list[int]) -> list[int]:
    return ids if len(ids) <= MAX_PIECES else [*ids[: MAX_PIECES - 1], EOS_ID]


def _threads(texts: int) -> int:
    return usable_cores() if texts > FEW_TEXTS else 1
