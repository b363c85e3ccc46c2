from __future__ import annotations

import pytest

from nmt.data.tokenizer import TokenizerConfig
from nmt.data.tokenizer_training import train_tokenizer
from nmt.data.transfer import origins

OLD = [f"Satz {i} mit Wörtern, die {'sich ' * (i % 5)}wiederholen." for i in range(200)]
NEW = [f"Sätze {i}, deren Wörter {'nie ' * (i % 4)}大 sind." for i in range(200)]


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_a_piece_comes_from_itself_or_from_those_that_spell_it(kind):
    old = train_tokenizer(TokenizerConfig(vocab_size=300, kind=kind), OLD, OLD, controls=["<2de>"])
    new = train_tokenizer(TokenizerConfig(vocab_size=303, kind=kind), NEW, NEW, controls=["<2de>", "<2fr>"])
    found = origins(new.samplers[0], old.samplers[0])
    assert len(found) == 303
    of = {new.src.id_to_piece(i): [old.src.id_to_piece(j) for j in ids] for i, ids in enumerate(found)}
    for same in ("<pad>", "<unk>", "<s>", "</s>", "<2de>", "<0x0A>", "e", "▁Wörter"):
        if old.src.piece_to_id(same) != old.src.unk_id() or same == "<unk>":
            assert of[same] == [same]
    assert of["<2fr>"] == []  # no text spells it
    assert of["大"] == ["<0xE5>", "<0xA4>", "<0xA7>"]
    spelled = {
        piece: parts for piece, parts in of.items() if len(parts) > 1 and "大" not in piece and "ä" not in piece
    }
    assert spelled
    assert all("".join(parts) == piece for piece, parts in spelled.items())
