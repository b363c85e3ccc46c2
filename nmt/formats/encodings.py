"""The text of a file, and in which encoding it is."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from nmt.formats.files import check_size

MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def _mark_of(data: bytes) -> tuple[bytes, str]:
    """The byte order mark of a file, and the encoding that it says; nothing of a file without one."""
    return next(((mark, encoding) for mark, encoding in MARKS.items() if data.startswith(mark)), (b"", ""))


class DecodedFile(NamedTuple):
    text: str
    mark: bytes
    encoding: str

    def written(self, text: str) -> bytes:
        """A file as this one, with another text. What the encoding lacks is written as HTML writes it."""
        return self.mark + text.encode(self.encoding, "xmlcharrefreplace")


def read_text(data: bytes, name: str, usual: str = "utf-8") -> DecodedFile:
    """A file in the encoding that its byte order mark says, or else in the usual one. Raises ValueError for what is
    not, or is too large."""
    check_size(len(data), name)
    mark, encoding = _mark_of(data)
    encoding = encoding or usual
    try:
        return DecodedFile(data[len(mark) :].decode(encoding), mark, encoding)
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not {encoding.upper()}{recoding(data, name)}") from None


def recoding(data: bytes, name: str) -> str:
    """How a file that is no UTF-8 is made so, by what it begins with."""
    read = f"zcat {name} | " if name.endswith(".gz") else ""
    of = "UTF-16" if _mark_of(data)[1].startswith("utf-16") else "WINDOWS-1252"
    return f"; of another encoding make it so: {read}iconv -f {of} -t UTF-8{'' if read else f' < {name}'}"
