"""In which encoding the text of a file is."""

from __future__ import annotations

import codecs

MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def mark_of(data: bytes) -> tuple[bytes, str]:
    """The byte order mark of a file, and the encoding that it says; nothing of a file without one."""
    return next(((mark, encoding) for mark, encoding in MARKS.items() if data.startswith(mark)), (b"", ""))


def decoded(data: bytes, encoding: str, name: str) -> str:
    """Raises ValueError for what is not in the encoding."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise ValueError(
            f"{name} is not {encoding.upper()}; of an older one make it so: iconv -f WINDOWS-1252 -t UTF-8 < {name}"
        ) from None
