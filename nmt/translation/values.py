"""What a translator takes and gives, as values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, Literal, cast, get_args

from nmt.search import Search
from nmt.search.mbr import UTILITIES
from nmt.text.pieces import Link

SHOWN = 60  # characters of a value that is refused

Split = Literal["none", "sentences"]  # what a text is translated by: as it is, or sentence by sentence


@dataclass(frozen=True)
class Translation:
    text: str
    score: float  # what hypotheses are ranked by (see search/score.py); of samples the log-probability
    log_prob: float  # nats
    tokens: tuple[str, ...] = ()  # target pieces
    src_tokens: tuple[str, ...] = ()  # source pieces, the last one EOS; none for blank text
    length: int = 0  # tokens, EOS included where it came
    coverage: float = 0.0  # of the source by the attention; where the search sees it
    alternatives: tuple[Translation, ...] = ()  # the best `nbest` hypotheses, this one first; asked for
    alignment: tuple[tuple[int, int], ...] = ()  # (source piece, target piece); asked for
    truncated: bool = False  # the source (or what was given of the target) was longer than MAX_PIECES
    token_log_probs: tuple[float, ...] = ()  # nats, of the tokens and of EOS; from `score`
    estimated: bool = False  # the log-probability and the score, because the search left pieces out or penalised some
    links: tuple[Link, ...] = ()  # the alignment, in characters of the source and of the text
    crowded: bool = False  # the source holds several sentences, which together are longer than any that were learned
    sentences: tuple[Translation, ...] = ()  # that this one is joined of, in order (paragraphs.py)
    src: str = ""  # of one of these sentences ...
    is_part: bool = False  # ... which is part of a sentence that was longer than any that were learned


@dataclass(frozen=True)
class TranslationTask:
    """What is wanted of every sentence; see Translator.translate."""

    search: Search
    nbest: int = 0
    alignment: bool = False
    plain: bool = False
    mbr: str | None = None  # a utility of search/mbr.py
    tgt: str = ""  # the language

    def __post_init__(self) -> None:
        """Raises TypeError or ValueError for what no search can give."""
        check_search(self.search)
        _check_whole("nbest", self.nbest)
        if not 0 <= self.nbest <= self.search.width:
            kind = "samples" if self.search.is_random else "beam_size"
            raise ValueError(
                f"nbest is {self.nbest}; it must be from 0 to {self.search.width}, "
                f"or the search one of {kind}={max(self.nbest, 1)} or more"
            )
        if self.mbr not in (None, *UTILITIES):
            raise ValueError(f"mbr is {self.mbr!r}; choose one of: {', '.join(UTILITIES)}")


Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


def texts_of(name: str, texts: object) -> list[str]:
    """A single text is a list of one. Raises TypeError for what is no text, with its place in the argument `name`."""
    if isinstance(texts, str):
        return [texts]
    if hasattr(type(texts), "columns"):  # of pandas, Polars or Arrow: what it iterates over are no rows
        raise TypeError(f"{name} is a {type(texts).__name__}; give one of its columns")
    if isinstance(texts, Mapping | set | frozenset):  # names instead of texts, or no order
        raise TypeError(f"{name} is a {type(texts).__name__}; it must be a str or a list of them")
    if isinstance(texts, bytes | bytearray) or not isinstance(texts, Iterable):
        raise TypeError(f"{name} is {_shown(texts)}; it must be a str or a list of them")
    return [text_of(f"{name}[{i}]", text) for i, text in enumerate(texts)]


def text_of(name: str, text: object) -> str:
    """Raises TypeError for what is no text."""
    if not isinstance(text, str):
        raise TypeError(f"{name} is {_shown(text)}; it must be a str")
    return text


def texts_like(name: str, texts: object, beside: str, count: int) -> list[str]:
    """Texts of which there must be as many as of `beside`. Raises ValueError where there are not."""
    found = texts_of(name, texts)
    if len(found) != count:
        raise ValueError(f"{name} has {len(found)} texts but {beside} has {count}; there must be one for each")
    return found


def check_search(search: object) -> None:
    """Raises TypeError for what is none."""
    if not isinstance(search, Search):
        raise TypeError(f"search is {_shown(search)}; it must be a search, such as nmt.search.Beam(beam_size=5)")


def check_split(split: str, has_prefixes: bool) -> None:
    """Raises ValueError for what texts cannot be translated by."""
    if split not in get_args(Split):
        raise ValueError(f"split is {split!r}; choose one of: {', '.join(get_args(Split))}")
    if has_prefixes and split != "none":
        raise ValueError("prefixes are what whole texts begin with; split must be 'none'")


def check_batch_size(batch_size: int | None) -> None:
    """Raises TypeError for what is no number, and ValueError for none at all."""
    if batch_size is None:
        return
    _check_whole("batch_size", batch_size)
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1, or None for as many as are fast")


def _check_whole(name: str, number: object) -> None:
    """Raises TypeError for what is no whole number, of Python or NumPy; True is none."""
    if isinstance(number, bool) or not isinstance(number, Integral):
        raise TypeError(f"{name} is {_shown(number)}; it must be an int")


def folders_of(model_dirs: object) -> list[str | Path]:
    """The model directories that are given: one, or several. Raises TypeError for what is none."""
    several = isinstance(model_dirs, Iterable) and not isinstance(model_dirs, str | bytes | Mapping)
    folders = list(cast(Iterable[object], model_dirs)) if several else [model_dirs]
    for folder in folders:
        if not isinstance(folder, str | Path):
            raise TypeError(f"a model directory is {_shown(folder)}; it must be a str or a Path")
    return cast(list[str | Path], folders)


def is_letterless(text: str) -> bool:
    """Whether there is nothing to translate: one line, not blank, of digits, punctuation and symbols. What breaks the
    line (see str.splitlines) is no part of any translation."""
    return not any(map(str.isalpha, text)) and bool(text.strip()) and text.splitlines() == [text]


def copies_letterless_text(pairs: Iterable[tuple[str, str]]) -> bool:
    """Whether sources without a letter are their own translations, as most of these pairs' are; where they have none,
    yes."""
    equal = [src == tgt for src, tgt in pairs if is_letterless(src)]
    return 2 * sum(equal) >= len(equal)


def _shown(value: object) -> str:
    text = repr(value)
    return f"{text if len(text) <= SHOWN else text[:SHOWN] + '...'} ({type(value).__name__})"
