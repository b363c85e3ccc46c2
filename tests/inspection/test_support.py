"""Which words of a translation nothing in its source supports."""

from __future__ import annotations

import torch
import toy

from nmt.data.lexicon import NOTHING, Lexicon
from nmt.data.tokenizer import EOS_ID, TokenizerConfig
from nmt.data.tokenizer_training import train_tokenizer
from nmt.inspection.support import LIKELIEST, noise, support


def test_a_word_is_supported_when_all_its_pieces_are(tokenizer, corpus_dir):
    src, tgt = (side[0] for side in toy.lines(corpus_dir, "valid"))
    first, *_ = tokenizer.encode_src([src])[0]
    word = max(tgt.split(), key=len)
    pieces = [piece for piece in tokenizer.encode_tgt([word])[0] if piece > EOS_ID]
    assert len(pieces) > 1
    likely = torch.full((tokenizer.src_vocab_size, LIKELIEST + len(pieces)), EOS_ID, dtype=torch.int32)
    lexicon = Lexicon(torch.arange(4, dtype=torch.int32), likely)

    def found(tgt: str) -> tuple[int, int]:
        return support(lexicon, tokenizer, [src], [tgt])

    assert found(tgt) == (len(tgt.split()), len(tgt.split()))
    likely[first, LIKELIEST:] = torch.tensor(pieces)  # too far down
    assert found(word) == (1, 1)
    likely[first, : len(pieces) - 1] = torch.tensor(pieces[1:])
    assert found(word) == (1, 1)
    likely[first, len(pieces) - 1] = pieces[0]
    assert found(word) == (1, 0)
    assert found(tgt)[1] < len(tgt.split())
    likely[first] = EOS_ID
    likely[NOTHING, : len(pieces)] = torch.tensor(pieces)  # what comes from nothing is supported everywhere
    assert found(word) == (1, 0)
    assert found("") == (0, 0)
    assert support(lexicon, tokenizer, [src], [""]).share is None


def test_noise_has_the_shape_of_the_text_and_none_of_its_words():
    texts = ["Ein kleiner Hund, der läuft.", "", "Zwei Häuser"]
    made = noise(texts)
    assert [[len(word) for word in text.split()] for text in made] == [[3, 7, 5, 3, 6], [1], [4, 6]]
    assert set("".join(made)) <= set("einklrhudäftzws" + "o" + " ")
    assert made == noise(texts)
    assert made != noise(texts, 2)


def test_signs_of_case_are_no_words_and_make_none_unsupported(corpus_dir):
    tokenizer = train_tokenizer(TokenizerConfig(330, casing="marked"), *toy.lines(corpus_dir, "train"))
    lower = [piece for piece in tokenizer.encode_tgt(["the dog"])[0] if piece > EOS_ID]
    blank = tokenizer.tgt.piece_to_id("▁")
    likely = torch.full((tokenizer.src_vocab_size, LIKELIEST), EOS_ID, dtype=torch.int32)
    likely[NOTHING] = torch.tensor([*lower, *[blank] * LIKELIEST])[:LIKELIEST]
    assert len(lower) < LIKELIEST
    lexicon = Lexicon(torch.arange(4, dtype=torch.int32), likely)
    assert support(lexicon, tokenizer, ["Anna"] * 3, ["THE DOG", "The dog", "THE ⇧"]) == (6, 1)
