"""Texts as a model reads them: what is cut, and what is said of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nmt.data.tokenizer import BOS_ID, EOS_ID
from nmt.translation.sources import MAX_CHARS, MAX_PIECES, pairs_of, pieces_of, sources_of

WORD = 9


def ids_of(texts, threads=1):
    return [[WORD] * len(text.split()) + [EOS_ID] for text in texts]


TOKENIZER = SimpleNamespace(encode_src=ids_of, encode_tgt=lambda texts: [[BOS_ID, *ids] for ids in ids_of(texts)])
GUARD = SimpleNamespace(masked=lambda text: SimpleNamespace(text=text), masked_targets=lambda masked, texts: texts)


@pytest.mark.parametrize(
    ("text", "prefix", "pieces", "kept", "forced", "is_cut"),
    [
        ("a " * 3, "b b", 4, 4, 2, False),
        ("", "", 1, 1, 0, False),
        ("a " * (MAX_PIECES - 1), "", MAX_PIECES, MAX_PIECES, 0, False),
        ("a " * MAX_PIECES, "", MAX_PIECES + 1, MAX_PIECES, 0, True),
        ("a", "b " * MAX_PIECES, 2, 2, MAX_PIECES, False),
        ("a", "b " * (MAX_PIECES + 1), 2, 2, MAX_PIECES, True),
        ("a" * MAX_CHARS, "", 2, 2, 0, False),
        ("a" * MAX_CHARS + " a", "", 2, 2, 0, True),
    ],
)
def test_a_source_and_a_prefix_are_cut_where_they_are_too_long(text, prefix, pieces, kept, forced, is_cut):
    (found,) = sources_of([text], TOKENIZER, GUARD, [prefix])
    assert found.ids == [WORD] * (kept - 1) + [EOS_ID]
    assert found.prefix_ids == [WORD] * forced
    assert (found.pieces, found.length, found.is_cut) == (pieces, kept + forced, is_cut)
    assert pieces_of([text], TOKENIZER) == [len(text.split())]


@pytest.mark.parametrize(
    ("src", "tgt", "ids", "is_cut"),
    [
        ("a a", "b", 3, False),
        ("a", "b " * (MAX_PIECES - 2), MAX_PIECES, False),
        ("a", "b " * (MAX_PIECES - 1), MAX_PIECES, True),
        ("a", "b" * MAX_CHARS + " b", 3, True),
        ("a " * MAX_PIECES, "b", 3, True),
    ],
)
def test_a_pair_is_cut_on_either_side(src, tgt, ids, is_cut):
    (found,) = pairs_of([src], [tgt], TOKENIZER, GUARD)
    assert found.ids == [BOS_ID] + [WORD] * (ids - 2) + [EOS_ID]
    assert (found.length, found.is_cut) == (len(found.source.ids) + ids, is_cut)
