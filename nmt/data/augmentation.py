"""Augmentation: apply the text rules to pairs, and add copies that teach a model symbols and capitals.

A corpus has few placeholders, and hardly a sentence in capitals. So some of its pairs are added again: with the same
symbols on both sides, in place of words that translate each other, before them, or at the end; and in capitals. The
pair itself seeds these random choices. Words translate each other if, by IBM model 1 (lexicon.py), their pieces are
each other's likeliest translation.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import torch

from nmt.data.corpora import Pair
from nmt.data.directions import Direction
from nmt.data.encoded import EncodedCorpus
from nmt.data.lexicon import NOTHING, TranslationTable
from nmt.data.tokenizer import Tokenizer, TokenizerConfig
from nmt.languages import has_dotless_i
from nmt.text.edits import Edit, edited
from nmt.text.markup import take_out
from nmt.text.pieces import Span, links, word_spans
from nmt.text.protection import SYMBOL, SYMBOLS, TextRules, masked_pair


def with_rules(pair: Pair, rules: TextRules) -> Pair:
    """A pair without tags, and with symbols for protected text that both sides have, if the rules say so."""
    if not (rules.tags or rules.pattern):
        return pair
    src, tgt = pair.src, pair.tgt
    if rules.tags and "<" in src + tgt:
        src, tgt = take_out(src).plain, take_out(tgt).plain
    if rules.pattern:
        src, tgt = masked_pair(src, tgt, rules.pattern)
    return pair._replace(src=src, tgt=tgt)


class Aligner:
    """Aligns the words of a pair by a translation table learned from the encoded pairs."""

    def __init__(self, corpus: EncodedCorpus, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.probability = TranslationTable.learned(corpus, tokenizer.tgt_vocab_size)

    def __call__(self, src: str, tgt: str) -> list[tuple[Span, Span]]:
        of_src, of_tgt = self.tokenizer.encode_src([src])[0][:-1], self.tokenizer.encode_tgt([tgt])[0][1:-1]
        if not of_src or not of_tgt:
            return []
        likely = self.probability(
            torch.tensor([*of_src, NOTHING])[:, None], torch.tensor(of_tgt)
        ).numpy()  # (S + 1, T)
        best_src, best_tgt = likely.argmax(0), likely.argmax(1)
        mutual = [(int(s), t) for t, s in enumerate(best_src) if s < len(of_src) and best_tgt[s] == t]
        if not mutual:
            return []
        names = self.tokenizer.src_pieces(of_src), self.tokenizer.tgt_pieces(of_tgt)
        found = links(src, names[0], tgt, names[1], mutual)
        src_words, tgt_words = _words_by_character(src), _words_by_character(tgt)
        pairs: dict[Span, Span] = {}
        taken = set[Span]()
        for s, _, t, _ in sorted(found):
            src_word, tgt_word = src_words.get(s), tgt_words.get(t)
            if src_word and tgt_word and src_word not in pairs and tgt_word not in taken:
                pairs[src_word] = tgt_word
                taken.add(tgt_word)
        return sorted(pairs.items())


def _words_by_character(text: str) -> dict[int, Span]:
    """Index of each character in a word -> that word; punctuation is left out."""
    words = [(start, end) for start, end in word_spans(text) if text[start].isalnum()]
    return {i: word for word in words for i in range(*word)}


def augmented(
    pairs: Iterable[Pair], rules: TextRules, config: TokenizerConfig, aligner: Aligner, languages: Direction
) -> Iterator[Pair]:
    """Copies of some pairs with symbols, and of some in capitals, but never in capitals for a language with a dotless
    i. `languages` are the default for a pair that does not name its own."""
    for pair in pairs:
        chance = random.Random(f"{pair.src}\t{pair.tgt}")
        if rules.pattern and chance.random() < config.protect_share and not SYMBOL.search(pair.src + pair.tgt):
            src, tgt = _with_symbols(pair, aligner, chance)
            yield pair._replace(src=src, tgt=tgt)
        has_capitals = not any(map(has_dotless_i, pair.languages if any(pair.languages) else languages))
        if rules.casing == "marked" and has_capitals and chance.random() < config.capitals_share:
            yield pair._replace(src=pair.src.upper(), tgt=pair.tgt.upper())


def _with_symbols(pair: Pair, aligner: Aligner, chance: random.Random) -> tuple[str, str]:
    aligned = aligner(pair.src, pair.tgt)
    number = min(1 + int(chance.expovariate(0.7)), len(SYMBOLS))
    at_end = chance.random() < 0.15
    chosen = sorted(chance.sample(aligned, min(len(aligned), number - at_end)))
    edits: tuple[list[Edit], list[Edit]] = ([], [])
    for symbol, spans in zip(SYMBOLS, chosen, strict=False):
        instead = chance.random() < 0.5
        for side, (start, end) in zip(edits, spans, strict=True):
            side.append((start, end, symbol) if instead else (start, start, f"{symbol} "))
    if at_end or not chosen:
        symbol = SYMBOLS[len(chosen)]
        for side, text in zip(edits, (pair.src, pair.tgt), strict=True):
            side.append((len(text), len(text), f" {symbol}"))
    return edited(pair.src, edits[0]).text, edited(pair.tgt, edits[1]).text
