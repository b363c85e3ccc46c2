"""PO files of gettext, with the Translate Toolkit.

A translation is not fuzzy, so that msgfmt uses it; with DocumentOptions.state "review" it is fuzzy, and msgfmt leaves
it out. An entry that is already fuzzy counts as untranslated, and is then no longer fuzzy. Obsolete entries and the
header stay, except that the header of a template gets Language and Plural-Forms if it lacks them.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO

from translate.lang import factory
from translate.storage.pypo import pofile

from nmt.formats.document import DocumentOptions, Unit
from nmt.formats.files import check_size, whole
from nmt.formats.inline import Inline, InlineDocument
from nmt.languages import CODE_OF
from nmt.text.tags import HTML, Piece, cut_at_tags, text_of_pieces

MAX_RULE = 1000  # characters
MAX_PLURALS = 6  # gettext's languages have no more
# Languages that the library lacks: codes of languages to use instead, and languages with a single form (CLDR).
LIKE = {"no": "nb", "tl": "fil", "tgl": "fil"}
ONE_FORM = {"zh", "cmn", "bm", "ig", "ii", "to"}
COUNT = re.compile(r"nplurals\s*=\s*([0-9]{1,3})\s*;\s*plural\s*=\s*(.+?);?\s*$")


class PoDocument(InlineDocument):
    """Raises ValueError if the file is not PO."""

    def __init__(self, data: bytes, name: str, options: DocumentOptions) -> None:
        super().__init__()
        self.store, self.is_fuzzy = _parsed(data, name), options.state == "review"
        header = self.store.parseheader()
        self.languages = ("", header.get("Language", ""))
        self.count, self.one = _plurals(self.store, header, options)
        for unit in self.store.units:
            if unit.isheader() or unit.isobsolete() or not str(unit.source).strip():
                continue
            if not options.retranslate and not unit.isfuzzy() and _is_full(unit):
                self.kept += 1
                continue
            texts = [Inline(cut_at_tags(text, HTML)) for text in _forms(unit, unit.source)]
            self.add(partial(self._put, unit), *texts)

    def _put(self, unit: Any, *forms: list[Piece]) -> None:
        found = list(map(text_of_pieces, forms))
        if len(found) > 1:
            unit.target = [found[0] if i == self.one else found[1] for i in range(self.count)]
        else:
            unit.target = found[0]
        unit.markfuzzy(self.is_fuzzy)
        unit.prev_msgctxt, unit.prev_msgid, unit.prev_msgid_plural = [], [], []  # belong to a fuzzy translation

    def written(self) -> bytes:
        return bytes(self.store)


def units(file: BinaryIO, name: str, src: str, tgt: str) -> Iterator[Unit]:
    """The translated entries; from those with plurals, the singular and the first plural form. A file names only the
    language of its translations."""
    store = _parsed(whole(file, name), name)
    header = store.parseheader()
    languages = "", str(header.get("Language", "")).strip()
    _, one = _plurals(store, header, DocumentOptions())
    for number, unit in enumerate(store.units, 1):
        if unit.isheader() or unit.isobsolete() or unit.isfuzzy() or not _is_full(unit):
            continue
        sources, forms = _forms(unit, unit.source), _forms(unit, unit.target)
        several = next((form for i, form in enumerate(forms) if i != one), forms[0])
        singular = [forms[one]] if len(forms) > 1 and one < len(forms) else []
        for of_src, of_tgt in zip(sources[-1:] if len(forms) == 1 else sources, [*singular, several], strict=False):
            if of_src.strip() and of_tgt.strip():
                yield Unit(" ".join(of_src.split()), " ".join(of_tgt.split()), number, languages)


def _is_full(unit: Any) -> bool:
    """Whether every form has a translation."""
    return all(form.strip() for form in _forms(unit, unit.target))


def _forms(unit: Any, text: Any) -> list[str]:
    """A text as a list, or all of its forms if it has plurals."""
    return [str(form) for form in (text.strings if unit.hasplural() else [text])]


def _parsed(data: bytes, name: str) -> Any:
    check_size(len(data), name)
    if not re.search(rb'^[ \t]*msgid[ \t]+"', data, re.MULTILINE):
        raise ValueError(f"{name} is no PO: it has no msgid")
    try:
        return pofile.parsestring(data)
    except Exception as error:  # of the library, or its dependencies
        raise ValueError(f"{name} is no PO: {' '.join(str(error).split()) or type(error).__name__}") from None


def _plurals(store: Any, header: Any, options: DocumentOptions) -> tuple[int, int]:
    """The number of plural forms of the target language, and the index of the singular: -1 if one form is for all
    numbers. A header without this information gets it."""
    match = COUNT.search(header.get("Plural-Forms", "")[:MAX_RULE])
    language = header.get("Language", "").strip() or options.tgt
    if match is None:
        code = language.replace("-", "_")
        count, rule = _known(CODE_OF.get(code.casefold(), code))
        if options.tgt and store.units and store.units[0].isheader():
            store.updateheader(add=True, Language=language, Plural_Forms=f"nplurals={count}; plural={rule};")
    else:
        count, rule = int(match[1]), match[2]
        if not 1 <= count <= MAX_PLURALS:
            raise ValueError(f"the header says nplurals={count}; it must be from 1 to {MAX_PLURALS}")
    one = 0
    with suppress(ValueError, RecursionError):  # a rule that gettext does not accept either
        one = gettext.c2py(rule)(1)
    if count == 1:
        return 1, -1
    return count, one if 0 <= one < count else 0


def _known(code: str) -> tuple[int, str]:
    """The number of forms of a language, and the rule, as the library knows them; it has 0 forms for unknown ones."""
    first = code.partition("_")[0]
    language = factory.getlanguage(LIKE.get(first, code))
    if language.nplurals:
        return int(language.nplurals), str(language.pluralequation)
    return (1, "0") if first in ONE_FORM else (2, "(n != 1)")
