"""One part of a corpus: translated here, or where its work is sent, whatever errors its lines cause."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from nmt.answers import Answer, Form, answers, formatted
from nmt.common.files import replacing, sha256
from nmt.common.process import IN_SEARCH, trim_memory, tune_process
from nmt.common.stream import Line
from nmt.distribution.folder import Record
from nmt.distribution.inputs import read_groups_of
from nmt.distribution.outputs import write_answers
from nmt.distribution.parts import LineGroup
from nmt.distribution.plan import Plan, read_plan
from nmt.text.check import told_of
from nmt.translation.forks import Worker, WorkerDiedError
from nmt.translation.translator import Translator
from nmt.translation.values import Translation

DEADLY = 2  # workers that died over a part: the next one translates it in separate processes
MAX_FAILED = 100  # lines of a part: if more fail, the lines are not to blame
MAX_TEXT = 200  # characters of a line in failed.jsonl


class PartOutcome(NamedTuple):
    """What became of a part: done (record), failed (error), or being done by another command (neither)."""

    part: int
    record: Record | None = None
    error: Exception | None = None


@dataclass(frozen=True)
class Work:
    """Translates a part, given its number."""

    plan: Plan
    translator: Translator
    form: Form

    def __call__(self, number: int) -> PartOutcome:
        return _outcome(self.record, number)

    def record(self, number: int) -> Record | None:
        """The record of a part that is done now, or was before; None if another command works on it."""
        with self.plan.folder.claimed(number) as begun:
            if begun is None:
                return None
            return self.plan.folder.whole(number) or self.translate(number, begun)

    def translate(self, number: int, begun: int = 0) -> Record:
        """Write a part's file (a draft, then renamed), then its record. `begun` is the number of earlier attempts."""
        plan, start = self.plan, time.monotonic()
        part, path = plan.parts[number], plan.folder.part(number)
        faults: dict[str, list[int]] = {}
        failed: list[dict[str, Any]] = []
        alone = begun >= DEADLY and self.translator.device.type == "cpu"
        answerer = Answerer(self.translator, self.form, alone)

        def answered() -> Iterator[tuple[LineGroup, list[Answer]]]:
            for group in read_groups_of(plan.inputs[part.file], plan.input_format, part, plan.folder.copy(number)):
                found = list(answerer.each(group.lines, failed))
                for line, answer in zip(group.lines, found, strict=True):
                    for what in filter(None, (answer.fault, answer.advice, told_of(answer.lost))):
                        faults.setdefault(what, []).append(line.number)
                yield group, found
                trim_memory()

        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            write_answers(file, plan.output, plan.schema, answered())
            file.flush()
            size, digest = file.tell(), sha256(Path(file.name))
        record = Record(number, part.lines, size, digest, time.monotonic() - start, faults, failed)
        plan.folder.finish(record)
        return record

    def __reduce__(self) -> tuple[Any, ...]:
        plan = self.plan
        return SentWork, (plan.folder.path, tuple(plan.inputs), plan.id, self.form, self.translator.__reduce__())


@dataclass(frozen=True)
class SentWork:
    """`Work` where it was sent, which reads plan and models again: they must have the same paths there."""

    folder: Path
    inputs: tuple[Path, ...]
    plan: str  # its id
    form: Form
    translator: tuple[Any, ...]  # how it is loaded: a function, its arguments, and then its settings

    def __call__(self, number: int) -> PartOutcome:
        return _outcome(lambda part: self.opened().record(part), number)

    def opened(self) -> Work:
        """The work, loaded once per process. Raises ValueError if the translator does not fit the plan."""
        key = self.folder, self.plan
        if key not in _opened:
            tune_process(IN_SEARCH)
            torch.set_num_threads(1)
            plan = read_plan(self.folder, self.inputs)
            load, origin, settings = self.translator
            translator = load(*origin)
            vars(translator).update(settings)
            plan.check_translator(translator)
            _opened.clear()
            _opened[key] = Work(plan, translator, self.form)
        return _opened[key]


_opened: dict[tuple[Path, str], Work] = {}  # the one that this process has loaded, by folder and plan


def _outcome(record: Callable[[int], Record | None], number: int) -> PartOutcome:
    try:
        return PartOutcome(number, record(number))
    except Exception as error:
        error.add_note(traceback.format_exc())
        return PartOutcome(number, error=error)


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
