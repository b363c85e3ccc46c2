"""The only module that uses the `datasets` library.

The library finds and fetches the files of a dataset. readers.py reads files of lines (JSON lines, TSV, CSV), so that
a pair is the same from any source: the library treats quotes in a TSV as in CSV, converts columns that look like
numbers or dates, reads "NA" as nothing, and stops at a row with a key that the first one lacks. All other formats
(Parquet, Arrow) it reads itself.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

import datasets
import huggingface_hub
from datasets.download.streaming_download_manager import StreamingDownloadManager
from datasets.utils.file_utils import xopen

from nmt.common.files import from_home
from nmt.data.objects import jsonl_rows, row_of
from nmt.data.readers import Row, csv_cells, decoded_lines, table_rows, tsv_cells

if TYPE_CHECKING:
    from nmt.data.corpora.hub import HubCorpus

T = TypeVar("T")

REASON_CHARS = 300
HEAD = 64  # bytes that show whether a JSON file is a single list
# Settings of a builder, from a dataset's card, that readers.py supports; with others the library reads the files.
FOLLOWED = {"name", "version", "data_dir", "data_files", "description", "sep", "delimiter", "features"}


def load_rows(corpus: HubCorpus, split: str) -> Iterator[Row]:
    """The rows of a split, or of slices in the library's syntax (`train[:90%]`, `train+test`).

    Raises ValueError that says what to do if the dataset is out of reach, or what cannot be read.
    """
    with _reading(corpus.dataset):
        builder = _builder(corpus)
        if _is_lines(builder):
            of_part = partial(_sliced, builder, partial(_split_rows, corpus, builder))
        else:
            of_part = partial(_library_rows, corpus, builder)
        yield from corpus.numbered(split, of_part)


def split_names(corpus: HubCorpus) -> list[str]:
    """The names of a dataset's splits. Raises ValueError as `load_rows` does."""
    with _reading(corpus.dataset):
        return _split_names(_builder(corpus))


@contextmanager
def _reading(dataset: str) -> Iterator[None]:
    datasets.disable_progress_bars()
    try:
        yield
    except Exception as error:  # the library and its dependencies may raise anything
        raise ValueError(_message(dataset, error)) from None


def _split_names(builder: Any) -> list[str]:
    return [str(name) for name in builder.config.data_files or builder.info.splits or ()]


def _sliced(builder: Any, rows_of: Callable[[str], Iterable[T]], split: str) -> Iterator[T]:
    """The rows of a split, or of slices, taken from whole splits; for a slice the rows are counted first."""
    names = _split_names(builder)
    counts = dict.fromkeys(names, sys.maxsize)
    if "[" in split:
        counts = {name: sum(1 for _ in rows_of(name)) for name in names}
    for part in datasets.ReadInstruction.from_spec(split).to_absolute(counts):
        yield from islice(rows_of(part.splitname), part.from_, part.to)


def _builder(corpus: HubCorpus) -> Any:
    """The library's builder, which knows the dataset's files and how to read them. Without a network, files fetched
    earlier are used."""
    path = from_home(corpus.dataset)
    # An absolute path, because a folder called `csv` would be taken for the library's own reader of that name.
    name = str(path.absolute()) if path.is_dir() else corpus.dataset
    missing: Exception | None = None
    other_order = "-".join(reversed((corpus.subset or "").split("-")))  # en-fr for fr-en
    try:
        builder = datasets.load_dataset_builder(name, corpus.subset, revision=corpus.revision)
        if builder.name != "cache":  # the library's own cache, which it uses when it cannot find the files
            return builder
    except (ConnectionError, FileNotFoundError) as error:
        missing = error
    except ValueError as error:
        if f"'{other_order}'" not in str(error).partition("Available")[2]:
            raise
        return _builder(replace(corpus, subset=other_order))
    try:
        folder = huggingface_hub.snapshot_download(
            name, repo_type="dataset", revision=corpus.revision, local_files_only=True
        )
        return datasets.load_dataset_builder(folder, corpus.subset)
    except (OSError, ValueError):
        if missing is not None:
            raise missing from None
        return builder


def _is_lines(builder: Any) -> bool:
    config = builder.config
    if builder.name not in ("csv", "json") or not config.data_files or len(getattr(config, "sep", ",")) != 1:
        return False
    usual = type(config)()
    return all(
        getattr(config, field.name) == getattr(usual, field.name)
        for field in fields(config)
        if field.name not in FOLLOWED
    )


def _library_rows(corpus: HubCorpus, builder: Any, split: str) -> Iterator[Row]:
    if corpus.streaming:
        rows = _sliced(builder, lambda name: builder.as_streaming_dataset(split=name), split)
    else:
        builder.download_and_prepare()
        rows = builder.as_dataset(split=split)
    for number, row in enumerate(rows, 1):
        yield row_of(row, corpus.column, corpus.src, corpus.tgt, f"{corpus.dataset} row {number}", number)


def _split_rows(corpus: HubCorpus, builder: Any, name: str) -> Iterator[Row]:
    """The rows of all files of a split; line numbers continue from one file to the next."""
    manager = StreamingDownloadManager if corpus.streaming else datasets.DownloadManager
    fetch = manager(
        dataset_name=builder.dataset_name,
        base_path=builder.base_path,
        download_config=datasets.DownloadConfig(token=builder.token, extract_on_the_fly=True),
    )
    urls = [str(url) for url in builder.config.data_files[name]]
    before = last = 0
    for url, fetched in zip(urls, fetch.extract(fetch.download(urls)), strict=True):
        for path in fetch.iter_files([fetched]):  # several for an archive
            for row in _file_rows(corpus, builder, path, f"{corpus.dataset}: {Path(url).name}"):
                last = before + row.pair.line
                yield row._replace(pair=row.pair._replace(line=last))
            before = last


def _file_rows(corpus: HubCorpus, builder: Any, path: str, name: str) -> Iterator[Row]:
    src, tgt = corpus.src, corpus.tgt
    with xopen(path, "rb") as opened:
        file = cast(BinaryIO, opened)
        if builder.name == "json" and ".json" in Path(name).suffixes and file.read(HEAD).lstrip()[:1] == b"[":
            yield from _list_rows(corpus, path, name)
            return
    with xopen(path, "rb") as opened:
        lines = decoded_lines(cast(BinaryIO, opened), name)
        if builder.name == "json":
            yield from jsonl_rows(lines, name, src, tgt, corpus.column)
        elif builder.config.sep == "\t":
            yield from table_rows(tsv_cells(lines), name, src, tgt)
        else:
            yield from table_rows(csv_cells(lines, name, builder.config.sep), name, src, tgt)


def _list_rows(corpus: HubCorpus, path: str, name: str) -> Iterator[Row]:
    """The rows of a JSON file that is a single list."""
    with xopen(path, "rb") as file:
        try:
            values = json.loads(file.read())
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{name} is not JSON: {error}") from None
    for number, value in enumerate(values, 1):
        yield row_of(value, corpus.column, corpus.src, corpus.tgt, f"{name}, row {number}", number)


def _message(dataset: str, error: Exception) -> str:
    """One line: the root cause of the library's error, and what to do if the hub is out of reach."""
    if isinstance(error, ValueError) and str(error).startswith(f"{dataset}: "):
        return str(error)  # our own, which names a file and its line
    found: BaseException = error
    while found.__cause__ is not None:
        found = found.__cause__
    details = getattr(found, "details", None)  # of the error about columns that differ between files
    text = str(details() if callable(details) else found).strip() or type(found).__name__
    reason = text.splitlines()[0][:REASON_CHARS]
    if from_home(dataset).exists():
        return f"data.dataset {dataset!r} cannot be read: {reason}"
    what = "is out of reach" if isinstance(error, OSError) or isinstance(found, OSError) else "cannot be read"
    return (
        f"data.dataset {dataset!r} {what} ({reason}); "
        "with the text at hand, use data=files data.dir=FOLDER data.src=CODE data.tgt=CODE"
    )
