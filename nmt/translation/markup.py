"""What no model translates is taken out of texts before, and put back into their translations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nmt.text.guard import Guard
from nmt.translation.values import Task, Translation, with_tags, with_terms


def around_markup(
    texts: list[str],
    prefixes: list[str] | None,
    task: Task,
    guard: Guard,
    tags: bool,
    translate: Callable[[list[str], list[str] | None, Task], list[Translation]],
) -> list[Translation]:
    """Translations of texts, with their tags and what else is kept put back, and the glossary's terms forced, by the
    alignment. `translate` is given plain texts, their prefixes, and the task."""
    markups = [guard.taken_out(text, tags) for text in texts]
    starts = None if prefixes is None else [guard.taken_out(prefix, tags).plain for prefix in prefixes]
    plain = [markup.plain for markup in markups]
    terms = [guard.terms(text) for text in plain]
    if any(terms) or any(markup.elements for markup in markups):
        task = replace(task, alignment=True, plain=False)
    found = translate(plain, starts, task)
    return [
        with_tags(markup, with_terms(markup.plain, forced, translation, start))
        for markup, forced, translation, start in zip(markups, terms, found, starts or [""] * len(found), strict=True)
    ]
