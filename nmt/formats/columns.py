"""Find the columns of source and translation in a table, by the names in the first row or by an option."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from nmt.formats.document import DocumentOptions
from nmt.formats.headers import are_names, named_columns, shown


class Columns(NamedTuple):
    src: int  # from 0
    tgt: int  # may be a new column
    header: bool  # whether the first row names the columns
    name: str | None  # of a new column


def columns_of(first: Sequence[str], options: DocumentOptions, where: str) -> Columns | None:
    """The columns of a table, by its first row; None if they cannot be told. A new column is reported by
    `options.note`. Raises ValueError if a column that `options` names is missing."""
    columns = _found(first, options, where)
    if columns is not None and columns.tgt >= len(first):
        called = f"is called {columns.name!r}" if columns.name else f"{columns.tgt + 1} is there"
        options.note(f"{where}: no column {called}; a new one is written")
    return columns


def _found(first: Sequence[str], options: DocumentOptions, where: str) -> Columns | None:
    if options.column:
        return _told(first, options, where)
    if options.src and options.tgt and (both := named_columns(first, (options.src, options.tgt), where)):
        return Columns(both[0], both[1], True, None)
    if options.src and (named := named_columns(first, (options.src,), where)):
        return Columns(named[0], len(first), True, options.tgt or "translation")
    if len(first) == 1:
        return Columns(0, 1, False, None)
    return None


def unknown(first: Sequence[str], options: DocumentOptions, where: str) -> ValueError:
    languages = " and ".join(repr(code) for code in (options.src, options.tgt) if code) or "no language that is known"
    return ValueError(
        f"{where} ({shown(first)}) does not name {languages}; say where the source is and the translation goes, such "
        "as --column 1:2 or --column B:C or --column NAME:NAME"
    )


def _told(first: Sequence[str], options: DocumentOptions, where: str) -> Columns:
    assert options.column is not None
    source, _, target = options.column.partition(":")
    src, src_named = _place(source, first, where)
    if src >= len(first):
        raise ValueError(f"--column {options.column}: {where} has {len(first)} columns")
    if not target:
        found = named_columns(first, (options.tgt,), where) if options.tgt else None
        header = src_named or are_names([first[src]])
        if found and found[0] != src:
            return Columns(src, found[0], True, None)
        return Columns(src, len(first), header, (options.tgt or "translation") if header else None)
    if target.strip().casefold() not in _names(first) and not re.fullmatch(r"[0-9]{1,5}|[A-Z]{1,3}", target.strip()):
        return Columns(src, len(first), True, target)
    tgt, tgt_named = _place(target, first, where)
    if tgt == src:
        raise ValueError(f"--column {options.column} has the translation take the place of the source")
    cells = [cell for cell in (first[src], *first[tgt : tgt + 1]) if cell.strip()]
    header = src_named or tgt_named or (bool(cells) and are_names(cells))
    return Columns(src, tgt, header, None)


def _names(first: Sequence[str]) -> list[str]:
    return [cell.strip().casefold() for cell in first]


def _place(told: str, first: Sequence[str], where: str) -> tuple[int, bool]:
    """Index of a column given by name, letters or number from 1; and whether it was given by name."""
    told = told.strip()
    if told and told.casefold() in _names(first):
        return _names(first).index(told.casefold()), True
    if re.fullmatch("[0-9]{1,5}", told) and int(told):
        return int(told) - 1, False
    if re.fullmatch("[A-Z]{1,3}", told):
        return column_of(told), False
    raise ValueError(f"{where} has no column {told!r}; it has {shown(first)}")


def column_of(letters: str) -> int:
    """Letters of a spreadsheet column -> its index from 0."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1
