"""Run the C kernels of search with every instruction set that this machine supports."""

from __future__ import annotations

from unittest.mock import patch

import torch

from nmt import native


def everywhere(function):
    """The tensors that `function` returns. Checks that all available instruction sets give the same bits."""
    by_name = {}
    for name in native.instruction_sets():
        with patch.object(native, "kernels", lambda name=name: native.load(name)):
            by_name[name] = function()
    (_, found), *others = by_name.items()
    for name, other in others:
        for one, expected in zip(other, found, strict=True):
            assert torch.equal(one, expected), name
    return found
