"""The most expensive operations of a search, in C (kernels.c), compiled for several instruction sets (build.py) with
equal results. The best one that the processor supports is used, or the one that $NMT_ISA names.

Where no library is compiled or the processor supports none, `is_here` is false, and torch computes the same more
slowly. Tensors are float32 on the CPU.

Dims: N rows of one step, B sentences, I inputs, O outputs, S source tokens, A heads, D features of a query, M of a
value.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache

import torch
from torch import Tensor

from nmt.native.build import kernels_library, processor_library

UP_TO = 64  # kernels.c pads a weight's rows and columns to a multiple of this


@cache
def kernels() -> ctypes.CDLL | None:
    """The library in use, or None. Raises ValueError if $NMT_ISA names an instruction set that is not available."""
    here, forced = instruction_sets(), os.environ.get("NMT_ISA")
    if forced and forced not in here:
        raise ValueError(f"NMT_ISA is {forced!r}; here choose one of: {', '.join(here) or 'none, there are none'}")
    return load(forced or here[0]) if here else None


def instruction_sets() -> list[str]:
    """The instruction sets that the processor supports and that have a library, best first."""
    try:
        names = ctypes.CDLL(str(processor_library())).nmt_instruction_sets
    except OSError:
        return []
    names.restype = ctypes.c_char_p
    return [name for name in names().decode().split() if kernels_library(name).exists()]


@cache
def load(instructions: str) -> ctypes.CDLL:
    found = ctypes.CDLL(str(kernels_library(instructions)))
    p, i, f = ctypes.c_void_p, ctypes.c_int, ctypes.c_float
    found.nmt_pack.argtypes = [p, p, i, i, p, p]
    found.nmt_product.argtypes = [p, p, p, p, i, i, f, p, i, p, i, p]
    found.nmt_steps.argtypes = [p, p, i, p, i, p, ctypes.c_int64, p, p, ctypes.c_int64, p, i, i, p, p]
    found.nmt_attend.argtypes = [p, p, p, p, p, f, i, i, i, i, i, i, p, p]
    found.nmt_beams_size.argtypes, found.nmt_beams_size.restype = [ctypes.c_int64, ctypes.c_int64], ctypes.c_int64
    found.nmt_begin.argtypes = [p, i, i, i, ctypes.c_double, p, p]
    found.nmt_advance.argtypes = [p, p, i, i, p, i, p, p, p, p]
    found.nmt_ended.argtypes = [p, i, p, p, p, p, p]
    for function in (found.nmt_pack, found.nmt_product, found.nmt_attend, found.nmt_begin):
        function.restype = None
    return found


def is_here() -> bool:
    return kernels() is not None


def required() -> ctypes.CDLL:
    found = kernels()
    assert found is not None
    return found


class Int8Linear:
    """A linear layer with int8 weights: x (...,I) -> W x + b (...,O). Each row of x is quantized with its own scale,
    so no result depends on the other rows."""

    def __init__(
        self,
        weight: Tensor,
        scale: Tensor,
        bias: Tensor | None = None,
        rows: Tensor | None = None,
        spread: float = 0.0,
    ) -> None:
        """`weight` (·,I) is int8; `rows` (O,) selects its rows (None: all). The real weights are `scale` (O,) times
        the int8 values. `spread` times |x|² is added to the first output."""
        weight, self.inputs = weight.contiguous(), weight.shape[1]
        rows = None if rows is None else rows.contiguous()
        self.outputs = len(weight if rows is None else rows)
        wide, deep = (-(-size // UP_TO) * UP_TO for size in (self.outputs, self.inputs))
        packed = torch.empty(wide * deep, dtype=torch.int8)  # torch aligns memory to 64 bytes, as required
        sums = torch.empty(wide, dtype=torch.int32)
        self._kept = packed, sums, scale.contiguous(), None if bias is None else bias.contiguous()
        self.weight = tuple(map(_address, self._kept))
        self._sizes = self.outputs, self.inputs, spread
        self._kernels = required()
        self._kernels.nmt_pack(
            weight.data_ptr(), _address(rows), self.outputs, self.inputs, packed.data_ptr(), sums.data_ptr()
        )

    def __call__(self, x: Tensor, added: Tensor | None = None, squashed: bool = False) -> Tensor:
        """`added` (...,O) is added to the result; `squashed` applies tanh to the sum."""
        assert x.shape[-1] == self.inputs
        assert x.dtype is torch.float32
        x, added = x.contiguous(), None if added is None else added.contiguous()
        rows, y = x.numel() // self.inputs, x.new_empty(*x.shape[:-1], self.outputs)
        of_x = x.data_ptr(), rows, _address(added), squashed
        self._kernels.nmt_product(*self.weight, *self._sizes, *of_x, y.data_ptr())
        return y


def attend(
    query: Tensor, keys: Tensor, values: Tensor, mask: Tensor, heads: int, v: Tensor | None = None, limit: float = 0.0
) -> tuple[Tensor, Tensor]:
    """One step: query (N,A*D), keys (B,S,A*D), values (B,S,A*M), mask (B,S) -> context (N,A*M), weights (N,A,S).

    A score is q · k. With v (A,D) it is v · 1 / (1 + exp(q) k), as for additive attention, with q clamped to ±limit.
    """
    assert query.dtype is keys.dtype is values.dtype is torch.float32
    query, keys, values, mask = query.contiguous(), keys.contiguous(), values.contiguous(), mask.contiguous()
    (rows, of_query), (sentences, tokens, of_value) = query.shape, values.shape
    context, weights = query.new_empty(rows, of_value), query.new_empty(rows, heads, tokens)
    memory = keys.data_ptr(), values.data_ptr(), mask.data_ptr(), _address(v)
    sizes = rows, rows // sentences, tokens, heads, of_query // heads, of_value // heads
    required().nmt_attend(query.data_ptr(), *memory, limit, *sizes, context.data_ptr(), weights.data_ptr())
    return context, weights


def _address(x: Tensor | None) -> int | None:
    return None if x is None else x.data_ptr()
