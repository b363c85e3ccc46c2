"""Translation of a corpus: files in, files out, exactly once.

Part k of the input becomes file k of the output. Processes agree on nothing else, so several may share a folder, and
one that dies costs at most the part it was working on and changes no byte. In float32 the joined parts equal what
nmt-translate makes of the same lines.
"""

from __future__ import annotations

import logging
import math
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch

from nmt.answers import Answer, Form, answers, formatted
from nmt.common.files import from_home, replacing, sha256
from nmt.common.process import IN_SEARCH, trim_memory, tune_process
from nmt.common.stream import Line
from nmt.distribution.engines import ENGINES
from nmt.distribution.folder import Record
from nmt.distribution.inputs import input_files, input_format_of, read_groups_of
from nmt.distribution.outputs import check_join, join, write_answers
from nmt.distribution.parts import Run
from nmt.distribution.plan import Layout, Plan, open_plan, read_plan
from nmt.text.check import told_of
from nmt.translation.forks import Worker, WorkerDiedError
from nmt.translation.translator import Translator
from nmt.translation.values import Translation
from nmt.translation.workers import Workers

DEADLY = 2  # workers that died over a part: the next one translates it in separate processes
MAX_FAILED = 100  # lines of a part: if more fail, the lines are not to blame
MAX_TEXT = 200  # characters of a line in failed.jsonl
PAUSE_S = 0.2  # while another command works on the remaining parts

logger = logging.getLogger(__name__)


class PartOutcome(NamedTuple):
    """What became of a part: done (record), failed (error), or being done by another command (neither)."""

    part: int
    record: Record | None = None
    error: Exception | None = None


@dataclass(frozen=True)
class Work:
    """Translates a part, given its number. Where it is sent, the folder and the models must have the same paths."""

    folder: Path
    inputs: tuple[Path, ...]
    plan: str  # its id
    form: Form
    reload: tuple[Callable[..., Translator], tuple[Any, ...]] = field(repr=False)

    def __call__(self, number: int) -> PartOutcome:
        try:
            plan, translator = self.opened()
            with plan.folder.claimed(number) as begun:
                if begun is None:
                    return PartOutcome(number)
                record = plan.folder.whole(number) or translate_part(plan, translator, self.form, number, begun)
            return PartOutcome(number, record)
        except Exception as error:
            error.add_note(traceback.format_exc())
            return PartOutcome(number, error=error)

    def opened(self) -> tuple[Plan, Translator]:
        """The plan and its translator, loaded once per process. Raises ValueError if the translator does not fit."""
        if self.plan not in _opened:
            tune_process(IN_SEARCH)
            torch.set_num_threads(1)
            plan = read_plan(self.folder, self.inputs)
            function, arguments = self.reload
            translator = function(*arguments)
            plan.check_translator(translator)
            _opened.clear()
            _opened[self.plan] = plan, translator
        return _opened[self.plan]


_opened: dict[str, tuple[Plan, Translator]] = {}  # of the plan that this process works on


def translate_part(plan: Plan, translator: Translator, form: Form, number: int, begun: int = 0) -> Record:
    """Write a part's file (a draft, then renamed), then its record. `begun` is the number of earlier attempts."""
    part, start = plan.parts[number], time.monotonic()
    input_format, output = plan.input_format, plan.output
    path = plan.folder.part(number)
    faults: dict[str, list[int]] = {}
    failed: list[dict[str, Any]] = []
    answerer = Answerer(translator, form, alone=begun >= DEADLY and translator.device.type == "cpu")

    def answered() -> Iterator[tuple[Any, list[Answer]]]:
        for group in read_groups_of(plan.inputs[part.file], input_format, part, plan.folder.copy(number)):
            found = list(answerer.each(group.lines, failed))
            for line, answer in zip(group.lines, found, strict=True):
                for what in filter(None, (answer.fault, answer.advice, told_of(answer.lost))):
                    faults.setdefault(what, []).append(line.number)
            yield group, found
            trim_memory()

    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        lines = write_answers(file, output["format"], output["compress"], plan.schema, output["name"], answered())
        if lines != part.lines:
            raise ValueError(f"{plan.inputs[part.file]} has changed since it was cut into parts")
        file.flush()
        size, digest = file.tell(), sha256(Path(file.name))
    record = Record(number, lines, size, digest, time.monotonic() - start, faults, failed)
    plan.folder.finish(record)
    return record


@dataclass(frozen=True)
class Answerer:
    """Answers lines, whatever errors they cause. `alone`: in a separate process, which may die."""

    translator: Translator
    form: Form
    alone: bool = False

    def each(self, lines: list[Line], failed: list[dict[str, Any]]) -> Iterator[Answer]:
        """The answer to each line. Lines that fail are divided into halves and tried again; a line that fails alone
        gets an empty answer and is added to `failed`. Raises ChildProcessError when more than MAX_FAILED fail."""
        try:
            found = self.isolated(lines) if self.alone else self.answer(lines)
        except Exception as error:
            if len(lines) > 1:
                yield from self.each(lines[: len(lines) // 2], failed)
                yield from self.each(lines[len(lines) // 2 :], failed)
                return
            (line,), reason = lines, f"{type(error).__name__}: {error}"
            if len(failed) == MAX_FAILED:
                raise ChildProcessError(
                    f"more than {MAX_FAILED} lines of a part fail, as line {line.number}: {reason}"
                ) from error
            failed.append({"line": line.number, "error": reason, "text": line.text[:MAX_TEXT]})
            found = [Answer(list(formatted(line.number, Translation("", math.nan, math.nan), self.form)))]
        yield from found

    def answer(self, lines: list[Line]) -> list[Answer]:
        return list(answers(self.translator, lines, self.form))

    def isolated(self, lines: list[Line]) -> list[Answer]:
        """As `answer`, in a separate process. Raises ChildProcessError if that dies."""
        worker, found = Worker(self), None
        try:
            worker.begin((0, lines), "answer")
            found = worker.finish()
        except WorkerDiedError:
            pass
        finally:
            cause = worker.end()
        if found is None:
            raise ChildProcessError(f"the process that translated it ended by {cause}")
        return found  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Summary:
    """What a command has done in its share of the parts."""

    parts: int
    lines: int
    before: int  # lines that were done before
    seconds: float
    failed: int  # lines of the share with an empty answer


StartEngine = Callable[[Work], AbstractContextManager[Run]]
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
    if join_to is not None:
        kind = layout.format or input_format_of(files, layout.column, form.score or form.prefix).kind
        check_join(join_to, files, output, kind)
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
    for n in todo:
        if plan.folder.record(n).exists():
            logger.warning("part %d is not what it was when it was done; it is done again", n)
    before = sum(record.lines for record in done.values())

    def start_engine(work: Work) -> AbstractContextManager[Run]:
        return ENGINES[engine](work, number, address)

    with closing(_translated(plan, translator, form, todo, start_engine)) as records:
        for record in records:
            done[record.part] = record
            report(record, False)
    if join_to is not None:
        header = [*plan.output["header"], plan.output["name"]] if plan.output["header"] else []
        join([plan.folder.part(n) for n in mine], join_to, plan.output["format"], header)
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


def _translated(
    plan: Plan, translator: Translator, form: Form, todo: list[int], start_engine: StartEngine
) -> Generator[Record, None, None]:
    """The records of the parts in `todo` as they are done; always tidies the folder at the end."""
    work = Work(plan.folder.path, tuple(plan.inputs), plan.id, form, translator.__reduce__())
    _opened[plan.id] = plan, translator
    try:
        plan.restore(todo)
        yield from _outcomes(work, todo, start_engine) if todo else ()
    finally:
        _opened.pop(plan.id, None)
        plan.folder.sweep()
        plan.folder.report()


def _outcomes(work: Work, todo: list[int], start_engine: StartEngine) -> Iterator[Record]:
    """The records as parts are done. Parts that another command works on are tried again until it ends or dies."""
    with start_engine(work) as run:
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
