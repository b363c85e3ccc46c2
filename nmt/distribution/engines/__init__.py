"""Engines that do the parts: processes of this machine, Dask, or Ray.

An engine hands out the numbers of parts and nothing else. It is a context manager, whose function takes numbers and
yields their outcomes as they come; it may be called repeatedly. A worker that dies is replaced and its part done
again; a part that kills one worker after another is an error.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from nmt.distribution.engines.dask import dask
from nmt.distribution.engines.processes import processes
from nmt.distribution.engines.ray import ray
from nmt.distribution.parts import Run

Engine = Callable[[Callable[[int], Any], int, str | None], AbstractContextManager[Run]]  # work, workers, address

LIBRARIES: dict[str, tuple[str, ...]] = {"processes": (), "dask": ("distributed",), "ray": ("ray",)}  # that it needs
ENGINES: dict[str, Engine] = {"processes": processes, "dask": dask, "ray": ray}
