"""The first line of a table: whether it names the columns, and which of them are the two sides.

A name is a language code in any case, quoted or not (`DE`, `"de"`), with or without a region if only one column then
matches (`de-DE` for `de`), or the native or English name of the language (`German`, `Deutsch`); the most common
languages also have their names in German, French, Spanish, Italian, Portuguese and Dutch (`allemand`, `Englisch`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

from nmt.languages import CODE_OF

WORDS = {"src": "source", "source": "source", "trg": "target", "tgt": "target", "target": "target"}
LANGUAGE_WORDS = {"lang", "language", "locale"}  # in the name of a column with the language of each row
OTHER_WORDS = {"id", "ref", "reference", "sentence", "text", "translation"}
TAG = re.compile("([a-z]{2,3})(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?")  # language, script, region
CALLED, VARIANT = 2, 1
SHOWN = 30  # characters of a cell in a message
SHOWN_CELLS = 6


def named_columns(cells: Sequence[str], names: Sequence[str], where: str) -> list[int] | None:
    """The column of each of `names` in a first line, or None if it does not name all of them.

    Raises ValueError if it does, but several columns match the same name.
    """
    # Exact names come before variants: pt and pt-BR each get their own.
    found = {name: [i for i, cell in enumerate(cells) if nearness(cell, name) == CALLED] for name in names}
    taken = set(chain(*found.values()))
    for name in names:
        if not found[name]:
            found[name] = [i for i, cell in enumerate(cells) if i not in taken and means(cell, name)]
    if not all(found.values()):
        return None
    for name, columns in found.items():
        if len(columns) > 1:
            raise ValueError(f"{where} names {name!r} {len(columns)} times: {shown(cells)}")
    return [found[name][0] for name in names]


def columns_by_row(cells: Sequence[str]) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """The columns of a table with the languages in each row (`src_lang`, `tgt_lang`, `src`, `tgt`): those of both
    languages, and those of both texts; None for other names. `cells` may be the keys of an object."""
    found: dict[tuple[str, bool], list[int]] = {}
    for i, cell in enumerate(cells):
        parts = re.findall(r"[^\W_]+", cell.casefold())
        sides = [WORDS[part] for part in parts if part in WORDS]
        if len(sides) == 1 and len(parts) <= 2:
            found.setdefault((sides[0], not LANGUAGE_WORDS.isdisjoint(parts)), []).append(i)
    keys = [(side, of_language) for of_language in (True, False) for side in ("source", "target")]
    if any(len(found.get(key, ())) != 1 for key in keys):
        return None
    src_lang, tgt_lang, src, tgt = (found[key][0] for key in keys)
    return (src_lang, tgt_lang), (src, tgt)


def means(cell: str, name: str) -> bool:
    """Whether a cell names a language, or a variant of it."""
    return nearness(cell, name) > 0


def nearness(cell: str, name: str) -> int:
    """CALLED if both name the same language, VARIANT if one is a variant of the other, else 0."""
    there, wanted = _plain(cell), _plain(name)
    if there == wanted or CODE_OF.get(there, there) == CODE_OF.get(wanted, wanted):
        return CALLED
    is_variant = ("-" in there) != ("-" in wanted) and _language(there) == _language(wanted) is not None
    return VARIANT if is_variant else 0


def is_language(name: str) -> bool:
    """Whether it is the code, the tag or the name of a known language."""
    return _language(_plain(name)) in CODE_OF


def looks_like_names(cells: Sequence[str]) -> bool:
    """Whether a line of two cells is probably a header: both are usual names of columns, not of the same, and at
    least one is more than a bare code, because `it` and `no` are words, too."""
    meanings = [_meaning(cell) for cell in cells]
    bare = [cell in CODE_OF and len(cell) < 4 for cell in cells]
    return None not in meanings and len(set(meanings)) > 1 and not all(bare)


def are_names(cells: Sequence[str]) -> bool:
    """Whether all cells are usual names of columns, numbered or not: `en`, `English 2`, `ref1`."""
    return all(_meaning(_unnumbered(cell)) for cell in cells)


def names_another(cell: str, language: str) -> bool:
    """Whether a cell is the usual name of a column for another language, numbered or not."""
    name = _unnumbered(cell)
    return is_language(name) and not means(name, language)


def shown(cells: Sequence[str]) -> str:
    """Cells, shortened for a message."""
    some = [repr(cell if len(cell) <= SHOWN else f"{cell[:SHOWN]}…") for cell in cells[:SHOWN_CELLS]]
    return ", ".join(some + ["…"] * (len(cells) > SHOWN_CELLS))


def _unnumbered(cell: str) -> str:
    return cell.strip("\"' ").rstrip("0123456789 _-")


def _plain(cell: str) -> str:
    return cell.strip().strip("\"'").strip().casefold().replace("_", "-")


def _language(plain: str) -> str | None:
    """The code of a language from its code, name or tag; for a tag, without script and region."""
    if "-" in plain and (tag := TAG.fullmatch(plain)):
        return CODE_OF.get(tag[1], tag[1])
    return CODE_OF.get(plain)


def _meaning(cell: str) -> str | None:
    plain = _plain(cell)
    first = re.split(r"[-\s]", plain)
    if first[0] in WORDS and len(first) <= 2:
        return WORDS[first[0]]
    if plain in OTHER_WORDS:
        return plain
    language = _language(plain)
    return plain if "-" in plain and language in CODE_OF else language
