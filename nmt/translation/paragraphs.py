"""Texts of several sentences: split into units of translation, and the translations joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, chain, islice
from typing import NamedTuple

from nmt.text.pieces import diagonal
from nmt.text.sentences import between, clauses, sentences
from nmt.translation.values import Translation


class Sentence(NamedTuple):
    text: str  # without surrounding blank space
    start: int  # in the text, in characters
    blank: str  # the blank space before the next one
    is_part: bool  # of a longer sentence, which was cut


def by_sentences(
    texts: Sequence[str],
    languages: tuple[str, str],
    most: int,
    count: Callable[[list[str]], list[int]],
    translate: Callable[[list[str]], list[Translation]],
) -> list[Translation]:
    """Translations of texts, joined from those of their sentences; see `divided` and `joined`."""
    paragraphs = divided(texts, languages[0], most, count)
    found = iter(translate([sentence.text for paragraph in paragraphs for sentence in paragraph]))
    return [joined(paragraph, [*islice(found, len(paragraph))], languages[1]) for paragraph in paragraphs]


def divided(
    texts: Sequence[str], language: str, most: int, count: Callable[[list[str]], list[int]]
) -> list[list[Sentence]]:
    """The sentences of each text, none for a blank one. A sentence of more than `most` pieces is divided into parts.
    `count` returns the number of pieces of each text."""
    found = [[sentence for sentence in sentences(text, language) if sentence.strip()] for text in texts]
    sizes = iter(count(list(chain(*found))))
    cut = [
        [clauses(sentence, most, count) if next(sizes) > most else [sentence] for sentence in of_text]
        for of_text in found
    ]
    return [list(_placed(of_text)) for of_text in cut]


def _placed(sentences_in_parts: list[list[str]]) -> Iterator[Sentence]:
    end = 0
    for parts in sentences_in_parts:
        for part in parts:
            end += len(part)
            start, text = end - len(part.lstrip()), part.strip()
            yield Sentence(text, start, part[len(part.rstrip()) :], len(parts) > 1)


def joined(srcs: Sequence[Sentence], translations: Sequence[Translation], tgt_language: str) -> Translation:
    """The translation of a text, joined from those of its sentences. Its log-probability is the sum of theirs, its
    score the mean. Alternative n joins the sentences' nth ones; a sentence with fewer uses its last."""
    texts = [translation.text for translation in translations]
    blanks = [between(src.blank, tgt_language, texts) for src in srcs[:-1]] + [""]
    starts = accumulate((len(text) + len(blank) for text, blank in zip(texts, blanks, strict=False)), initial=0)
    lists = [translation.alternatives or (translation,) for translation in translations]
    ranks = range(max(map(len, lists)) if any(translation.alternatives for translation in translations) else 0)
    alignment, src_tokens, tokens = list[tuple[int, int]](), list[str](), list[str]()
    for translation in translations:
        alignment += [(s + len(src_tokens), t + len(tokens)) for s, t in translation.alignment]
        src_tokens += translation.src_tokens
        tokens += translation.tokens
    is_linked = any(translation.links for translation in translations)
    links = [
        (src.start + a, src.start + b, start + c, start + d)
        for src, translation, start in zip(srcs, translations, starts, strict=False)
        for a, b, c, d in (translation.links or diagonal(src.text, translation.text) if is_linked else ())
    ]
    return Translation(
        "".join(chain(*zip(texts, blanks, strict=False))),
        sum((translation.score for translation in translations), 0.0) / max(len(translations), 1),
        sum((translation.log_prob for translation in translations), 0.0),
        tokens=tuple(tokens),
        src_tokens=tuple(src_tokens),
        length=sum(translation.length for translation in translations),
        coverage=sum((translation.coverage for translation in translations), 0.0),
        alternatives=tuple(
            joined(srcs, [some[min(rank, len(some) - 1)] for some in lists], tgt_language) for rank in ranks
        ),
        alignment=tuple(alignment),
        truncated=any(translation.truncated for translation in translations),
        estimated=any(translation.estimated for translation in translations),
        links=tuple(links),
        sentences=tuple(
            replace(translation, src=src.text, is_part=src.is_part)
            for src, translation in zip(srcs, translations, strict=True)
        ),
    )
