r"""Text and tags of a Markdown paragraph, and escaping of text for Markdown.

Emphasis, links and HTML tags around words are pairs. Code, pictures, addresses, formulas, footnote marks, escaped
characters (`\*`), emoji names, wiki links (`[[Hund]]`), template commands (`{{ x }}`) and hard line breaks are single
tags, and so is a link whose text is its name (`[text]`). A soft line break is a blank.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from markdown_it.common.utils import normalizeReference
from markdown_it.helpers import parseLinkDestination, parseLinkTitle

from nmt.formats.markdown_emphasis import DelimiterRun, match
from nmt.text.tags import Piece, Tag, joined, with_pairs

_ATTRIBUTE = r"""\s++[A-Za-z_:][\w.:-]*+(?:\s*+=\s*+(?:[^\s"'=<>`]++|'[^']*+'|"[^"]*+"))?+"""
TOKEN = re.compile(
    rf"""(?P<alone> \\[!-/:-@\[-`{{-~]
      | (?P<ticks>`++).*?(?<!`)(?P=ticks)(?!`)
      | \A\[\^[^\[\]\s]+\]:?+ | \[\^[^\[\]\s]+\] | \A\[[ xX]\](?=\s)
      | <(?:[A-Za-z][A-Za-z0-9+.-]{{1,31}}:[^<>\s]*|[^@<>\s]+@[^<>\s]+)>
      | \A\[!\w+\][ \t]*\n[ \t]*
      | \[\[[^\[\]\n]+\]\](?![(\[]) | \{{\{{[^{{}}\n]*\}}\}} | \{{%[^%\n]*%\}}
      | \{{[#.:][^{{}}\n]*\}} | \$\$[^$]+\$\$ | \$(?=\S)(?!\{{\w+\}})[^$\n]+(?<=\S)\$(?!\w)
      | (?<![\w:]):(?:[a-z][a-z0-9_+-]*+|[+-]1|100):(?![\w:])
      | \bhttps?://[^\s<>()\[\]]*[^\s<>()\[\].,:;!?'"*_])
    | <(?P<slash>/)?+(?P<name>[A-Za-z][A-Za-z0-9-]*+)(?:{_ATTRIBUTE})*+\s*+(?P<empty>/)?+>
    | (?P<until><!--|<\?|<!\[CDATA\[|<!(?=[A-Za-z]))
    | (?P<bracket>!?\[) | (?P<end>\])
    | (?P<mark>\*+|_+|(?<!~)~~(?!~)) | (?P<ticked>`+)
    | (?P<hard>(?:[ ]{{2,}}|\\)\n[ \t]*|\n[ \t]*:[ \t]+) | (?P<soft>[ ]?\n[ \t]*)""",
    re.VERBOSE | re.DOTALL,
)
ENDS = {"<!--": "-->", "<?": "?>", "<![CDATA[": "]]>", "<!": ">"}
LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){0,999})\]", re.DOTALL)
LONGEST_NAME = 999  # CommonMark, 6.3
# Characters that Markdown would read as a sign.
SIGN = re.compile(
    r"\\(?=[!-/:-@\[-`{-~]|$)|`|\*(?=\S)|(?<=\S)\*|(?<!\w)_(?=\S)|(?<=\S)_(?!\w)|<(?=[A-Za-z/!?])|\](?=[(\[])|~(?=~)"
)


def pieces_of(content: str, known: Mapping[str, Any], between: str = "\n") -> list[Piece]:
    """The text and the tags of a paragraph. `known` has the normalised names of defined links; `between` is what
    separates the texts of two lines."""
    parser = _InlineParser(content, known, between)
    place = 0
    while token := TOKEN.search(content, place):
        parser.pieces.append(content[place : token.start()])
        place = parser.take(token)
    parser.pieces.append(content[place:])
    return parser.joined()


def escaped(text: str) -> str:
    """A text, escaped so that Markdown does not read it as markup."""
    return SIGN.sub(r"\\\g<0>", text)


class _Bracket(NamedTuple):
    is_image: bool
    piece: int  # index of its piece
    start: int  # its position
    runs: int  # number of delimiter runs before it
    tags: int  # number of HTML tags before it


class _InlineParser:
    """The state of reading a paragraph: a piece that may open a pair is text until it is closed."""

    def __init__(self, content: str, known: Mapping[str, Any], between: str) -> None:
        self.content, self.known, self.between = content, known, between
        self.pieces: list[Piece | DelimiterRun] = []
        self.brackets: list[_Bracket] = []
        self.linked = 0  # so many of these cannot begin a link, because they contain one
        self.runs: list[DelimiterRun] = []  # outside complete links
        self.tags: list[tuple[int, str, str]] = []  # of HTML: index of the piece, "open" or "close", name
        self.ends: dict[str, int] = {}  # end of a comment and the like -> its last position

    def take(self, token: re.Match[str]) -> int:
        """Process a token and return the position to go on from."""
        start, end = token.span()
        if token["soft"]:
            self.pieces.append(" ")
        elif token["hard"]:
            self.pieces.append(
                self._alone(token["hard"].rstrip(" \t") if token["hard"][0] != "\n" else token["hard"])
            )
        elif token["alone"]:
            self.pieces.append(self._alone(token[0].rstrip(" \t")))
        elif token["until"]:
            return self._until(token)
        elif token["name"]:
            if not token["empty"]:
                kind = "close" if token["slash"] else "open"
                self.tags.append((len(self.pieces), kind, token["name"].lower()))
            self.pieces.append(self._alone(token[0]))
        elif token["bracket"]:
            is_image = token[0] == "!["
            self.brackets.append(_Bracket(is_image, len(self.pieces), start, len(self.runs), len(self.tags)))
            self.pieces.append(token[0])
        elif token["end"]:
            return self._end_link(end)
        elif token["mark"]:
            self.runs.append(DelimiterRun(token[0], self.content[start - 1 : start], self.content[end : end + 1]))
            self.pieces.append(self.runs[-1])
        else:
            self.pieces.append(token[0])
        return end

    def joined(self) -> list[Piece]:
        match(self.runs)
        found: list[Piece] = []
        numbers = []  # index of each piece in `found`
        for piece in self.pieces:
            numbers.append(len(found))
            found += piece.pieces if isinstance(piece, DelimiterRun) else [piece]
        names = {numbers[number]: (kind, name) for number, kind, name in self.tags}
        return list(joined(with_pairs(found, names)))

    def _alone(self, text: str) -> Tag:
        return Tag("alone", text.replace("\n", self.between))

    def _until(self, token: re.Match[str]) -> int:
        """A comment, or another HTML construct that ends with fixed characters."""
        last = ENDS[token["until"]]
        if self.ends.setdefault(last, self.content.rfind(last)) < token.end():
            self.pieces.append(token[0])
            return token.end()
        end = self.content.index(last, token.end()) + len(last)
        self.pieces.append(self._alone(self.content[token.start() : end]))
        return end

    def _end_link(self, end: int) -> int:
        bracket = self.brackets.pop() if self.brackets else None
        is_in_link = len(self.brackets) < self.linked
        self.linked = min(self.linked, len(self.brackets))
        if bracket is None or (is_in_link and not bracket.is_image):
            self.pieces.append("]")
            return end
        target = _target(self.content, end)
        named = LABEL.match(self.content, end)
        if not target and named and named[1].strip() and normalizeReference(named[1]) in self.known:
            target = named.end()
        own = self.content[bracket.start + 1 + bracket.is_image : end - 1]
        is_own = not target and len(own) <= LONGEST_NAME and normalizeReference(own) in self.known
        if is_own:
            target = named.end() if named and not named[1] else end
        if not target:
            self.pieces.append("]")
            return end
        match(self.runs[bracket.runs :])
        del self.runs[bracket.runs :]
        if is_own or bracket.is_image:
            self.pieces[bracket.piece :] = [self._alone(self.content[bracket.start : target])]
            del self.tags[bracket.tags :]
        else:
            self.pieces[bracket.piece] = Tag("open", "[")
            self.pieces.append(Tag("close", self._alone(self.content[end - 1 : target]).value))
        if not bracket.is_image:
            self.linked = len(self.brackets)
        return target


def _target(content: str, start: int) -> int:
    """The end of (address "title"); 0 if there is none."""
    if content[start : start + 1] != "(":
        return 0
    place = _after_blanks(content, start + 1)
    address = parseLinkDestination(content, place, len(content))
    if address.ok:
        place = _after_blanks(content, address.pos)
        title = parseLinkTitle(content, place, len(content))
        if place > address.pos and title.ok:
            place = _after_blanks(content, title.pos)
    return place + 1 if content[place : place + 1] == ")" else 0


def _after_blanks(content: str, place: int) -> int:
    while content[place : place + 1] in {" ", "\t", "\n"}:
        place += 1
    return place
