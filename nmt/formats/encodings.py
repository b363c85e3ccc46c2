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
        raise ValueError(f"{name} is not {encoding.upper()}{recoding(data, name)}") from None


def recoding(data: bytes, name: str) -> str:
    """How a file that is no UTF-8 is made so, by what it begins with."""
    read = f"zcat {name} | " if name.endswith(".gz") else ""
    of = "UTF-16" if mark_of(data)[1].startswith("utf-16") else "WINDOWS-1252"
    return f"; of another encoding make it so: {read}iconv -f {of} -t UTF-8{'' if read else f' < {name}'}"
