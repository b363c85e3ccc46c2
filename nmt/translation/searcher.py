"""Models that are searched: ids in, ids out. Text is the translator's.

Dims: B sentences, S source ids, T target ids, A heads of the attention, P places of a shortlist, V vocabulary.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from nmt.common.process import use_one_thread_in_forks
from nmt.data.batching import collate, pad, stepped
from nmt.data.lexicon import Lexicon
from nmt.data.tokenizer import BOS_ID, EOS_ID, PAD_ID
from nmt.engine import Ensemble, Shortlist, resolve_compute, searchable
from nmt.kernels.graphs import graphs_on
from nmt.model.seq2seq import Seq2Seq
from nmt.search import FREE, ForcedPrefix, Hypothesis, Request, Search, Step, forced, on_device
from nmt.search.beam_state import BeamState, begun
from nmt.search.on_device import as_beam, is_on_device
from nmt.translation.values import TranslationTask

# A search's step, its first state, and the pieces (B,P) that it calls by their places (None: by their ids) -> a step
# and a state that it takes in their place.
Watch = Callable[[Step[Any], Any, torch.Tensor | None], tuple[Step[Any], Any]]
LENGTHS = 4  # batches are filled up to a multiple of it, because each length needs code that oneDNN has to make


class Searcher:
    """One model or several on a device, as they were when it was made."""

    def __init__(
        self,
        models: Sequence[Seq2Seq],
        device: torch.device,
        lexicon: Lexicon | None = None,
        compute: str = "auto",
    ) -> None:
        """The models are searched together; only the attention of the first tells the alignment. `compute` is the
        precision of the search's products (see nmt/engine). With a lexicon a search keeps to the pieces that are
        likely; see `uses_shortlist`.

        Raises ValueError for a precision that this machine lacks.
        """
        use_one_thread_in_forks()  # to which it may come along
        self.models = tuple(models)
        self.model = self.models[0]
        self.device = device
        self.lexicon = None if lexicon is None else lexicon.to(device)
        self.common = None if lexicon is None else torch.unique(lexicon.frequent).long().to(device)
        self.always_shortlists = False
        self.compute = resolve_compute(compute, device)
        self.network: Any = searchable(models, self.compute)
        self.run: on_device.Run | None = None  # does some steps of a search on a GPU, as a CUDA graph where it can
        if device.type == "cuda":
            self.run = graphs_on(device, "search").run
        self._states: dict[bool, Any] = {}  # of such a search, one of each kind

    def shortlist(self, src: torch.Tensor) -> Shortlist | None:
        """Which pieces the translations of source ids (B,S) may use; None: all."""
        if self.lexicon is None or self.common is None:
            return None
        return Shortlist(self.common, self.lexicon.allowed(src, len(self.model.output_bias)))

    def uses_shortlist(self, search: Search) -> bool:
        """Unless `always_shortlists`, samples are drawn from all pieces, as the models have them, and on a GPU every
        search goes over all of them, where a shortlist costs more than it saves; in float32 there is one, as
        everywhere."""
        if self.lexicon is None or self.always_shortlists:
            return self.lexicon is not None
        return not search.is_random and (self.device.type == "cpu" or self.compute == "float32")

    def hypotheses(
        self,
        task: TranslationTask,
        sources: list[list[int]],
        prefixes: Sequence[list[int]] = (),
        watch: Watch | None = None,
    ) -> list[list[Hypothesis]]:
        """Those of each of the sources, ids with EOS, best first; `prefixes` are the ids that they begin with. The
        search may be watched."""
        if (
            self.run
            and not (any(prefixes) or watch or self.uses_shortlist(task.search))
            and is_on_device(task.search)
        ):
            with _as_asked(self.device):
                return self._found_on_device(task, sources, self.run)
        with _as_asked(self.device):
            step, state, request, pieces = self._prepared(task, sources, prefixes)
            step, state = task.search.unrepeated(step, state)
            if watch:
                step, state = watch(step, state, pieces)
            found = task.search.find(step, state, request)
        if pieces is not None:
            found = [_named(*row) for row in zip(pieces.cpu().numpy(), found, strict=True)]
        return found

    def _found_on_device(
        self, task: TranslationTask, sources: list[list[int]], run: on_device.Run
    ) -> list[list[Hypothesis]]:
        """In batches of few shapes, filled up with sentences that end before they begin."""
        search = as_beam(task.search)
        filling = [[EOS_ID]] * (stepped(len(sources)) - len(sources))
        src, src_len = pad([*sources, *filling])
        longest = stepped(src.shape[1])
        src = F.pad(src, (0, longest - src.shape[1]), value=PAD_ID)
        limit, most = search.max_length(src_len), int(search.max_length(torch.tensor(longest)))
        limit[len(sources) :] = 0
        beam, attended = search.beam_size, search.sees_attention

        def start(src: torch.Tensor, src_len: torch.Tensor, limit: torch.Tensor) -> list[torch.Tensor]:
            state = self.network.start(src, src_len, None, attended)
            state = state.select(torch.arange(len(src) * beam, device=src.device) // beam)
            self._states.setdefault(attended, state)
            read, changed = state.parts()
            return [*begun(limit, BOS_ID, beam, most), *read, *changed]

        sizes = [src.numel(), len(src), len(src)]
        ids, *others = torch.split(torch.cat([src.flatten(), src_len, limit]).to(self.device), sizes)
        parts = run(("start", beam, attended, most), start, ids.view(src.shape), *others)
        beams, parts = BeamState(*parts[: on_device.TENSORS]), parts[on_device.TENSORS :]
        like = self._states[attended]
        count = len(like.parts()[0])
        state = like.with_parts(iter(parts[:count]), iter(parts[count:]))
        return on_device.find(search, self.network.step, state, beams, EOS_ID, run)[: len(sources)]

    def _prepared(
        self, task: TranslationTask, sources: list[list[int]], prefixes: Sequence[list[int]] = ()
    ) -> tuple[Step[Any], Any, Request, torch.Tensor | None]:
        """What the search is called with, and the pieces (B,P) that it calls by their places; None: by their ids."""
        multiple = 1 if len(sources) == 1 else LENGTHS
        src, src_len = (tensor.to(self.device) for tensor in pad(sources, multiple))
        shortlist = self.shortlist(src) if self.uses_shortlist(task.search) else None
        if given := any(prefixes):
            prefix, prefix_len = (tensor.to(self.device) for tensor in pad(prefixes))
            if shortlist:
                shortlist.allowed.scatter_(1, prefix, True)
        scored = task.search.ranks or not task.plain
        state: Any = self.network.start(src, src_len, shortlist, task.search.sees_attention and scored)
        step, pieces = self.network.step, state.output.pieces
        limit, start = task.search.max_length(src_len), None
        if given:
            places = state.output.places_of(prefix)
            after = torch.arange(prefix.shape[1], device=self.device) >= prefix_len[:, None]
            step, state = forced(step), ForcedPrefix(state, places.masked_fill(after, FREE))
            start = self._token_log_probs(sources, [[BOS_ID, *ids] for ids in prefixes]).sum(1)
            limit = torch.maximum(limit, prefix_len + task.search.max_extra)
        keys = [_key(source) for source in sources] if task.search.is_random else None
        return step, state, Request(limit, BOS_ID, EOS_ID, not task.plain, start, keys), pieces

    def score_batch(self, pairs: list[tuple[list[int], list[int]]]) -> list[list[float]]:
        """Source ids with EOS and target ids from BOS to EOS -> the log-probability of each target id but BOS."""
        sources, targets = ([pair[side] for pair in pairs] for side in (0, 1))
        with _as_asked(self.device):
            log_probs = self._token_log_probs(sources, targets).tolist()
        return [row[: len(target) - 1] for row, target in zip(log_probs, targets, strict=True)]

    def _token_log_probs(self, sources: list[list[int]], targets: list[list[int]]) -> torch.Tensor:
        """Target ids, BOS first -> the log-probability of the others (B,T), that of the models' mean; 0 after."""
        self._need_numbers()
        batch = collate(sources, targets)
        of_each = [model.token_log_probs(*(part.to(self.device) for part in batch)) for model in self.models]
        return torch.stack(of_each).logsumexp(0) - math.log(len(of_each)) if len(of_each) > 1 else of_each[0]

    def _need_numbers(self) -> None:
        """Raises ValueError where a model has its weights in bytes alone."""
        if any(model.packed is not None for model in self.models):
            raise ValueError(
                "the model's weights are packed, so it can neither score a translation nor go on from its beginning; "
                "take the model directory that it was made of"
            )

    def attention(self, src: list[int], tgt: list[int]) -> torch.Tensor:
        """Source ids (with EOS) and target ids (without BOS and EOS) -> the weights of every head (A,T,S), where
        the last of the T targets is EOS; all zero without attention. Of a packed model they are the mean of its
        heads, and A is 1."""
        with _as_asked(self.device):
            if self.model.packed is not None:
                return self._attention_by_steps(src, tgt)
            _, weights = self.model(*(t.to(self.device) for t in (*pad([src]), pad([[BOS_ID, *tgt]])[0])))
            return weights[0]  # type: ignore[no-any-return]

    def _attention_by_steps(self, src: list[int], tgt: list[int]) -> torch.Tensor:
        """As `attention`, of what a search in bytes attends to."""
        network: Any = self.network.models[0] if isinstance(self.network, Ensemble) else self.network
        state = network.start(*pad([src]), None, True)
        sums = [state.attended]
        for piece in (BOS_ID, *tgt):
            _, state = network.step(torch.tensor([piece]), state)
            sums.append(state.attended)
        return torch.diff(torch.stack(sums, 1), dim=1)

    def align(self, src: list[int], tgt: list[int]) -> Iterator[tuple[int, int]]:
        """For each target piece the source piece that it attends to most, over the mean of the heads."""
        weights = self.attention(src, tgt).mean(0)[:-1]  # (T, S) without EOS's row
        if weights.any():
            yield from ((int(s), t) for t, s in enumerate(weights.argmax(-1).tolist()))


@contextmanager
def _as_asked(device: torch.device) -> Iterator[None]:
    """Without gradients, and in the precision that was asked for also under the autocast of a caller, whose narrow
    numbers would stay in the tables of a network."""
    with torch.inference_mode(), torch.autocast(device.type, enabled=False):
        yield


def _named(pieces: NDArray[np.int64], hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    """Hypotheses whose ids are places in the pieces (P,) -> the same with these."""
    ids = iter(pieces[[place for h in hypotheses for place in h.ids]].tolist())
    return [Hypothesis([*islice(ids, len(h.ids))], h.score, h.log_prob, h.length, h.coverage) for h in hypotheses]


def _key(source: list[int]) -> int:
    """A number for the sentence, which its random numbers depend on and nothing else."""
    return int.from_bytes(hashlib.blake2b(repr(source).encode(), digest_size=8).digest())
