"""How many pieces a text is worth, by itself."""

from __future__ import annotations

import random

import pytest

from nmt.data.corpora import FileCorpus, Pair
from nmt.data.preparation import prepare
from nmt.data.tokenizer import Tokenizer, TokenizerConfig
from nmt.data.tokenizer_training import VocabularySizeError, train_tokenizer
from nmt.data.vocabulary import fitting, learn_supported

AUTO = {"vocab_size", "character_coverage"}
GIVEN = 8000  # the stand-in of a size that the text decides
WORDS = [f"{a}{b}{c}" for a in "bdfgklm" for b in "aeiou" for c in "nrst"]
HAN = [chr(0x4E00 + i) for i in range(2500)]


def config_for(pairs, auto=AUTO, **settings) -> TokenizerConfig:
    return fitting(TokenizerConfig(GIVEN, **settings), [Pair(*pair) for pair in pairs], auto)


def han_pairs(count, seed) -> list[tuple[str, str]]:
    """Lines of 20 characters, as frequent as Zipf's law has it."""
    rng = random.Random(seed)
    weights = [1 / rank for rank in range(1, len(HAN) + 1)]
    lines = ["".join(rng.choices(HAN, weights, k=20)) for _ in range(2 * count)]
    return list(zip(lines[::2], lines[1::2], strict=True))


def share_of_bytes(tokenizer: Tokenizer, texts) -> float:
    pieces = [piece for text in texts for piece in tokenizer.src_pieces(tokenizer.encode_src([text])[0])]
    return sum(piece.startswith("<0x") for piece in pieces) / len(pieces)


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize(
    "pairs",
    [
        [("a", "b")],
        [("1 2 3", "1 2 3")] * 40,
        [("😀", "aaaa aaaa")] * 2,
        [(HAN[i] + HAN[2 * i], " ".join(random.Random(i).sample(WORDS, 9))) for i in range(60)],
    ],
)
def test_no_text_is_too_small(pairs, kind, joint):
    config = config_for(pairs, kind=kind, joint=joint)
    tokenizer, used = learn_supported(config, lambda one: train_tokenizer(one, *zip(*pairs, strict=True)), AUTO)
    assert used.vocab_size == tokenizer.src_vocab_size == tokenizer.tgt_vocab_size
    again = train_tokenizer(used, *zip(*pairs, strict=True))  # as a run does that goes on
    assert again.models == tokenizer.models


def test_a_size_that_is_given_is_refused_with_one_that_the_text_supports():
    pairs = [("a b c", "x y")] * 3
    src, tgt = zip(*pairs, strict=True)
    told = r"8000, but .* supports (\d+) at most; choose tokenizer.vocab_size=\1, less, or auto"
    with pytest.raises(VocabularySizeError, match=told) as error:
        learn_supported(TokenizerConfig(GIVEN), lambda one: train_tokenizer(one, src, tgt), set())
    train_tokenizer(TokenizerConfig(error.value.size), src, tgt)


def test_two_vocabularies_that_can_have_no_common_size_are_refused_with_what_to_do():
    pairs = [(HAN[i] + HAN[2 * i], "ja nein") for i in range(300)]
    config, (src, tgt) = config_for(pairs, joint=False), zip(*pairs, strict=True)
    with pytest.raises(ValueError, match=r"one side .* more characters \(\d+ pieces\) .*; choose tokenizer.joint"):
        learn_supported(config, lambda one: train_tokenizer(one, src, tgt), AUTO)


def test_more_text_has_more_pieces_and_much_of_an_alphabet_those_of_the_presets():
    line = "the quick brown fox jumps over a lazy dog"  # 33 letters
    sizes = [config_for([(line, line)] * count).vocab_size for count in (10, 4000, 15_000, 40_000, 60_000)]
    assert sizes == [500, 2300, 4500, 7300, 8000]
    assert config_for([(line, line)] * 60_000) == TokenizerConfig(GIVEN)
    assert config_for([(line, line)] * 10, auto=set()) == TokenizerConfig(GIVEN)


def test_a_script_of_many_characters_is_spelled_in_few_bytes(tmp_path):
    train, other = han_pairs(1500, seed=1), han_pairs(200, seed=2)
    for name, pairs in (("train", train), ("valid", other)):
        for code, side in zip(("lzh", "zh"), zip(*pairs, strict=True), strict=True):
            (tmp_path / f"{name}.{code}").write_text("".join(f"{line}\n" for line in side), encoding="utf-8")
    corpus = FileCorpus("lzh", "zh", dir=str(tmp_path))
    prepared = prepare(
        corpus, TokenizerConfig(GIVEN), tmp_path / "cache", auto=[f"tokenizer.{name}" for name in AUTO]
    )
    known = len({character for pair in train for side in pair for character in side})
    assert known < prepared.tokenizer_config.vocab_size < 2 * known
    assert 0.98 < prepared.tokenizer_config.character_coverage < 1
    assert share_of_bytes(prepared.tokenizer, [src for src, _ in other]) < 0.03
    with pytest.raises(ValueError, match=r"need \d+ at least; choose tokenizer.vocab_size=\d+, more, or auto; or a"):
        prepare(corpus, TokenizerConfig(1000), tmp_path / "cache")
