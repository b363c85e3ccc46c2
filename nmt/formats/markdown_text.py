r"""The text of a paragraph of Markdown with tags in it, and text that Markdown reads as such.

Emphasis, links and tags of HTML around words are pairs; code, pictures, addresses, formulas, marks of notes, escaped
characters (`\*`) and breaks of a line are single ones, and so is a link that is its own name (`[text]`). Where a
paragraph goes on in the next line is a blank.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nmt.formats.pieces import Piece, Tag

_TARGET = r"\((?:[^()\s\\]|\\.|\([^()\s]*\)|\s(?=[^()]*\)))*\)"  # (address "title")
_LABEL = r"\[(?:[^\[\]\\]|\\.)*\]"
TOKEN = re.compile(
    rf"""(?P<alone> \\[!-/:-@\[-`{{-~]
      | (?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)
      | !{_LABEL}(?:{_TARGET}|{_LABEL})?
      | \[\^[^\]\s]+\] | \A\[[ xX]\](?=\s)
      | <(?:[A-Za-z][A-Za-z0-9+.-]{{1,31}}:[^<>\s]*|[^@<>\s]+@[^<>\s]+)> | <!--.*?-->
      | \{{[#.:][^{{}}\n]*\}} | \$(?=\S)[^$\n]+(?<=\S)\$(?!\d)
      | \bhttps?://[^\s<>()\[\]]*[^\s<>()\[\].,;:!?'"*_])
    | <(?P<slash>/?)(?P<name>[A-Za-z][\w-]*)(?:\s[^<>]*)?(?P<empty>/?)>
    | (?P<link>\[) | (?P<end>\](?P<target>{_TARGET}|{_LABEL})?)
    | (?P<mark>\*+|_+|~~)
    | (?P<hard>(?:[ ]{{2,}}|\\)\n[ \t]*) | (?P<soft>[ ]?\n[ \t]*)""",
    re.VERBOSE | re.DOTALL,
)
# What would be a sign where it stands.
SIGN = re.compile(
    r"\\(?=[!-/:-@\[-`{-~]|$)|`|\*(?=\S)|(?<=\S)\*|(?<!\w)_(?=\S)|(?<=\S)_(?!\w)|<(?=[A-Za-z/!?])|\](?=[(\[])|~(?=~)"
)


def pieces_of(content: str, known: Mapping[str, Any], between: str = "\n") -> list[Piece]:
    """The text and the tags of a paragraph. `known` has the names of links that are defined, normalised; `between` is
    what stands between the texts of two of its lines."""
    scan = _Scan(content, known, between)
    for token in TOKEN.finditer(content):
        scan.take(token)
    return scan.joined()


def escaped(text: str) -> str:
    """A text whose signs Markdown reads as text."""
    return SIGN.sub(r"\\\g<0>", text)


class _Scan:
    """What was read of a paragraph: what may open a pair is text until it is closed."""

    def __init__(self, content: str, known: Mapping[str, Any], between: str) -> None:
        self.content, self.known, self.between = content, known, between
        self.pieces: list[Piece] = []
        self.opened: list[tuple[str, int, int]] = []  # what, which piece it is, where it stands
        self.end = 0

    def take(self, token: re.Match[str]) -> None:
        self.pieces.append(self.content[self.end : token.start()])
        self.end = token.end()
        if token["alone"]:
            self.pieces.append(Tag("alone", token[0]))
        elif token["soft"]:
            self.pieces.append(" ")
        elif token["hard"]:
            self.pieces.append(Tag("alone", token["hard"].partition("\n")[0] + self.between))
        elif token["mark"]:
            self._mark(token)
        elif token["link"]:
            self._open("[", token.start(), "[")
        elif token["end"]:
            self._end_link(token)
        elif token["slash"]:
            if not self._close(f"<{token['name'].lower()}", token[0]):
                self.pieces.append(Tag("alone", token[0]))
        elif token["empty"]:
            self.pieces.append(Tag("alone", token[0]))
        else:
            self._open(f"<{token['name'].lower()}", token.start(), token[0])

    def joined(self) -> list[Piece]:
        self.pieces.append(self.content[self.end :])
        for name, number, _ in self.opened:
            if name[0] == "<":
                self.pieces[number] = Tag("alone", self.pieces[number])
        found: list[Piece] = []
        for piece in self.pieces:
            if isinstance(piece, str) and found and isinstance(found[-1], str):
                found[-1] += piece
            elif piece != "":
                found.append(piece)
        return found

    def _open(self, name: str, start: int, text: str) -> None:
        self.opened.append((name, len(self.pieces), start))
        self.pieces.append(text)

    def _close(self, name: str, text: str) -> bool:
        """Make a pair of what was opened last by this name, if there is one; what was opened in it is no pair."""
        if name not in [one for one, *_ in self.opened]:
            return False
        other = ""
        while other != name:
            other, number, _ = self.opened.pop()
            if other[0] == "<" and other != name:
                self.pieces[number] = Tag("alone", self.pieces[number])
        self.pieces[number] = Tag("open", self.pieces[number])
        self.pieces.append(Tag("close", text))
        return True

    def _mark(self, token: re.Match[str]) -> None:
        before, after = self.content[: token.start()][-1:], self.content[token.end() :][:1]
        inside = token["mark"][0] == "_" and before.isalnum() and after.isalnum()
        rest = token["mark"]
        for number in range(len(self.opened) - 1, -1, -1):
            name = self.opened[number][0]
            if inside or not before.strip() or not rest or not rest.startswith(name):
                break
            self._close(name, name)
            rest = rest[len(name) :]
        if rest and after.strip() and not inside:
            self._open(rest, token.start(), rest)
        elif rest:
            self.pieces.append(rest)

    def _end_link(self, token: re.Match[str]) -> None:
        place = max((i for i, (name, *_) in enumerate(self.opened) if name == "["), default=None)
        if place is None:
            self.pieces.append(token[0])
            return
        _, number, start = self.opened[place]
        target = token["target"] or "[]"
        if target != "[]" and (target[0] == "(" or _name(target[1:-1]) in self.known):
            self._close("[", token[0])
        elif _name(self.content[start + 1 : token.start()]) in self.known:
            del self.opened[place:]
            self.pieces[number:] = [Tag("alone", self.content[start : token.end()])]
        else:
            del self.opened[place]
            self.pieces.append(token[0])


def _name(text: str) -> str:
    """A link's name as it is compared (CommonMark, 4.7)."""
    return " ".join(text.split()).lower().upper()
