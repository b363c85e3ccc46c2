"""Elements of HTML that are copied whole, and their ends, as end tags may be omitted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from nmt.html.tokens import Token
from nmt.text.markup import VOID


def names(text: str) -> frozenset[str]:
    return frozenset(text.split())


UNTRANSLATED = names(
    "code iframe kbd math noembed noframes noscript pre rp rt rtc samp script style svg template textarea var xmp"
)
_GROUPS = "tbody tfoot thead"
# Element -> elements whose start tag ends it.
_ENDING = {
    "li": names("li"),
    **dict.fromkeys(["dt", "dd"], names("dt dd")),
    **dict.fromkeys(["rt", "rp"], names("rt rp")),
    **dict.fromkeys(["td", "th"], names(f"td th tr {_GROUPS}")),
    "tr": names(f"tr {_GROUPS}"),
    **dict.fromkeys(_GROUPS.split(), names(_GROUPS)),
    "option": names("option optgroup hr"),
    "optgroup": names("optgroup hr"),
    "p": names(
        "address article aside blockquote caption center dd details dialog dir div dl dt fieldset figcaption figure "
        "footer form h1 h2 h3 h4 h5 h6 header hgroup hr li listing main menu nav ol optgroup option p plaintext pre "
        f"search section summary table td th tr ul xmp {_GROUPS}"
    ),
}
# Inside these, a start tag does not end an element outside.
_WITHIN = dict.fromkeys(["td", "th", "tr", *_GROUPS.split()], names("table template"))
_WITHIN_OTHERS = names("button dl menu object ol select table template ul")


class CopiedElement:
    """An element, from its opening tag on. The time for a token does not depend on the depth."""

    def __init__(self, token: Token) -> None:
        self.contents = [token.content]
        self.name = token.name
        self._open = [token.name]  # its name, and those of open elements in it
        self._numbers = Counter(self._open)

    def ends_before(self, token: Token, around: Mapping[str, int]) -> bool:
        """Whether the next token shows that the end tag was omitted; `around` counts the names of the open elements
        around this one."""
        if self.name not in _ENDING:
            return False
        if token.closes:
            return not self._numbers[token.name] and around.get(token.name, 0) > 0
        within = _WITHIN.get(self.name, _WITHIN_OTHERS)
        return token.name in _ENDING[self.name] and not any(self._numbers[name] for name in within)

    def ends_with(self, token: Token) -> bool:
        """Take the next token; returns whether the element ends with it."""
        self.contents.append(token.content)
        if token.closes:
            self._close(token.name)
        elif token.name and token.name[0] != "!" and token.name not in VOID and not token.is_empty:
            self._open.append(token.name)
            self._numbers[token.name] += 1
        return not self._open

    def _close(self, name: str) -> None:
        last = ""
        while self._numbers[name] and last != name:
            last = self._open.pop()
            self._numbers[last] -= 1


def is_copied(token: Token) -> bool:
    """Whether an opening tag begins an element that is copied whole."""
    if token.name in UNTRANSLATED:
        return True
    found = token.attributes
    return found.get("translate", "").lower() == "no" or "notranslate" in found.get("class", "").lower().split()
