"""Observe a process while it opens an untrusted directory."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from nmt.plain_data import CHOICES, from_dict

FORBIDDEN = (
    "exec",
    "compile",
    "import",
    "os.system",
    "subprocess.",
    "socket.",
    "pickle.",
    "ctypes.dlopen",
    "os.exec",
)


class Watch:
    """An audit hook that records forbidden actions while an untrusted directory is opened."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.seen: list[str] = []
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.folder is None:
            return
        if event.startswith(FORBIDDEN):
            self.seen.append(f"{event} {arguments!r:.200}")
        elif event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            is_lookup = path.endswith("/entry_points.txt") or path in sys.path  # of an unknown part's name
            if not path.startswith((self.folder, "/proc/")) and not is_lookup:
                self.seen.append(f"open {path}")


def meet_choices() -> None:
    """Use every dataclass once: Python compiles its types at the first request."""
    for base, table in CHOICES.items():
        for name in table:
            with suppress(ValueError):
                from_dict(base, {"name": name})
