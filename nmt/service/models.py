"""The process that holds the models: it loads them once, and forks workers that share their memory.

processes.py starts it with a pipe, whose first message is the settings. Each further one asks for one more worker, in
place of a dead one or of none, 0; the answer carries its pipe, or is an error. Workers are those of nmt-translate
(see translation/forks.py). So no worker is forked from the HTTP process, whose sockets it would hold open, and that
process never waits while a new model is loaded.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache, partial
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from typing import TYPE_CHECKING, Any, NoReturn

from nmt.common.json_text import to_json
from nmt.common.log_lines import place_of
from nmt.data.tokenizer import EOS_ID
from nmt.service.messages import Batch, Inspection, SegmentResult
from nmt.text.sentences import LONG

if TYPE_CHECKING:
    from nmt.translation.translator import Translator
    from nmt.translation.values import Split, Translation

logger = logging.getLogger(__name__)


class Models:
    """The methods of a worker, by pair. Their errors reveal nothing of the texts."""

    def __init__(self, translators: Mapping[str, Translator]) -> None:
        self.translators = translators

    @classmethod
    def load(cls, settings: Mapping[str, Any]) -> Models:
        """Raises ValueError for an invalid model."""
        from nmt.common.process import IN_SEARCH, tune_process

        tune_process(IN_SEARCH)
        import torch

        from nmt.search import with_beam_size
        from nmt.translation.translator import Translator

        torch.set_num_threads(1)

        @cache  # a model of several pairs is loaded once
        def load(folders: tuple[str, ...]) -> Translator:
            translator = Translator.load(folders, "cpu", settings["compute"])
            if beam_size := settings["beam_size"]:
                translator.search = with_beam_size(translator.search, beam_size)
            return translator

        return cls({pair: in_direction(load(tuple(folders)), pair) for pair, folders in settings["pairs"].items()})

    def translate(self, batch: Batch) -> list[SegmentResult]:
        pair, texts, alternatives, markup = batch
        translator = self.translators[pair]
        with _unsaid():
            nbest = min(alternatives + 1, translator.search.width) if alternatives else 0
            if markup == "html":
                found = translate_tagged(translator, texts, nbest)
            elif markup:
                found = translate_lines(translator, texts)
            else:
                found = translator.translate(texts, nbest=nbest, plain=not nbest)
            pieces = translator.tokenizer.encode_src(list(texts))
            return [_result(one, len(ids) - 1) for one, ids in zip(found, pieces, strict=True)]

    def inspect(self, wanted: Inspection) -> str:
        """The parts of an inspection, as JSON, limited to one piece's step if a piece is given. "" for a text without
        pieces, which need not be blank."""
        from nmt.inspection import inspect_sentence

        translator, piece = self.translators[wanted.pair], wanted.piece
        with _unsaid():
            if translator.tokenizer.encode_src([wanted.text]) == [[EOS_ID]]:
                return ""
            found = inspect_sentence(translator, wanted.text, wanted.parts, wanted.translation)
            return to_json(found if piece is None else _of_piece(found, *piece))


def translate_tagged(translator: Translator, texts: Sequence[str], nbest: int) -> list[Translation]:
    """Translate texts in which all tags and entities are markup, and put the tags back."""
    from nmt.text.markup import take_out
    from nmt.translation.markup import on_each, with_tags

    # Always escaped: otherwise the translation of a text without & could be read as a tag.
    markups = [replace(take_out(text), escaped=True) for text in texts]
    found: dict[int, Translation] = {}
    for tagged in (False, True):
        numbers = [i for i, markup in enumerate(markups) if bool(markup.elements) == tagged]
        plain = [markups[i].plain for i in numbers]
        translated = translator.translate(plain, nbest=nbest, alignment=tagged, plain=not nbest)
        found |= {i: on_each(partial(with_tags, markups[i]), one) for i, one in zip(numbers, translated, strict=True)}
    return [found[i] for i in range(len(texts))]


def translate_lines(translator: Translator, lines: Sequence[str]) -> list[Translation]:
    """Translate lines of a file; tags (as in nmt/formats) and placeholders are kept. Sentences of long lines are
    translated one by one."""
    assert translator.direction
    keeping = translator.toward(translator.direction)
    keeping.rules = translator.rules.keeping(["placeholders"])
    divided: dict[Split, list[str]] = {"none": [], "sentences": []}
    for line in lines:
        divided["sentences" if len(line) > LONG else "none"].append(line)
    found: dict[str, Translation] = {}
    for split, some in divided.items():
        found |= zip(some, keeping.translate(some, plain=True, tags=True, split=split), strict=True)
    return [found[line] for line in lines]


def _of_piece(found: dict[str, Any], side: str, place: int) -> dict[str, Any]:
    """Only one place of an inspection: in layers that read this side, and in the search."""
    kept = {key: value for key, value in found.items() if key not in ("layers", "search")}
    if "layers" in found:
        kept["layers"] = {
            name: {
                what: {key: rows[place] for key, rows in layer[what].items() if place < len(rows)}
                for what in ("gates", "states", "kept")
            }
            for name, layer in found["layers"].items()
            if layer["of_source"] == (side == "src")
        }
    if "search" in found:
        steps = found["search"]
        kept["search"] = steps[place] if side == "tgt" and place < len(steps) else []
    return kept


def in_direction(translator: Translator, pair: str) -> Translator:
    """A translator for the pair's direction that shares everything with one of several directions. Raises ValueError
    if it has no such direction."""
    if translator.directions.only:  # whatever the pair's name
        return translator
    found = [one for one in translator.directions.every if "-".join(one) == pair]
    if not found:
        raise ValueError(f"--pair {pair}: the model does not translate so; it has: {translator.directions}")
    return translator.toward(found[0])


def _result(one: Translation, pieces: int) -> SegmentResult:
    others = dict.fromkeys(other.text for other in one.alternatives[1:] if other.text != one.text)
    return SegmentResult(one.text, list(others), one.score, pieces)


@contextmanager
def _unsaid() -> Iterator[None]:
    """Turn errors into RuntimeErrors that need no library to unpickle, without messages, which may quote a text."""
    try:
        yield
    except Exception as error:
        raise RuntimeError(place_of(error)) from None


def serve(control: Connection) -> None:
    """Load the models, then fork a worker for each message. Raises EOFError when the other end is closed."""
    try:
        models = Models.load(control.recv())
    except (ValueError, OSError, MemoryError) as error:
        control.send((True, ValueError(str(error) or type(error).__name__)))
        return
    from nmt.translation.forks import Worker

    descriptor = control.fileno()  # kept open in a worker, it would hide this process's end
    os.register_at_fork(after_in_child=lambda: os.close(descriptor))
    workers: dict[int, Worker] = {}
    while True:
        dead = workers.pop(control.recv(), None)
        cause = dead.end() if dead else ""
        try:
            worker = Worker(models)
        except ChildProcessError as error:
            control.send((True, error))
            continue
        workers[worker.pid] = worker
        control.send((False, (worker.pid, cause)))
        send_handle(control, worker.connection.fileno(), os.getppid())
        worker.connection.close()


def main() -> NoReturn:
    """Entry point of the process; its argument is the number of the pipe."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the HTTP process decides
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the HTTP process has gone
        serve(Connection(int(sys.argv[1])))
    os._exit(0)


if __name__ == "__main__":
    main()
