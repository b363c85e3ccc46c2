"""Failures of parts that are not nmt's: a search or a metric of a user's own may fail on some inputs only."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any

from nmt.common.shown import error_line


class OwnPartError(Exception):
    """Such a part failed. No ValueError: it may quote the input, which a service must not show to others."""


def is_own(part: Any) -> bool:
    """Whether a class or a function is a user's own."""
    return not str(part.__module__).startswith("nmt.")


def own_part_error(what: str, on: str, part: Any, error: BaseException) -> OwnPartError:
    """An error that says what failed, on which input, and where: in the file of the class or function `part`, if the
    traceback has it."""
    places = traceback.extract_tb(error.__traceback__)
    file = getattr(sys.modules.get(part.__module__), "__file__", None)
    where = ([place for place in places if place.filename == file] or places)[-1]
    return OwnPartError(f"{what} fails{on} in {Path(where.filename).name}:{where.lineno} ({error_line(error)})")
