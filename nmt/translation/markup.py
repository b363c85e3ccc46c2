"""Parts that no model translates, such as tags: taken out of texts, and put into their translations by the links."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from nmt.text.edits import Edited
from nmt.text.guard import Guard
from nmt.text.markup import Markup, put_behind
from nmt.text.pieces import diagonal, links
from nmt.text.protection import Masked
from nmt.text.restoring import forced
from nmt.text.restoring import unmasked as restore
from nmt.translation.values import Translation, TranslationTask

Terms = Sequence[tuple[int, int, str]]  # as Guard.terms
NOTHING = Markup("", ())
CONTROL = re.compile(r"<(?!0x)[^<>\s]{1,80}>")  # a piece that occurs in no text, such as <2de>


def around_markup(
    texts: list[str],
    prefixes: list[str] | None,
    task: TranslationTask,
    guard: Guard,
    tags: bool,
    translate: Callable[[list[str], list[str] | None, TranslationTask], list[Translation]],
) -> list[Translation]:
    """Translations of texts. By the alignment, their tags and other kept parts are put back and the glossary's terms
    are forced. `translate` is called with plain texts, their prefixes, and the task."""
    markups = [guard.taken_out(text, tags) for text in texts]
    beginnings = prefixes or [""] * len(texts)
    starts = [guard.taken_out(beginning, tags) for beginning in beginnings]
    plain = [markup.plain for markup in markups]
    terms = [guard.terms(text) for text in plain]
    if any(terms) or any(markup.elements for markup in markups):
        task = replace(task, alignment=True, plain=False)
    found = translate(plain, None if prefixes is None else [start.plain for start in starts], task)

    def put_back(markup: Markup, terms: Terms, beginning: str, start: Markup, one: Translation) -> Translation:
        return with_tags(markup, with_terms(markup.plain, terms, one, start.plain), beginning, start)

    parts = zip(markups, terms, beginnings, starts, strict=True)
    return [on_each(partial(put_back, *of_text), one) for of_text, one in zip(parts, found, strict=True)]


def on_each(change: Callable[[Translation], Translation], translation: Translation) -> Translation:
    """A translation with a change applied to it and to its alternatives."""
    alternatives = tuple(map(change, translation.alternatives))
    return replace(change(translation), alternatives=alternatives)


def linked(src: str, one: Translation) -> Translation:
    """A translation of a text with links computed from the alignment."""
    pieces = [piece if not CONTROL.fullmatch(piece) else "" for piece in one.src_tokens[:-1]]
    return replace(one, links=links(src, pieces, one.text, one.tokens, one.alignment))


def with_tags(markup: Markup, one: Translation, prefix: str = "", start: Markup = NOTHING) -> Translation:
    """A translation of the plain text with the tags put back. The translation was forced to begin with the plain text
    of the prefix (`start`); the result begins with the prefix itself."""
    links = one.links or diagonal(markup.plain, one.text)
    return replace(one, text=put_behind(markup, prefix, start, one.text, links))


def unmasked(source: Masked, one: Translation, prefix: str = "") -> Translation:
    """A translation with the symbols replaced by what they stand for. `prefix` is what the translation was forced to
    begin with."""
    found = restore(source, one.text, one.links or diagonal(source.text, one.text), prefix)
    before = Edited("", source.edits)
    moved = tuple((*before.now(*link[:2]), *found.now(*link[2:])) for link in one.links)
    return replace(one, text=found.text, links=moved)


def with_terms(src: str, terms: Terms, one: Translation, prefix: str) -> Translation:
    """A translation with the glossary's terms forced, if any. `prefix` is what the translation was forced to begin
    with."""
    if not terms:
        return one
    found = forced(src, terms, one.text, one.links or diagonal(src, one.text), prefix)
    moved = tuple((*link[:2], *found.now(*link[2:])) for link in one.links)
    return replace(one, text=found.text, links=moved)
