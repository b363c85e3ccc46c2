"""nmt-translate -i FILE -o FILE: translates lines of text, as from stdin, or a document's segments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from nmt.answers import GROUP, Answer, Form, answers
from nmt.cli.errors import warn
from nmt.cli.remarks import Remarks
from nmt.common.bars import bar
from nmt.common.files import from_home, output_at
from nmt.common.stream import CHUNK_BYTES, Line, group_lines, read_groups
from nmt.formats import FORMATS, OTHERS, TEXT, TSV, format_of, read_document
from nmt.formats.document import DocumentOptions, Segment
from nmt.formats.files import check_compression, opened, whole
from nmt.formats.inline import lines_of, parts_of, with_lines
from nmt.formats.sniff import markup_of

if TYPE_CHECKING:
    from nmt.translation.workers import Workers

COMMAND = "nmt-translate"
STDOUT = Path("-")


def add_file_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("files, instead of stdin and stdout (docs/formats.md)").add_argument
    add(
        "-i",
        "--input",
        type=path_or_stdin,
        metavar="FILE",
        help="text, or by its suffix XLIFF, TMX, PO, HTML, Markdown, SRT, VTT, ASS, XLSX, CSV, TSV, DOCX, PPTX, ODT",
    )
    add("-o", "--output", type=Path, metavar="FILE", help="written when all is translated; - is stdout")
    add(
        "--format",
        choices=[TEXT, *FORMATS],
        metavar="NAME",
        help=f"whatever the suffix: {TEXT}, {', '.join(FORMATS)}",
    )
    add(
        "--column",
        metavar="SOURCE[:TARGET]",
        help="of a table whose first row does not name the languages: columns by name, letter or number (1:2)",
    )
    add("--retranslate", action="store_true", help="also what has a translation, which otherwise stays as it is")
    add(
        "--state",
        choices=["translated", "review"],
        help="of what is translated: review is fuzzy in PO, and needs-review-translation in XLIFF 1.2 (translated)",
    )


def path_or_stdin(text: str) -> Path | None:
    """The path; None for "-", as if no file were given."""
    return None if text == "-" else from_home(text)


def kind_of(options: argparse.Namespace) -> str:
    """The format of the input. Raises ValueError for options that do not fit it."""
    there = options.input is not None
    kind = options.format or (format_of(options.input) if there else TEXT)
    if there and not options.format and (better := OTHERS.get(options.input.suffix.lower())):
        raise ValueError(f"{options.input} is of a format that is not read; save it as {better}")
    _refuse_options(kind, options)
    _refuse_suffix(kind, options)
    if kind != TEXT:
        for name in ("nbest", "json", "score", "prefix"):
            if getattr(options, name):
                raise ValueError(f"--{name} is for lines of text; in {kind} a segment has one translation")
        if there and options.output is None:
            raise ValueError(f"-o says where the translated document goes, such as -o {_example(options.input)}")
    if there and (kind == TEXT or not FORMATS[kind].bilingual) and _same(options.input, options.output):
        raise ValueError(f"{options.output} would take the place of the only text that is not translated")
    return kind


def _refuse_options(kind: str, options: argparse.Namespace) -> None:
    """Raises ValueError for an option that has no effect in this format."""
    for name in ("column", "retranslate", "state"):
        if not getattr(options, name):
            continue
        if kind == TEXT:
            raise ValueError(f"--{name} is for documents, and lines of text are none; -i FILE or --format says which")
        if name not in FORMATS[kind].options:
            others = ", ".join(other for other, one in FORMATS.items() if name in one.options)
            raise ValueError(f"--{name} does nothing in {kind}; it is for {others}")


def _refuse_suffix(kind: str, options: argparse.Namespace) -> None:
    """Raises ValueError for an output whose suffix is of another format. Lines of text may go to a TSV; if --format
    overrides the suffix of the input, the output may have that suffix, too."""
    if options.output in (None, STDOUT):
        return
    check_compression(options.output)
    if options.format == TEXT:
        return
    there, right = format_of(options.output), {TEXT, kind, TSV if kind == TEXT else kind}
    if options.format and options.input:
        right.add(format_of(options.input))
    if there not in right:
        what = "lines of text" if kind == TEXT else kind
        raise ValueError(f"{options.output} is the name of a file in {there}, but the translation is {what}")


def _example(path: Path) -> str:
    name, dot, suffix = path.name.partition(".")
    return f"{name}.translated{dot}{suffix}"


def _same(one: Path, other: Path | None) -> bool:
    return other not in (None, STDOUT) and other.exists() and one.exists() and one.samefile(other)


@contextmanager
def groups_of_lines(path: Path | None) -> Iterator[Iterator[list[Line]]]:
    """The lines of a file, or of stdin, in groups."""
    if path is None:
        yield read_groups(sys.stdin.fileno(), GROUP)
        return
    with opened(path) as file:
        yield group_lines(iter(lambda: file.read(CHUNK_BYTES), b""), GROUP)


@contextmanager
def output(path: Path | None) -> Iterator[BinaryIO]:
    """The stream for translations: stdout, or a file, compressed by its suffix, that appears when all are written."""
    if path in (None, STDOUT):
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    from nmt.distribution.compression import writing

    with output_at(path) as file, writing(file, "gz" if path.suffix == ".gz" else "", level=9) as packed:
        yield packed


def warn_of_markup(lines: Sequence[str]) -> None:
    """Warn once if the lines look like a file's markup, and say which option keeps it; they are translated anyway."""
    if found := markup_of(lines):
        what, suffix = found
        warn(
            COMMAND,
            f"the input looks like {what}, and its markup is translated as if it were text; -i FILE.{suffix} -o "
            f"OUT.{suffix} keeps it (--format where the name does not tell)",
        )


def translate_document(kind: str, options: argparse.Namespace, workers: Workers, form: Form) -> None:
    """Read, translate and write a document. Raises ValueError for an unreadable file before anything is written."""
    from nmt.formats.language_tags import same_language

    data, name = _content(options.input)
    src, tgt = workers.translator.languages

    def note(text: str) -> None:
        if not options.quiet:
            warn(COMMAND, text)

    given = DocumentOptions(src, tgt, options.retranslate, options.state or "translated", options.column, note)
    document = read_document(kind, data, name, given)
    for code, own, side in zip(document.languages, (src, tgt), ("source", "target"), strict=True):
        if not same_language(code, own):
            warn(COMMAND, f"{name} says that its {side} is {code!r}, but the model's is {own!r}")
    segments = document.segments
    with output(options.output) as file:  # opened first: where nothing can be written, no work is lost
        file.write(document.with_targets(translations(workers, segments, form, options.split != "none")))
    kept = f", {document.kept} had a translation, which is kept (--retranslate)" if document.kept else ""
    note(f"{name}: of {len(segments) + document.kept} segments {len(segments)} translated{kept}")


def _content(path: Path | None) -> tuple[bytes, str]:
    if path is None:
        return whole(sys.stdin.buffer, "stdin"), "stdin"
    with opened(path) as file:
        return whole(file, str(path)), str(path)


def translations(workers: Workers, segments: Sequence[Segment], form: Form, advises: bool) -> list[str]:
    """A translation of each segment. Repeated texts are translated once; lines within a segment are translated one by
    one, and blank space at their ends is kept."""
    texts = lines_of(segments)
    form = replace(form, tags=True)
    known: dict[str, Answer] = {}
    with bar("translating", len(texts), "segments") as workers.done:
        for start in range(0, len(texts), GROUP):
            group = [Line(number, text) for number, text in enumerate(texts[start : start + GROUP], start + 1)]
            known |= {line.text: answer for line, answer in zip(group, answers(workers, group, form), strict=True)}
    with Remarks(COMMAND, "segment", advises) as remarks:
        for number, segment in enumerate(segments, 1):
            remarks.tell(number, [known[part] for part in parts_of(segment) if part in known])
    if form.check:
        warn(COMMAND, remarks.check.summary)
    return with_lines(segments, {text: answer.lines[0] for text, answer in known.items()})
