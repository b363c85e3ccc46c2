from __future__ import annotations

import os
import re
import signal
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nmt.common.signals import Signals, Stopped
from nmt.data.tokenizer import BOS_ID, EOS_ID, JOINT, SRC, TGT, UNK_ID, Tokenizer, TokenizerConfig
from nmt.data.tokenizer_training import _explained, train_tokenizer

TEXT = [f"Satz {i} mit Wörtern, die {'sich ' * (i % 5)}wiederholen." for i in range(200)]


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
@pytest.mark.parametrize("joint", [True, False])
def test_training_is_reproducible_and_text_comes_back(kind, joint):
    config = TokenizerConfig(vocab_size=300, kind=kind, joint=joint)
    first, second = (train_tokenizer(config, TEXT, TEXT[::-1]) for _ in range(2))
    assert first.models == second.models
    assert set(first.models) == ({JOINT} if joint else {SRC, TGT})
    assert first.src_vocab_size == first.tgt_vocab_size == 300
    (ids,) = first.encode_tgt(["Satz 7 wiederholen."])
    assert (ids[0], ids[-1]) == (BOS_ID, EOS_ID)
    assert first.decode_tgt(ids[1:-1]) == "Satz 7 wiederholen."


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
@pytest.mark.parametrize("joint", [True, False])
def test_symbols_are_whole_in_any_text_and_controls_in_none(kind, joint):
    config = TokenizerConfig(vocab_size=310, kind=kind, joint=joint)
    tokenizer = train_tokenizer(replace(config, protect=("urls",)), TEXT, TEXT, ["<2de>", "<2pt-BR>"])
    (ids,) = tokenizer.encode_tgt(["x⟦1⟧ sich ⟦9⟧ <2de> mit"])
    pieces = tokenizer.tgt_pieces(ids)
    assert {"⟦1⟧", "⟦9⟧"} <= set(pieces)
    assert "<2de>" not in pieces
    assert tokenizer.decode_tgt(ids[1:-1]) == "x⟦1⟧ sich ⟦9⟧ <2de> mit"
    assert [tokenizer.src.piece_to_id(piece) for piece in ("<2de>", "<2pt-BR>")] == [4, 5]
    assert tokenizer.decode_tgt([5, *ids[1:-1]]) == tokenizer.decode_tgt(ids[1:-1])
    assert tokenizer.src_vocab_size == tokenizer.tgt_vocab_size == 310
    assert tokenizer.kind == kind
    for seed in range(5):  # what has other pieces is the text between them
        sampled = tokenizer.samplers[1]([5, *ids], 0.9, seed)
        assert tokenizer.decode_tgt(sampled) == tokenizer.decode_tgt(ids)
        assert {5, tokenizer.tgt.piece_to_id("⟦1⟧"), tokenizer.tgt.piece_to_id("⟦9⟧")} <= set(sampled)


@given(st.text() | st.text("a \u2581\r\n\t\x00\x85\u3000\ufeff\U0001f600<s>/"))
def test_any_text_comes_back(text):
    """But for spaces that stand double or at an end, SentencePiece's sign for a space, and the ends of lines."""
    tokenizer = _identity()
    (ids,) = tokenizer.encode_tgt([text])
    assert UNK_ID not in ids
    spaced = re.sub(" +", " ", text.strip(" ")).replace("▁", " ")
    assert tokenizer.decode_tgt(ids[1:-1]) == re.sub(r"[\r\n]+", " ", spaced).strip()
    assert tokenizer.encode_src([text]) == [ids[1:]]


@given(st.lists(st.integers(0, 299), max_size=20))
def test_any_ids_decode_to_one_line_of_text(ids):
    assert _identity().decode_tgt(ids).encode().count(b"\n") == 0


def _identity(made=[]) -> Tokenizer:  # noqa: B006 (made once)
    if not made:
        config = TokenizerConfig(vocab_size=300, normalization="identity")
        made.append(train_tokenizer(config, TEXT, TEXT))
    return made[0]


def test_a_source_ends_with_eos_and_blank_text_is_nothing_else(tokenizer):
    assert tokenizer.encode_src(["", "   ", "Anna"])[:2] == [[EOS_ID], [EOS_ID]]
    assert tokenizer.encode_src(["Anna"])[0][-1] == EOS_ID


def test_a_decoded_text_is_one_line(tokenizer):
    newline = tokenizer.tgt.piece_to_id("<0x0A>")
    (ids,) = tokenizer.encode_tgt(["The dog"])
    assert "\n" not in tokenizer.decode_tgt([*ids[1:-1], newline, *ids[1:-1]])


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_too_large_a_vocabulary_is_refused_with_the_largest_possible(kind):
    with pytest.raises(ValueError, match=r"tokenizer.vocab_size is 5000, but the training text supports \d+ at most"):
        train_tokenizer(TokenizerConfig(vocab_size=5000, kind=kind), TEXT, TEXT)


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
@pytest.mark.parametrize("joint", [True, False])
def test_too_small_a_vocabulary_is_refused_with_the_smallest_possible(kind, joint):
    src = [*TEXT, *("".join(map(chr, range(0x4E00, 0x4E50))) + one for one in TEXT)]
    with pytest.raises(ValueError, match=r"tokenizer.vocab_size is 280, but the characters of the ") as refusal:
        train_tokenizer(TokenizerConfig(280, kind, joint), src, src)
    least = int(re.search(r"need (\d+) at least", str(refusal.value))[1])
    with pytest.raises(ValueError, match=f"need {least} at least"):
        train_tokenizer(TokenizerConfig(least - 1, kind, joint), src, src)
    assert train_tokenizer(TokenizerConfig(least, kind, joint), src, src).src_vocab_size == least
    if not joint:
        assert "the source side of the training text" in str(refusal.value)


@pytest.mark.parametrize("text", [[], ["", " "], ["x" * 5000]])
def test_what_pieces_cannot_be_learned_from_is_told_without_files_of_the_installation(text):
    with pytest.raises(ValueError, match="the training text has no line to learn pieces from") as refusal:
        train_tokenizer(TokenizerConfig(vocab_size=300), text, text)
    assert not re.search(r"INTERNAL|\.cc|\.py|/", str(refusal.value))


def test_an_error_of_sentencepieces_is_told_without_files_of_its_source():
    error = "INTERNAL: src/trainer_interface.cc(467) [!a_.empty() && b[3]] the text is odd\n\nAt:\n  /x/y.py(3): z"
    told = str(_explained(error, 300, "the text"))
    assert told == "SentencePiece cannot learn pieces from the text: the text is odd"


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_sampled_pieces_spell_the_same_text_and_depend_on_the_seed_alone(kind):
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=300, kind=kind), TEXT, TEXT)
    (src,), (tgt,) = tokenizer.encode_src(TEXT[:1]), tokenizer.encode_tgt(TEXT[:1])
    samples = [tokenizer.samplers[0](src, 0.3, seed) for seed in range(8)]
    assert len(set(map(tuple, samples))) > 2
    assert samples == [tokenizer.samplers[0](src, 0.3, seed) for seed in range(8)]
    assert {tokenizer.src.decode(ids) for ids in samples} == {TEXT[0]}
    assert {ids[-1] for ids in samples} == {EOS_ID}
    sampled = tokenizer.samplers[1](tgt, 0.3, 1)
    assert sampled[0] == BOS_ID
    assert sampled[1:] == tokenizer.samplers[0](src, 0.3, 1)


@pytest.mark.parametrize("content", [b"", b"no model", b"\x0a\xff\xff\xff\xff"])
def test_what_is_no_model_is_refused(content):
    with pytest.raises(ValueError, match="tokenizer.model"):
        Tokenizer({JOINT: content})


def test_a_model_with_other_special_ids_is_refused():
    import io

    import sentencepiece

    foreign = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT), model_writer=foreign, vocab_size=50, minloglevel=2
    )
    with pytest.raises(ValueError, match="special ids .* must be"):
        Tokenizer({JOINT: foreign.getvalue()})


def test_a_signal_is_answered_while_pieces_are_learned():
    def endless():
        yield from TEXT
        os.kill(os.getpid(), signal.SIGTERM)
        yield from iter(lambda: "Satz", None)

    before = set(threading.enumerate())
    with Signals(), pytest.raises(Stopped) as stopped:
        train_tokenizer(TokenizerConfig(vocab_size=300), endless(), [])
    assert stopped.value.code == 143
    assert set(threading.enumerate()) <= before


def test_what_the_text_raises_while_pieces_are_learned_is_raised():
    def broken():
        yield from TEXT
        raise ValueError("line 201 is not UTF-8")

    with pytest.raises(ValueError, match="^line 201 is not UTF-8$"):
        train_tokenizer(TokenizerConfig(vocab_size=300), broken(), [])
