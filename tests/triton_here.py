"""Triton where there is no GPU: its interpreter, with what it makes of its language made but once."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("triton")

from triton.runtime import interpreter

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Kept:
    """What an interpreted function has replaced in the language, and does not put back."""

    def restore(self):
        pass


def for_each_module_once(replace):
    """Not for each call of a function, which would take longer than the call."""
    modules = set()

    def replace_once(function):
        name = function.__globals__["__name__"]
        if name not in modules:
            modules.add(name)
            replace(function)
        return Kept()

    return replace_once


interpreter._patch_lang = for_each_module_once(interpreter._patch_lang)
