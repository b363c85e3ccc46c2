"""What a search considered at each step, and why it lost.

It watches from outside the two things that every search uses: the step function, whose results it keeps, and the
state's `select`, which shows which hypotheses live on. It therefore needs to know nothing about any search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from nmt.data.tokenizer import EOS_ID
from nmt.search import Hypothesis, SearchStep
from nmt.search.step import PADDING
from nmt.translation.translator import Translator
from nmt.translation.values import TranslationTask

Ids = tuple[int, ...]
WIDE = 10  # extensions of each hypothesis at least, so the ranks of as many of a step are certain


@dataclass(frozen=True)
class Extension:
    """A hypothesis with one more token, as the search met it."""

    ids: Ids  # without BOS; EOS last where it ends
    parent: Ids
    log_prob: float  # nats, of the whole hypothesis
    rank: int  # among the extensions that were met at this step, from 1
    fate: str  # "lives", "ends", "chosen" or "lost"
    reason: str


@dataclass(frozen=True)
class _Watched:
    """A search's state, with the tokens of each row and the log-probabilities of the next token."""

    state: Any
    paths: tuple[Ids, ...]
    totals: tuple[float, ...]  # the rows' log-probabilities
    next: Tensor | None = None  # log-probabilities of the next token (N,V); None before the first step

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
            None if self.next is None else self.next.index_select(0, rows),
        )


class _Watcher:
    """Records one sentence's search: at each step the best extensions, each with its parent and log-probability."""

    def __init__(self, wide: int) -> None:
        self.wide = wide  # extensions per hypothesis
        self.met: list[dict[Ids, tuple[Ids, float]]] = []

    def __call__(self, step: SearchStep[Any], state: Any, pieces: Tensor | None) -> tuple[SearchStep[Any], _Watched]:
        def watched_step(ids: Tensor, watched: _Watched) -> tuple[Tensor, _Watched]:
            logits, after = step(ids, watched.state)
            paths, totals = watched.paths, watched.totals
            if watched.next is not None:
                gains = watched.next.gather(1, ids[:, None])[:, 0].tolist()
                tokens = (ids if pieces is None else pieces[0][ids]).tolist()
                totals = tuple(total + gain for total, gain in zip(totals, gains, strict=True))
                self._add(paths, tokens, totals)
                paths = tuple((*path, token) for path, token in zip(paths, tokens, strict=True))
            log_probs = logits.float().log_softmax(-1)
            log_probs.select(1, PADDING).fill_(-torch.inf)  # no search chooses it
            best, places = log_probs.topk(min(self.wide, logits.shape[1]))
            self.met.append({})
            for rank in range(best.shape[1]):
                tokens = (places[:, rank] if pieces is None else pieces[0][places[:, rank]]).tolist()
                gained = [total + gain for total, gain in zip(totals, best[:, rank].tolist(), strict=True)]
                self._add(paths, tokens, gained)
            return logits, _Watched(after, paths, totals, log_probs)

        return watched_step, _Watched(state, ((),), (0.0,))

    def _add(self, paths: Sequence[Ids], tokens: Sequence[int], totals: Sequence[float]) -> None:
        for path, token, total in zip(paths, tokens, totals, strict=True):
            if total > -torch.inf and EOS_ID not in path:  # waiting or padding rows of a beam do not extend
                self.met[-1].setdefault((*path, token), (path, total))


def translation(translator: Translator, src: list[int]) -> list[int]:
    """Source ids with EOS -> ids of the translation, by the search that `search_steps` shows."""
    (hypotheses,) = translator.sorted_hypotheses(_task(translator), [src])
    return hypotheses[0].ids


def _task(translator: Translator) -> TranslationTask:
    return TranslationTask(translator.search, mbr=translator.mbr)


def search_steps(translator: Translator, src: list[int]) -> list[list[Extension]]:
    """Search one sentence (ids with EOS) as the translator does -> for each step its best extensions, best first, and
    all that lived on or ended."""
    wide = max(WIDE, getattr(translator.search, "beam_size", 1) + 1)
    watcher = _Watcher(wide)
    (hypotheses,) = translator.sorted_hypotheses(_task(translator), [src], watch=watcher)
    finished = {(*h.ids, EOS_ID)[: h.length]: h for h in reversed(hypotheses)}
    met = watcher.met
    for ids, hypothesis in finished.items():  # the last token of a sample may be an unlikely one
        met[len(ids) - 1].setdefault(ids, (ids[:-1], hypothesis.log_prob))
    parents = [{parent for parent, _ in step.values()} for step in met]
    live = [*parents[1:], set[Ids]()]  # after each step
    return [_judged(*of_step, finished, hypotheses[0], wide) for of_step in zip(met, live, strict=True)]


def _judged(
    found: dict[Ids, tuple[Ids, float]],
    live: set[Ids],
    finished: dict[Ids, Hypothesis],
    best: Hypothesis,
    wide: int,
) -> list[Extension]:
    ranked = sorted(found.items(), key=lambda item: -item[1][1])
    worst = min((log_prob for ids, (_, log_prob) in ranked if ids in live), default=None)
    extensions = []
    for rank, (ids, (parent, log_prob)) in enumerate(ranked, 1):
        own, fate = finished.get(ids), "lost"
        is_certain = rank <= wide  # else a hypothesis may have had better ones that were not met
        if ids in live:
            fate, reason = "lives", f"rank {rank}{'' if is_certain else ' or lower'} of this step"
        elif own is best:
            fate, reason = "chosen", f"the best that ended: score {best.score:.3f}"
        elif own is not None:
            fate, reason = "ends", f"ended with score {own.score:.3f}; the best has {best.score:.3f}"
        elif not is_certain:
            continue
        elif worst is None:
            reason = "the search was over"
        elif log_prob > worst:
            reason = f"rank {rank}: likelier than one that lived on, but not drawn, or penalised"
        elif ids[-1] == EOS_ID:
            reason = f"rank {rank}: it would have ended, but was not among the best"
        else:
            reason = f"rank {rank}: {worst - log_prob:.2f} nats behind the last that lived on"
        extensions.append(Extension(ids, parent, log_prob, rank, fate, reason))
    return extensions
