"""Does the operations of torch on codes, as they happen on numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map_only

from nmt.kernels.codes import Coder, NotTraceableError


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While it is entered, all that torch does with tensors is done with their codes, too."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # or torch would import its compiler, for seconds

    def __init__(self, coder: Coder) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._coder = coder
        self._known: dict[int, tuple[Tensor, Tensor]] = {}  # with the tensor, lest another gets its id

    def learn(self, tensors: Iterable[Tensor | None], codes: Iterable[Tensor | None]) -> None:
        for x, of_x in zip(tensors, codes, strict=True):
            if x is not None and of_x is not None:
                self._known[id(x)] = x, of_x

    def codes_of(self, x: Tensor) -> Tensor:
        if id(x) not in self._known:
            raise NotTraceableError("a tensor from elsewhere")
        return self._known[id(x)][1]

    def __torch_dispatch__(self, target: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        of_arguments = tree_map_only(Tensor, self.codes_of, arguments)
        codes = self._coder.call(target, of_arguments, options or {})
        results = target(*arguments, **(options or {}))
        if isinstance(results, Tensor):
            self.learn([results], [codes])
        else:
            self.learn(results, codes)
        return results
