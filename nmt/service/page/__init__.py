"""The web page: one file, which sends requests to its own server only."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from nmt.pictures.theme import theme


def page(nonce: str) -> tuple[str, str]:
    """The page and its content security policy: scripts and styles need the nonce, requests go only here."""
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return _template().replace("NONCE", nonce), policy


@cache
def _template() -> str:
    page = (Path(__file__).parent / "index.html").read_text(encoding="utf-8")
    return page.replace("/*THEME*/", theme())
