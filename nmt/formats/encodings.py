"""The text of a file, and its encoding."""

from __future__ import annotations

import codecs
from typing import NamedTuple

from nmt.formats.files import check_size

MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def _mark_of(data: bytes) -> tuple[bytes, str]:
    """The byte order mark of a file and its encoding; both empty without a mark."""
    return next(((mark, encoding) for mark, encoding in MARKS.items() if data.startswith(mark)), (b"", ""))


class DecodedFile(NamedTuple):
    text: str
    mark: bytes
    encoding: str

    def written(self, text: str) -> bytes:
        """The content of this file with another text. Characters that the encoding lacks become XML references."""
        return self.mark + text.encode(self.encoding, "xmlcharrefreplace")


def read_text(data: bytes, name: str, usual: str = "utf-8") -> DecodedFile:
    """Decode a file by its byte order mark, or else as `usual`. Raises ValueError if that fails, or the file is too
    large."""
    check_size(len(data), name)
    mark, encoding = _mark_of(data)
    encoding = encoding or usual
    try:
        return DecodedFile(data[len(mark) :].decode(encoding), mark, encoding)
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not {encoding.upper()}{recoding(data, name)}") from None


def recoding(data: bytes, name: str) -> str:
    """How to convert a file to UTF-8, for messages; its beginning tells the probable encoding."""
    read = f"zcat {name} | " if name.endswith(".gz") else ""
    of = "UTF-16" if _mark_of(data)[1].startswith("utf-16") else "WINDOWS-1252"
    return f"; of another encoding make it so: {read}iconv -f {of} -t UTF-8{'' if read else f' < {name}'}"
