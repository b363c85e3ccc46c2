"""The only contact with the `datasets` library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import datasets


def load_rows(
    dataset: str, subset: str | None, split: str, revision: str | None, streaming: bool
) -> Iterator[dict[str, Any]]:
    """The rows of a split. Raises ValueError that says what to do where the dataset is out of reach."""
    datasets.disable_progress_bars()
    try:
        yield from datasets.load_dataset(dataset, subset, split=split, revision=revision, streaming=streaming)
    except (OSError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"data.dataset {dataset!r} is out of reach ({reason}); "
            "with the text at hand, use data=files data.dir=FOLDER data.src=CODE data.tgt=CODE"
        ) from None
