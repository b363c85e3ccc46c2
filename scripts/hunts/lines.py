"""Hostile lines of text."""

from __future__ import annotations

import random
import unicodedata


def hostile_lines(rng: random.Random) -> list[bytes]:
    """One line of each kind, without "\\n"."""
    lines = [b"", b" ", b"\t", b"\r", b"a\rb", b"\x00", b"a\x00b", b"\xef\xbb\xbf", b"a\xef\xbb\xbfb", b"word\r"]
    lines += [b"\xff", b"\xc3", b"\xc3(", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xed\xa0\xbd\xed\xb8\x80", b"\xc0\xaf"]
    lines += [f"a{sign}b".encode() for sign in "\x0b\x0c\x1c\x85\u2028\u2029\u200b\u202e\u2066\ufeff\ufffe\U0010ffff"]
    lines += [b"a" + "\u0301".encode() * n for n in (1, 9, 999)]  # piles of combining marks
    lines += [
        f"{name} \u202e{name[::-1]}\u202c \u2067x\u2069".encode() for name in ("abc", "\u05d0\u05d1", "\u0627\u0628")
    ]
    lines += [b"<s>", b"</s>", b"<unk>", b"<pad>", b"<0x0A>", "\u2581".encode() * 7, b"||| 1 |||", b'{"text": "x"}']
    lines += [bytes(rng.randrange(256) for _ in range(n)).replace(b"\n", b"") for n in (1, 2, 3, 5, 50, 300) * 5]
    for block in range(0, 0x110000, 0x800):  # characters from all of Unicode
        signs = [chr(block + rng.randrange(0x800)) for _ in range(9)]
        lines.append("".join(sign for sign in signs if unicodedata.category(sign) != "Cs").encode())
    lines += [f"Zeile {n} von {rng.random()}".encode() for n in range(200)]
    return [line.replace(b"\n", b"") for line in lines]


def huge_lines(rng: random.Random) -> list[bytes]:
    return [
        b"x" * 1_000_000,
        b"\xff" * 1_100_000,
        b" " * 1_000_000,
        "\u4e00".encode() * 400_000,
        b"a \r\x00" * 250_000,
    ]


def fail(what: str) -> None:
    print(f"LOST: {what}")
    raise SystemExit(1)
