r"""Text and tags of a Markdown paragraph, and escaping of text for Markdown.

Emphasis, links and HTML tags around words are pairs. Code, pictures, addresses, formulas, footnote marks, escaped
characters (`\*`), emoji names, wiki links (`[[Hund]]`), template commands (`{{ x }}`) and hard line breaks are single
tags, and so is a link whose text is its name (`[text]`). A soft line break is a blank.

markdown-it-py finds them; its rules are wrapped, so that a token tells how the file spells it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.helpers import parseLinkLabel
from markdown_it.rules_inline import StateInline, autolink, backtick, escape, html_inline, image, link, newline
from markdown_it.token import Token

from nmt.text.tags import Piece, Tag, joined, with_pairs

# Single tags beyond CommonMark.
ALONE = re.compile(
    r"""\A\[\^[^\[\]\s]+\]:?+ | \[\^[^\[\]\s]+\] | \A\[[ xX]\](?=\s)
      | \A\[!\w+\][ \t]*\n[ \t]*
      | !?\[\[[^\[\]\n]+\]\](?![(\[]) | \{\{[^{}\n]*\}\} | \{%[^%\n]*%\}
      | \{[#.:][^{}\n]*\} | \$\$[^$]+\$\$ | \$(?=\S)(?!\{\w+\})[^$\n]+(?<=\S)\$(?!\w)
      | (?<![\w:]):(?:[a-z][a-z0-9_+-]*+|[+-]1|100):(?![\w:])
      | \n[ \t]*:[ \t]+
      | \bhttps?://[^\s<>()\[\]]*[^\s<>()\[\].,:;!?'"*_]""",
    re.VERBOSE,
)
STOP = re.compile(r"[\n!$*:<\[\\\]_`{~]|\bhttps?://")  # where something else than text may begin
BEFORE_FOOTNOTE = re.compile(r"\[([^\[\]\\]{1,999})\](?=\[\^)")  # a link by its name; not one to ^1
ESCAPED = re.compile(r"\\[!-/:-@\[-`{-~\n]")
HTML_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*).*?(/?)>", re.DOTALL)
# Characters that Markdown would read as a sign.
SIGN = re.compile(
    r"\\(?=[!-/:-@\[-`{-~]|$)|`|\*(?=\S)|(?<=\S)\*|(?<!\w)_(?=\S)|(?<=\S)_(?!\w)|<(?=[A-Za-z/!?])|\](?=[(\[])|~(?=~)"
)

Rule = Callable[[StateInline, bool], bool]


def parser() -> MarkdownIt:
    """A parser of CommonMark with tables, in whose paragraphs `pieces_of` finds text and tags."""
    made = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable(["entity", "text_join"])
    rules = made.inline.ruler
    rules.before("newline", "alone", _alone)
    rules.at("text", _text)
    rules.at("newline", _newline)
    rules.at("link", _link)
    rules.at("escape", _with_source(_escape))
    rules.at("backticks", _with_source(backtick))
    rules.at("image", _with_source(image))
    rules.at("autolink", _with_source(autolink))
    rules.at("html_inline", _with_source(html_inline))
    made.validateLink = lambda url: True  # type: ignore[method-assign]  # no page is shown here
    return made


def pieces_of(tokens: Sequence[Token], between: str = "\n") -> list[Piece]:
    """The text and the tags of a paragraph, by its tokens. `between` is what separates the texts of two lines."""
    pieces: list[Piece] = []
    names: dict[int, tuple[str, Hashable]] = {}
    left = iter(tokens)
    for token in left:
        source = token.meta.get("source", token.markup).replace("\n", between)
        if token.type == "softbreak":
            pieces.append(" ")
        elif token.type == "text":
            pieces.append(token.content)
        elif token.type == "link_open" and source != "[":
            pieces.append(Tag("alone", source))
            depth = 1
            while depth:
                depth += next(left).nesting
        elif token.nesting:
            pieces.append(Tag("open" if token.nesting > 0 else "close", source))
        else:
            tag = HTML_TAG.fullmatch(source) if token.type == "html_inline" else None
            if tag and not tag[3]:
                names[len(pieces)] = "close" if tag[1] else "open", tag[2].lower()
            pieces.append(Tag("alone", source))
    return list(joined(with_pairs(pieces, names)))


def escaped(text: str) -> str:
    """A text, escaped so that Markdown does not read it as markup."""
    return SIGN.sub(r"\\\g<0>", text)


def _text(state: StateInline, silent: bool) -> bool:
    stop = STOP.search(state.src, state.pos, state.posMax)
    start, state.pos = state.pos, stop.start() if stop else state.posMax
    if not silent:
        state.append_pending(state.src[start : state.pos])
    return state.pos > start


def _alone(state: StateInline, silent: bool) -> bool:
    found = ALONE.match(state.src, state.pos, state.posMax)
    if found is None or (silent and "[" in found[0][:2]):  # before the end of a link it would count as another one
        return False
    state.pos = found.end()
    if not silent:
        state.push("alone", "", 0).meta["source"] = found[0] if found[0][0] == "\n" else found[0].rstrip(" \t")
    return True


def _escape(state: StateInline, silent: bool) -> bool:
    return ESCAPED.match(state.src, state.pos) is not None and escape(state, silent)


def _with_source(rule: Rule) -> Rule:
    """A rule that notes the source in the tokens that it makes."""

    def noted(state: StateInline, silent: bool) -> bool:
        start, first = state.pos, len(state.tokens)
        if not rule(state, silent):
            return False
        for token in state.tokens[first:]:
            token.meta["source"] = state.src[start : state.pos].rstrip(" \t")
        return True

    return noted


def _newline(state: StateInline, silent: bool) -> bool:
    start, before = state.pos, state.pending
    if not newline(state, silent):
        return False
    if not silent:
        state.tokens[-1].meta["source"] = before[len(before.rstrip(" ")) :] + state.src[start]
    return True


def _link(state: StateInline, silent: bool) -> bool:
    start, first = state.pos, len(state.tokens)
    if not link(state, silent):
        named = BEFORE_FOOTNOTE.match(state.src, state.pos, state.posMax)
        if not named or normalizeReference(named[1]) not in state.env.get("references", ()):
            return False
        state.pos = named.end()
        if not silent:
            state.push("alone", "", 0).meta["source"] = named[0]
        return True
    if not silent:
        end = state.src[parseLinkLabel(state, start, True) : state.pos]
        is_own = end in ("]", "][]")  # its text is its name
        opening: Any = next(token for token in state.tokens[first:] if token.type == "link_open")
        opening.meta["source"] = state.src[start : state.pos] if is_own else "["
        state.tokens[-1].meta["source"] = end
    return True
