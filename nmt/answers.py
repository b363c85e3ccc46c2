"""The answer to a line of input: a translation as text or JSON, an n-best list, or a score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from nmt.common.json_text import to_json
from nmt.common.stream import Line
from nmt.text.check import lost_parts

if TYPE_CHECKING:
    from nmt.translation.translator import Translator
    from nmt.translation.values import Translation
    from nmt.translation.workers import Workers

TOO_LONG = "too long; its end is left out"
CROWDED = "several sentences, together longer than what was learned, so some may be lost; see --split sentences"
CUT = "a sentence longer than what was learned; it is translated in parts"
GROUP = 2048  # lines of a file that are sorted by length and translated together


@dataclass(frozen=True)
class Form:
    """The wanted output and the form of the input lines: options of nmt-translate."""

    nbest: int = 0  # so many lines `number ||| text ||| score` for each input line
    json: bool = False
    prefix: bool = False  # lines are `source TAB beginning`
    score: bool = False  # lines are `source TAB translation`
    batch_size: int | None = None
    tags: bool | None = None  # treat what looks like a tag as markup; None: as the model says
    check: bool = False  # report what the translation lacks


class Answer(NamedTuple):
    lines: list[str]  # more than one only for an n-best list
    fault: str | None = None  # what was wrong with the line of input
    lost: tuple[tuple[str, str], ...] = ()  # what the translation lacks (text/check.py), with `Form.check`
    advice: str | None = None  # a hint for the user; many lines may have the same one


def answers(translator: Translator | Workers, group: Sequence[Line], form: Form) -> Iterator[Answer]:
    """The answer to each line."""
    lines = [_pair(line, form) for line in group]
    srcs, tgts = [line.text for line, _ in lines], [tgt for _, tgt in lines]
    if form.score:
        translations = translator.score(srcs, tgts, batch_size=form.batch_size, tags=form.tags)
    else:
        translations = translator.translate(
            srcs,
            nbest=form.nbest,
            alignment=form.json,
            plain=not form.json and not form.nbest,
            batch_size=form.batch_size,
            prefixes=tgts if form.prefix else None,
            tags=form.tags,
        )
    for (line, _), translation in zip(lines, translations, strict=True):
        fault = TOO_LONG if translation.truncated else line.fault
        lost = tuple(lost_parts(line.text, translation.text)) if form.check and not form.score else ()
        yield Answer(list(formatted(line.number, translation, form, lost)), fault, lost, _advice(translation))


def _pair(line: Line, form: Form) -> tuple[Line, str]:
    """The source, and the given part of the target."""
    if not form.score and not form.prefix:
        return line, ""
    src, tab, tgt = line.text.partition("\t")
    fault = line.fault if tab or form.prefix else "no TAB; its translation is taken for empty"
    return Line(line.number, src, fault), tgt


def _advice(translation: Translation) -> str | None:
    if translation.crowded:
        return CROWDED
    return CUT if any(sentence.is_part for sentence in translation.sentences) else None


def formatted(
    number: int, translation: Translation, form: Form, lost: Sequence[tuple[str, str]] = ()
) -> Iterator[str]:
    """The output lines for the translation of one input line."""
    if form.json:
        yield to_json(as_json(translation) | ({"lost": [part for _, part in lost]} if form.check else {}))
    elif form.score:
        yield f"{translation.log_prob:.4f}"
    elif form.nbest:
        for hypothesis in translation.alternatives or (translation,):
            yield f"{number} ||| {hypothesis.text} ||| {hypothesis.score:.4f}"
    else:
        yield translation.text


def as_json(translation: Translation) -> dict[str, Any]:
    names = ["text", "score", "log_prob", "estimated", "tokens", "src_tokens"]
    names.append("token_log_probs" if translation.token_log_probs else "alignment")
    data: dict[str, Any] = {name: getattr(translation, name) for name in names}
    if translation.sentences:
        data["sentences"] = [
            {name: getattr(sentence, name) for name in ("src", "text", "score", "log_prob", "is_part")}
            for sentence in translation.sentences
        ]
    if translation.alternatives:
        data["nbest"] = [as_json(hypothesis) for hypothesis in translation.alternatives]
    return data
