"""Triton without a GPU: its interpreter, changed to patch the language only once per module."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("triton")

from triton.runtime import interpreter

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Kept:
    """The patches of an interpreted function, which stay in place."""

    def restore(self):
        pass


def for_each_module_once(replace):
    """Patch once per module: patching at each call would take longer than the call."""
    modules = set()

    def replace_once(function):
        name = function.__globals__["__name__"]
        if name not in modules:
            modules.add(name)
            replace(function)
        return Kept()

    return replace_once


interpreter._patch_lang = for_each_module_once(interpreter._patch_lang)
