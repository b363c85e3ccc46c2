"""What a search considered at each step, and why it lost.

It looks from outside, at the two things that every search uses: the step function, whose answers are kept, and the
state's `select`, which tells which hypotheses live on. So it knows no search.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from nmt.data.batching import pad
from nmt.data.tokenizer import BOS_ID, EOS_ID
from nmt.search import Request
from nmt.translator import Translator

Path = tuple[int, ...]


@dataclass(frozen=True)
class Extension:
    """A hypothesis with one more token, as the search met it."""

    ids: Path  # without BOS; EOS last where it ends
    parent: Path
    log_prob: float  # nats, of the whole of it
    rank: int  # among all extensions of this step, from 1
    fate: str  # "lives", "ends", "chosen" or "lost"
    reason: str


@dataclass(frozen=True)
class _Watched:
    """A search's state with the tokens that each row has had and their log-probability."""

    state: Any
    paths: tuple[Path, ...]
    totals: tuple[float, ...]

    @property
    def attended(self) -> Tensor | None:
        found: Tensor | None = self.state.attended
        return found

    def select(self, rows: Tensor, sentences: Tensor | None = None) -> _Watched:
        kept = rows.tolist()
        return _Watched(
            self.state.select(rows, sentences),
            tuple(self.paths[row] for row in kept),
            tuple(self.totals[row] for row in kept),
        )


@torch.no_grad()
def search_steps(translator: Translator, src: list[int], width: int | None = None) -> list[list[Extension]]:
    """Search one sentence (ids with EOS) -> for each step its best extensions, best first; `width` of each
    hypothesis, by default one more than live on."""
    model, search = translator.model, translator.search
    wide = width or getattr(search, "beam_size", 1) + 1
    source, src_len = (tensor.to(translator.device) for tensor in pad([src]))
    met: list[dict[Path, tuple[Path, float]]] = []

    def step(ids: Tensor, watched: _Watched) -> tuple[Tensor, _Watched]:
        logits, state = model.step(ids, watched.state)
        if not met:
            paths, totals = watched.paths, watched.totals
        else:
            paths = tuple((*path, token) for path, token in zip(watched.paths, ids.tolist(), strict=True))
            totals = tuple(met[-1].get(path, ((), -float("inf")))[1] for path in paths)
        best, tokens = logits.float().log_softmax(-1).topk(min(wide, logits.shape[1]))
        found: dict[Path, tuple[Path, float]] = {}
        for path, total, gains, ids_of in zip(paths, totals, best.tolist(), tokens.tolist(), strict=True):
            found |= {(*path, token): (path, total + gain) for token, gain in zip(ids_of, gains, strict=True)}
        met.append({path: one for path, one in found.items() if one[1] > -float("inf")})
        return logits, _Watched(state, paths, totals)

    start = _Watched(model.start(source, src_len, attended=search.sees_attention), ((),), (0.0,))
    (hypotheses,) = search(step, start, Request(search.max_length(src_len), BOS_ID, EOS_ID, wanted=1))
    finished = {tuple(h.ids): h for h in hypotheses}
    return [
        _judged(found, met[t + 1] if t + 1 < len(met) else {}, finished, hypotheses[0]) for t, found in enumerate(met)
    ]


def _judged(
    found: dict[Path, tuple[Path, float]], after: Any, finished: dict[Path, Any], best: Any
) -> list[Extension]:
    live = {parent for parent, _ in after.values()}
    ranked = sorted(found.items(), key=lambda item: -item[1][1])
    worst = min((log_prob for path, (_, log_prob) in ranked if path in live), default=None)
    extensions = []
    for rank, (path, (parent, log_prob)) in enumerate(ranked, 1):
        own = finished.get(path[:-1] if path[-1] == EOS_ID else path)
        one = Extension(path, parent, log_prob, rank, "lost", "")
        if path in live:
            one = replace(one, fate="lives", reason=f"rank {rank} of this step")
        elif own is best:
            one = replace(one, fate="chosen", reason=f"the best that ended: score {own.score:.3f}")
        elif own is not None:
            reason = f"ended with score {own.score:.3f}; the best has {best.score:.3f}"
            one = replace(one, fate="ends", reason=reason)
        elif worst is None:
            one = replace(one, reason="the search was over")
        elif path[-1] == EOS_ID:
            one = replace(one, reason=f"rank {rank}: it would have ended, but was not among the best")
        else:
            one = replace(one, reason=f"rank {rank}: {worst - log_prob:.2f} nats behind the last that lived on")
        extensions.append(one)
    return extensions
