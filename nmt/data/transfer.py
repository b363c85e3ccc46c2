"""Spell the pieces of a new vocabulary in an old one, to initialise the rows of an embedding."""

from __future__ import annotations

from nmt.data.sampling import PieceSampler


def origins(new: PieceSampler, old: PieceSampler) -> list[list[int]]:
    """For each new piece, the ids of the old pieces that spell it: the same piece if both have it; else, from the
    left, the longest old pieces that fit, and bytes. Tags and symbols that the old vocabulary lacks get []."""
    longest = max(map(len, old.ids))

    def spelled(text: str) -> list[int]:
        ids, start = [], 0
        while start < len(text):
            for end in range(min(len(text), start + longest), start, -1):
                if (found := old.ids.get(text[start:end])) is not None:
                    ids.append(found)
                    break
            else:
                end = start + 1
                ids += [old.processor.piece_to_id(f"<0x{byte:02X}>") for byte in text[start:end].encode()]
            start = end
        return ids

    unknown = old.processor.unk_id()
    found = []
    for i in range(new.processor.vocab_size()):
        same = old.processor.piece_to_id(new.processor.id_to_piece(i))
        if same != unknown or i == new.processor.unk_id():
            found.append([same])
        else:
            found.append(spelled(new.pieces[i]) if i in new.pieces else [])
    return found
