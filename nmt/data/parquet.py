"""Parquet files as on hubs: one column per language, or a column "translation" of {"de": …, "en": …}."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from nmt.data.objects import row_of
from nmt.data.readers import Row
from nmt.formats.language_tags import only_match

BATCH = 1000  # rows in memory
COLUMN = "translation"


def rows(path: Path, src: str, tgt: str) -> Iterator[Row]:
    """The pairs of a file. Raises ValueError if it is not Parquet, or if several columns may be the same language."""
    with opened(path) as file:
        schema = file.schema_arrow
        nested = COLUMN in schema.names and pyarrow.types.is_struct(schema.field(COLUMN).type)
        names = [field.name for field in schema.field(COLUMN).type] if nested else list(schema.names)
        keys = [only_match(code, names, str(path)) or code for code in (src, tgt)]
        columns = [COLUMN] if nested else [name for name in keys if name in names]
        batches = file.iter_batches(BATCH, columns=columns or None)
        for number, value in enumerate((value for batch in batches for value in batch.to_pylist()), 1):
            sides = value[COLUMN] if nested else value
            texts = {code: (sides or {}).get(key) for code, key in zip((src, tgt), keys, strict=True)}
            found = {code: text for code, text in texts.items() if text is not None} or sides
            row = row_of(found, None, src, tgt, f"{path}, row {number}", number)
            yield row._replace(languages=(keys[0], keys[1])) if None not in texts.values() else row


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """An open file. Raises ValueError if it is not Parquet or is damaged, also while it is read."""
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{path} cannot be read: {' '.join(str(error).split())}") from None
