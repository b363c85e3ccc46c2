"""Graphs of a GPU where there is none: what stands for one, and what would be out of place in one."""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import TorchDispatchMode

WAITED_FOR = {torch.ops.aten.nonzero, torch.ops.aten._local_scalar_dense, torch.ops.aten.equal}
NOT_PINNED = {torch.ops.aten.lift_fresh, torch.ops.aten.masked_select}  # sent from memory that is not


class FakeGraph:
    """The work itself, done anew at each replay."""

    def __init__(self, done, beside):
        self.replay = done


class Met(TorchDispatchMode):
    """Which of these operators were called."""

    def __init__(self, operators):
        super().__init__()
        self.operators, self.found = operators, []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket in self.operators:
            self.found.append(str(func))
        return func(*args, **(kwargs or {}))
