"""Arguments and results of a translator, and checks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, Literal, cast, get_args

from nmt.data.directions import Direction
from nmt.search import Search
from nmt.search.mbr import UTILITIES
from nmt.text.glossary import Glossary
from nmt.text.pieces import Link
from nmt.text.protection import TextRules

SHOWN = 60  # characters of an invalid value in a message

Split = Literal["none", "sentences"]  # whether a text is translated as a whole or sentence by sentence


@dataclass(frozen=True)
class Translation:
    text: str
    score: float  # by which hypotheses are ranked (search/score.py); of samples and given ones the log-probability
    log_prob: float  # nats
    tokens: tuple[str, ...] = ()  # target pieces
    src_tokens: tuple[str, ...] = ()  # source pieces, the last one EOS; none for blank text
    length: int = 0  # tokens, with EOS if it was reached
    coverage: float = 0.0  # of the source by the attention, if the search uses it
    alternatives: tuple[Translation, ...] = ()  # the best `nbest` hypotheses, this one first; on request
    alignment: tuple[tuple[int, int], ...] = ()  # (source piece, target piece); on request
    truncated: bool = False  # the source, or the given target, was longer than MAX_PIECES or MAX_CHARS and was cut
    token_log_probs: tuple[float, ...] = ()  # nats, of the tokens and of EOS; from `score`
    estimated: bool = False  # log_prob and score are estimates: the search left out or penalised pieces
    links: tuple[Link, ...] = ()  # the alignment, in characters of the source and of the text
    crowded: bool = False  # the source has several sentences, together longer than any in training
    sentences: tuple[Translation, ...] = ()  # those that this one is joined from, in order (paragraphs.py)
    src: str = ""  # in `sentences`: the source sentence ...
    is_part: bool = False  # ... and whether it is part of a sentence longer than any in training


@dataclass(frozen=True)
class TranslationTask:
    """What to do with every sentence; see Translator.translate."""

    search: Search
    nbest: int = 0
    alignment: bool = False
    plain: bool = False
    mbr: str | None = None  # a utility of search/mbr.py
    tgt: str = ""  # the language

    def __post_init__(self) -> None:
        """Raises TypeError or ValueError for an impossible task."""
        check_search(self.search)
        _check_whole("nbest", self.nbest)
        if not 0 <= self.nbest <= self.search.width:
            kind = "samples" if self.search.is_random else "beam_size"
            raise ValueError(
                f"nbest is {self.nbest}; it must be from 0 to {self.search.width}, "
                f"or the search one of {kind}={max(self.nbest, 1)} or more"
            )
        check_mbr(self.mbr)


Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


def texts_of(name: str, texts: object) -> list[str]:
    """The texts as a list; a str is a list of one. Raises TypeError for anything but text, with its place in argument
    `name`."""
    if isinstance(texts, str):
        return [texts]
    if hasattr(type(texts), "columns"):  # a table of pandas, Polars or Arrow: it does not iterate over rows
        raise TypeError(f"{name} is a {type(texts).__name__}; give one of its columns")
    if isinstance(texts, Mapping | set | frozenset):  # iterates over keys, or has no order
        raise TypeError(f"{name} is a {type(texts).__name__}; it must be a str or a list of them")
    if isinstance(texts, bytes | bytearray) or not isinstance(texts, Iterable):
        raise TypeError(f"{name} is {_shown(texts)}; it must be a str or a list of them")
    return [text_of(f"{name}[{i}]", text) for i, text in enumerate(texts)]


def text_of(name: str, text: object) -> str:
    """The text. Raises TypeError for anything but a str."""
    if not isinstance(text, str):
        raise TypeError(f"{name} is {_shown(text)}; it must be a str")
    return text


def texts_like(name: str, texts: object, beside: str, count: int) -> list[str]:
    """The texts as a list. Raises ValueError unless there are as many as in `beside`."""
    found = texts_of(name, texts)
    if len(found) != count:
        raise ValueError(f"{name} has {len(found)} texts but {beside} has {count}; there must be one for each")
    return found


def check_search(search: object) -> None:
    """Raises TypeError for anything but a Search."""
    if not isinstance(search, Search):
        raise TypeError(f"search is {_shown(search)}; it must be a search, such as nmt.search.Beam(beam_size=5)")


def check_setting(name: str, value: object) -> None:
    """Raises TypeError, or ValueError, for a value that a translator's setting cannot have."""
    if name == "search":
        check_search(value)
    elif name == "split":
        check_split(value, False)
    elif name == "mbr":
        check_mbr(value)
    elif name == "direction" and not isinstance(value, Direction | None):
        raise TypeError(f"direction is {_shown(value)}; it must be one of `directions.every`, or None")
    elif name == "rules" and not isinstance(value, TextRules):
        raise TypeError(f"rules is {_shown(value)}; it must be made by `rules.keeping`, as in docs/protect.md")
    elif name == "glossary" and not isinstance(value, Glossary | None):
        raise TypeError(f"glossary is {_shown(value)}; it must be a nmt.text.glossary.Glossary, or None")


def pair_of(name: str, pair: object) -> tuple[str, str]:
    """The pair of codes. Raises TypeError for anything else: a str of two letters would be a pair, too."""
    if not (isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(one, str) for one in pair)):
        raise TypeError(f'{name} is {_shown(pair)}; it must be a pair of codes, such as ("de", "en")')
    return pair[0], pair[1]


def check_mbr(mbr: object) -> None:
    """Raises ValueError for an unknown utility."""
    if mbr not in (None, *UTILITIES):
        raise ValueError(f"mbr is {mbr!r}; choose one of: {', '.join(UTILITIES)}")


def check_split(split: object, has_prefixes: bool) -> None:
    """Raises ValueError for an unknown split, and for one of texts with prefixes."""
    if split not in get_args(Split):
        raise ValueError(f"split is {split!r}; choose one of: {', '.join(get_args(Split))}")
    if has_prefixes and split != "none":
        raise ValueError("prefixes are what whole texts begin with; split must be 'none'")


def check_batch_size(batch_size: int | None) -> None:
    """Raises TypeError for anything but a whole number, and ValueError for one below 1."""
    if batch_size is None:
        return
    _check_whole("batch_size", batch_size)
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1, or None for as many as are fast")


def _check_whole(name: str, number: object) -> None:
    """Raises TypeError for anything but a whole number of Python or NumPy, and for a bool."""
    if isinstance(number, bool) or not isinstance(number, Integral):
        raise TypeError(f"{name} is {_shown(number)}; it must be an int")


def folders_of(model_dirs: object) -> list[str | Path]:
    """The given model directories as a list: one or several. Raises TypeError for other types."""
    several = isinstance(model_dirs, Iterable) and not isinstance(model_dirs, str | bytes | Mapping)
    folders = list(cast(Iterable[object], model_dirs)) if several else [model_dirs]
    for folder in folders:
        if not isinstance(folder, str | Path):
            raise TypeError(f"a model directory is {_shown(folder)}; it must be a str or a Path")
    return cast(list[str | Path], folders)


def is_letterless(text: str) -> bool:
    """Whether a text has nothing to translate: one line, not blank, without letters. Translations contain no line
    breaks (see str.splitlines)."""
    return not any(map(str.isalpha, text)) and bool(text.strip()) and text.splitlines() == [text]


def copies_letterless_text(pairs: Iterable[tuple[str, str]]) -> bool:
    """Whether to copy sources without a letter: at least half of them equal their targets, or there are none."""
    equal = [src == tgt for src, tgt in pairs if is_letterless(src)]
    return 2 * sum(equal) >= len(equal)


def _shown(value: object) -> str:
    text = repr(value)
    return f"{text if len(text) <= SHOWN else text[:SHOWN] + '...'} ({type(value).__name__})"
