"""Pairs from mappings of languages to texts: JSON lines, and the rows of datasets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from nmt.common.stream import Line, valid
from nmt.data.readers import Pair, Row, other_row, row_in
from nmt.formats.headers import columns_by_row, is_language, named_columns, shown


def jsonl_rows(
    lines: Iterable[Line], name: str, src: str, tgt: str, column: str | None = "translation"
) -> Iterator[Row]:
    """One pair per line: {"de": ..., "en": ...}, or the same under `column`. Blank lines are skipped."""
    for line in lines:
        if not line.text.strip():
            continue
        where, faults = f"{name}, line {line.number}", [line.fault] if line.fault else []
        try:
            value = json.loads(line.text)
        except (ValueError, RecursionError):
            yield Row(Pair("", "", line.number), [*faults, f"{where} is not JSON"])
            continue
        row = row_of(value, column, src, tgt, where, line.number)
        yield row._replace(faults=[*faults, *row.faults], is_other=row.is_other and not faults)


def row_of(value: Any, column: str | None, src: str, tgt: str, where: str, number: int) -> Row:
    """The row of a mapping of languages to texts, which may be nested under `column`. A key is a language's code, or
    another name or a variant of it, as in the first line of a table."""
    sides = value.get(column, value) if column is not None and isinstance(value, dict) else value
    if isinstance(sides, dict) and not (src in sides and tgt in sides):
        if by_row := _columns_of_keys(tuple(sides)):
            there, texts = ([sides[key] for key in keys] for keys in by_row)
            if not all(isinstance(one, str) for one in there):
                return Row(Pair("", "", number), [f"{where} does not say which languages it is in"])
            row = _row_of_sides(dict(zip((src, tgt), texts, strict=True)), src, tgt, where, number)
            return row_in((there[0], there[1]), row, (src, tgt), where)
        named, ambiguous = _keys_of(tuple(sides), src, tgt)
        if ambiguous:
            return Row(Pair("", "", number), [f"{where}{ambiguous}"])
        if named:
            sides = {code: sides[key] for code, key in zip((src, tgt), named, strict=True)}
            row = _row_of_sides(sides, src, tgt, where, number)
            return row._replace(languages=(str(named[0]), str(named[1])))
        if sum(map(is_language, sides)) > 1:
            return other_row(where, number, list(sides), (src, tgt))
    return _row_of_sides(sides, src, tgt, where, number)


def _row_of_sides(sides: Any, src: str, tgt: str, where: str, number: int) -> Row:
    """The row of a mapping that should have a text under each of two codes."""
    texts = [sides.get(code) if isinstance(sides, dict) else None for code in (src, tgt)]
    sound = [valid(text) if isinstance(text, str) else "" for text in texts]
    pair = Pair(sound[0], sound[1], number)
    if sound == texts:
        return Row(pair)
    if all(isinstance(text, str) for text in texts):
        return Row(pair, [f"{where} has half a character for {src!r} and {tgt!r}"])
    return Row(pair, [f"{where} has no text for {src!r} and {tgt!r}: {_found(sides, (src, tgt))}"])


@lru_cache(maxsize=64)
def _columns_of_keys(keys: tuple[Any, ...]) -> list[list[Any]] | None:
    columns = columns_by_row([str(key) for key in keys])
    return None if columns is None else [[keys[i] for i in two] for two in columns]


@lru_cache(maxsize=256)
def _keys_of(keys: tuple[Any, ...], src: str, tgt: str) -> tuple[list[Any], str]:
    """The keys that name both languages, if any; or an error message, if several keys may name one of them."""
    try:
        places = named_columns([str(key) for key in keys], (src, tgt), "")
    except ValueError as error:
        return [], str(error)
    return [keys[i] for i in places or ()], ""


def _found(sides: Any, codes: Sequence[str]) -> str:
    if not isinstance(sides, dict):
        return f"it is of type {type(sides).__name__}"
    there = [
        f"{code!r} is of type {type(sides[code]).__name__}" if sides[code] is not None else f"{code!r} is null"
        for code in codes
        if code in sides and not isinstance(sides[code], str)
    ]
    return ", ".join(there) or f"it has {shown([str(key) for key in sides]) or 'nothing'}"
