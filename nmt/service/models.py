"""The process that holds the models: it loads them once, and forks workers that share their memory.

It is started by processes.py, which hands it a socket. The settings come on it as a line of JSON, and the answer says
why the models cannot be loaded, or nothing. Each line that follows asks for one more worker, and gets its pipe. A
worker is that of nmt-translate (see translation/forks.py). So nothing is ever forked from the process that speaks
HTTP, whose sockets a child would hold open, and a new model is loaded without a moment's wait there.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
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
    """What a worker can do, by pair. What it raises says nothing of the texts."""

    def __init__(self, translators: Mapping[str, Translator]) -> None:
        self.translators = translators

    @classmethod
    def load(cls, settings: Mapping[str, Any]) -> Models:
        """Raises ValueError for a model that is not sound."""
        from nmt.common.process import IN_SEARCH, tune_process

        tune_process(IN_SEARCH)
        import torch

        from nmt.search import with_beam_size
        from nmt.translation.translator import Translator

        torch.set_num_threads(1)
        beam_size = settings.get("beam_size")
        loaded: dict[str, Translator] = {}
        same: dict[tuple[str, ...], Translator] = {}  # one model for several pairs is loaded once
        for pair, folders in settings["pairs"].items():
            key = tuple(folders)
            if key not in same:
                same[key] = Translator.load(folders, "cpu", settings["compute"])
                if beam_size:
                    same[key].search = with_beam_size(same[key].search, beam_size)
            loaded[pair] = in_direction(same[key], pair)
        return cls(loaded)

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
        """The parts of an inspection, as JSON; of one piece alone what that piece's step has. "" for a text without
        a piece, which need not be blank."""
        from nmt.inspection import inspect_sentence

        translator, piece = self.translators[wanted.pair], wanted.piece
        with _unsaid():
            if translator.tokenizer.encode_src([wanted.text]) == [[EOS_ID]]:
                return ""
            found = inspect_sentence(translator, wanted.text, wanted.parts, wanted.translation)
            return to_json(found if piece is None else _of_piece(found, *piece))


def translate_tagged(translator: Translator, texts: Sequence[str], nbest: int) -> list[Translation]:
    """Texts whose tags, all of them, and entities are markup, translated with their tags."""
    from nmt.text.markup import take_out
    from nmt.translation.markup import with_tags

    # Always escaped: else what the model makes of a text without a & could be read as a tag.
    markups = [replace(take_out(text), escaped=True) for text in texts]
    found: dict[int, Translation] = {}
    for tagged in (False, True):
        numbers = [i for i, markup in enumerate(markups) if bool(markup.elements) == tagged]
        plain = [markups[i].plain for i in numbers]
        translated = translator.translate(plain, nbest=nbest, alignment=tagged, plain=not nbest and not tagged)
        found |= {i: with_tags(markups[i], one) for i, one in zip(numbers, translated, strict=True)}
    return [found[i] for i in range(len(texts))]


def translate_lines(translator: Translator, lines: Sequence[str]) -> list[Translation]:
    """Lines of a file, with what nmt/formats spells as tags and with placeholders; of long ones each sentence on its
    own."""
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
    """Of the layers that read this side what they did at a place, and of the search its step."""
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
    """One that shares all with a translator of several directions, and translates in that of the pair alone. Raises
    ValueError where there is none."""
    if translator.directions.only:  # whatever the pair is called
        return translator
    found = [one for one in translator.directions.every if "-".join(one) == pair]
    if not found:
        raise ValueError(f"--pair {pair}: the model does not translate so; it has: {translator.directions}")
    return translator.toward(found[0])


def _result(one: Translation, pieces: int) -> SegmentResult:
    others = dict.fromkeys(other.text for other in one.alternatives[1:] if other.text != one.text)
    return SegmentResult(one.text, list(others), one.score, pieces, one.truncated)


@contextmanager
def _unsaid() -> Iterator[None]:
    """An error of the work, without its message, which may quote a text, and as a class that needs no library."""
    try:
        yield
    except Exception as error:
        raise RuntimeError(place_of(error)) from None


def serve(control: socket.socket) -> None:
    """Load what is asked for, then fork a worker for each line, until the other end is closed."""
    lines = control.makefile("rb")
    try:
        models = Models.load(json.loads(lines.readline()))
    except (ValueError, OSError, MemoryError) as error:
        control.sendall(to_json({"error": str(error) or type(error).__name__}).encode() + b"\n")
        return
    control.sendall(b"{}\n")
    from nmt.translation.forks import Worker

    descriptor = control.fileno()  # a worker that kept it would hide this process's end
    os.register_at_fork(after_in_child=lambda: os.close(descriptor))
    workers: dict[int, Worker] = {}
    for line in lines:
        dead = workers.pop(int(line), None)
        cause = dead.end() if dead else None
        try:
            worker = Worker(models)
        except ChildProcessError as error:
            control.sendall(to_json({"error": str(error)}).encode() + b"\n")
            continue
        workers[worker.pid] = worker
        answer = to_json({"pid": worker.pid, "cause": cause}).encode() + b"\n"
        socket.send_fds(control, [answer], [worker.connection.fileno()])
        worker.connection.close()


def main() -> NoReturn:
    """Entry point of the process; its argument is the number of the socket."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the process that speaks HTTP decides
    with suppress(BrokenPipeError, ConnectionResetError):  # it has gone
        serve(socket.socket(fileno=int(sys.argv[1])))
    os._exit(0)


if __name__ == "__main__":
    main()
