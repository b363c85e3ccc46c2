"""Test sets in files other than lines: a memory or a translated document of both sides, subtitles, a table."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from nmt.formats import FORMATS, TEXT, format_of, opened, read_document, whole
from nmt.formats.document import DocumentOptions
from nmt.formats.inline import plain
from nmt.formats.sniff import markup_of

WMT = re.compile(r"(?is)\s*(?:<\?xml[^>]*>\s*)?(?:<!doctype[^>]*>\s*)?<(?:srcset|refset|tstset|mteval|dataset|doc)\b")


def is_document(path: Path) -> bool:
    """Whether a file holds more than lines. Of a TSV each column is lines (evaluation_set.py)."""
    return format_of(path) not in (TEXT, "tsv")


def languages_of(options: argparse.Namespace) -> tuple[str, str]:
    """Of the first model among the options, and --tgt."""
    from nmt.bundle import load_config
    from nmt.hub import local

    given = getattr(options, "model", None) or getattr(options, "systems", None) or ()
    models = [Path(local(one)) for one in given]
    found = next((load_config(path)[0] for path in models if path.is_dir()), None)
    return (found.src if found else "", getattr(options, "tgt", None) or (found.tgt if found else ""))


def both_sides(path: Path, languages: tuple[str, str]) -> tuple[list[str], list[str]]:
    """The sources and the references of a file that has both. Raises ValueError where it has none, or faults."""
    from nmt.data.pair_files import has_known_suffix, read_rows

    if not has_known_suffix(path.name):
        raise ValueError(f"{path} has one language; --ref must be another file than --src")
    rows = list(read_rows(path, *languages))
    for row in rows:
        if row.faults:
            raise ValueError(row.faults[0])
    if not rows:
        raise ValueError(f"{path} has no translated text in it")
    return [row.pair.src for row in rows], [row.pair.tgt for row in rows]


def one_side(path: Path, languages: tuple[str, str], is_ref: bool) -> list[str]:
    """All sources of a document, or, of one with both languages, its translations where it is a reference."""
    kind = format_of(path)
    if is_ref and FORMATS[kind].bilingual:
        return both_sides(path, languages)[1]
    with opened(path) as file:
        data = whole(file, str(path))
    document_options = DocumentOptions(languages[is_ref], "" if is_ref else languages[1], retranslate=True)
    segments = read_document(kind, data, str(path), document_options).segments
    return [" ".join((plain(one.text) if one.markup else one.text).split()) for one in segments]


def refuse_markup(path: Path, lines: Sequence[str]) -> None:
    """Raises ValueError for lines that are a file's markup: a score of them would be of no text."""
    if WMT.match("\n".join(lines[:20])):
        raise ValueError(
            f"{path} is a test set of WMT in SGML or XML. Published ones: --testset wmt19 --langpair de-en; as "
            "lines: sacrebleu --test-set wmt19 --language-pair de-en --echo src (or ref)"
        )
    if found := markup_of(lines):
        raise ValueError(f"{path} looks like {found[0]}, not like lines of text; call it so: NAME.{found[1]}")
