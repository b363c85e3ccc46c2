"""Translation of a corpus: files in, files out, exactly once.

Part k of the input becomes file k of the output. Processes agree on nothing else, so several may share a folder, and
one that dies costs at most the part it was working on and changes no byte. In float32 the joined parts equal what
nmt-translate makes of the same lines.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path

from nmt.answers import Form
from nmt.common.extras import check_installed
from nmt.common.files import from_home
from nmt.distribution.compression import compression_of
from nmt.distribution.engines import ENGINES, LIBRARIES
from nmt.distribution.folder import Record
from nmt.distribution.inputs import input_files, input_format_of
from nmt.distribution.outputs import check_join, check_parts_can_be_written, join
from nmt.distribution.parts import PARQUET, Run
from nmt.distribution.plan import Layout, open_plan
from nmt.distribution.work import Work
from nmt.translation.translator import Translator
from nmt.translation.workers import Workers

PAUSE_S = 0.2  # while another command works on the remaining parts

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Summary:
    """What a command has done in its share of the parts."""

    parts: int
    lines: int
    before: int  # lines that were done before
    seconds: float
    failed: int  # lines of the share with an empty answer


Report = Callable[[Record, bool], object]  # called with each part's record, and whether it was done before


def translate_corpus(
    translator: Translator,
    inputs: Sequence[str | Path],
    output: str | Path,
    *,
    form: Form | None = None,
    layout: Layout | None = None,
    engine: str = "processes",
    workers: int | None = None,
    address: str | None = None,
    share: tuple[int, int] = (0, 1),
    join_to: str | Path | None = None,
    begin: Callable[[int], object] = lambda lines: None,
    report: Report = lambda record, before: None,
) -> Summary:
    """Translate files into a folder of parts, or continue. With `share` (k, n) every nth part is done, from part k
    on. `join_to` is a file into which all parts are joined. `begin` is called with the number of lines of the share,
    and `report` with each part.

    Raises ValueError for errors of the user, such as a folder with other parts, and OSError for errors of the
    machine: all existing parts are then complete, and the same call continues.
    """
    form, layout = form or Form(), layout or Layout()
    _check(engine, address, share, join_to)
    files, output = input_files(inputs), from_home(output)
    join_to = None if join_to is None else from_home(join_to)
    _check_machine(engine, files, output, join_to, form, layout)
    number = Workers(translator, workers).number
    if translator.device.type != "cpu" and engine == "processes":
        number = 0
    start = time.monotonic()
    plan = open_plan(output.resolve(), files, translator, form, layout)
    mine = range(share[0], len(plan.parts), share[1])
    begin(sum(plan.parts[n].lines for n in mine))
    done = {n: record for n in mine if (record := plan.folder.whole(n))}
    for record in done.values():
        report(record, True)
    todo = [n for n in mine if n not in done]
    before = sum(record.lines for record in done.values())
    work = Work(plan, translator, form)
    with closing(_translated(work, todo, ENGINES[engine](work, number, address))) as records:
        for record in records:
            done[record.part] = record
            report(record, False)
    if join_to is not None:
        header = [*plan.output.header, plan.output.name] if plan.output.header else []
        join([plan.folder.part(n) for n in mine], join_to, plan.output.format, header)
    failed = sum(len(record.failed) for record in done.values())
    lines = sum(record.lines for record in done.values())
    return Summary(len(mine), lines, before, time.monotonic() - start, failed)


def _check(engine: str, address: str | None, share: tuple[int, int], join_to: str | Path | None) -> None:
    """Raises ValueError for invalid or conflicting arguments."""
    which, of = share
    if not 0 <= which < of:
        raise ValueError(f"the share is {which}/{of}; of {of} shares it must be from 0 to {of - 1}")
    if join_to is not None and of > 1:
        raise ValueError("only all parts can be joined, not those of a share")
    if engine not in ENGINES:
        raise ValueError(f"the engine is {engine!r}; choose one of: {', '.join(ENGINES)}")
    if address and engine == "processes":
        raise ValueError(f"processes are of this machine; the scheduler {address} needs the engine dask or ray")


def _check_machine(
    engine: str, files: Sequence[Path], output: Path, join_to: Path | None, form: Form, layout: Layout
) -> None:
    """Raises ValueError for a file that cannot be joined into, and ModuleNotFoundError or OSError for what this
    machine lacks: a library, or a folder that can be written."""
    kind = layout.format or input_format_of(files, layout.column, form.score or form.prefix).kind
    compressions = [layout.compress]
    if join_to is not None:
        check_join(join_to, files, output, kind)
        compressions.append(compression_of(join_to))
    check_installed(*LIBRARIES[engine])
    if kind == PARQUET or "zst" in compressions:
        check_installed("pyarrow")
    check_parts_can_be_written(output)


def _translated(work: Work, todo: list[int], engine: AbstractContextManager[Run]) -> Generator[Record, None, None]:
    """The records of the parts in `todo` as they are done; always tidies the folder at the end."""
    plan = work.plan
    for number in todo:
        if plan.folder.record(number).exists():
            logger.warning("part %d is not what it was when it was done; it is done again", number)
    try:
        plan.restore(todo)
        yield from _outcomes(todo, engine) if todo else ()
    finally:
        plan.folder.sweep()
        plan.folder.report()


def _outcomes(todo: list[int], engine: AbstractContextManager[Run]) -> Iterator[Record]:
    """The records as parts are done. Parts that another command works on are tried again until it ends or dies."""
    with engine as run:
        while todo:
            elsewhere = []
            for outcome in run(todo):
                if outcome.error is not None:
                    raise outcome.error
                if outcome.record is None:
                    elsewhere.append(outcome.part)
                else:
                    yield outcome.record
            if len(elsewhere) == len(todo):
                time.sleep(PAUSE_S)
            todo = elsewhere
