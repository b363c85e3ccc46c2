"""Find the pairs of a text that repeat an earlier one, in memory that does not grow with the text.

While there are few hashes, they are in a set. When there are many, the text is read again from its beginning, and the
hashes are written to files by their first byte. Each file is small enough to sort, and equal neighbours are repeated
pairs. The result is one bit per pair, in a file, too. All files are nameless and vanish with the process.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from nmt.common.bars import tracked
from nmt.data.readers import Pair

MAX_IN_MEMORY = 1 << 20  # hashes
FILES = 128
HASH = np.dtype([("hash", "<u8"), ("number", "<u8")])


def digest(*texts: str) -> bytes:
    """A hash of a pair, or of other texts; texts that are equal in NFC have the same hash."""
    return blake2b(normalize("NFC", "\t".join(texts)).encode(), digest_size=8).digest()


class Duplicates:
    """The repeated pairs of a text. `read` reads it again, always alike."""

    def __init__(self, read: Callable[[], Iterable[Pair]], folder: Path) -> None:
        """`folder` is the folder for the files."""
        self.read, self.folder = read, folder
        self.bits: NDArray[np.uint8] | None = None

    def check(self) -> Callable[[int, Pair], bool]:
        """A function that tells whether a pair repeats an earlier one. Call it with the pairs in their order, and
        their numbers from 0. Of equal pairs, all or none must be passed."""
        seen = set[bytes]()

        def repeats(number: int, pair: Pair) -> bool:
            if self.bits is None:
                key = _key(pair)
                if key in seen:
                    return True
                seen.add(key)
                if len(seen) <= MAX_IN_MEMORY:
                    return False
                self.bits = self._found(self.read())
                seen.clear()
            return bool(self.bits[number >> 3] >> (number & 7) & 1)

        return repeats

    def _found(self, pairs: Iterable[Pair]) -> NDArray[np.uint8]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            files = [stack.enter_context(tempfile.TemporaryFile(dir=self.folder)) for _ in range(FILES)]
            number = -1
            for number, pair in enumerate(tracked(pairs, "looking for repeated pairs", unit="pairs")):
                key = _key(pair)
                files[key[0] % FILES].write(key + number.to_bytes(8, "little"))
            bits = stack.enter_context(tempfile.TemporaryFile(dir=self.folder))
            found = np.memmap(bits, np.uint8, "w+", shape=number // 8 + 1)  # outlives the file
            for file in files:
                file.seek(0)
                rows = np.frombuffer(file.read(), HASH)
                order = rows["hash"].argsort(kind="stable")
                is_repeated = rows["hash"][order][1:] == rows["hash"][order][:-1]
                repeated = rows["number"][order][1:][is_repeated]
                np.bitwise_or.at(found, repeated >> 3, (1 << (repeated & 7)).astype(np.uint8))
        return found


def _key(pair: Pair) -> bytes:
    return digest(pair.src, pair.tgt, *filter(None, pair.languages))
