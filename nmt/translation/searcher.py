"""Search with one or several models: ids in, ids out. The Translator deals with texts.

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
from nmt.search import FREE, ForcedPrefix, Hypothesis, Search, SearchRequest, SearchStep, forced, on_device
from nmt.search.beam_state import BeamState, begun
from nmt.search.changed import as_beam, is_plain_beam
from nmt.search.check import check_own
from nmt.translation.values import TranslationTask

# A search's step, its first state, and the shortlist (B,P) that its output indexes (None: it outputs ids) -> the step
# and state to use instead.
Watch = Callable[[SearchStep[Any], Any, torch.Tensor | None], tuple[SearchStep[Any], Any]]
LENGTHS = 4  # batches are padded to a multiple of this length: oneDNN generates code for each new length


class Searcher:
    """One model or several on a device, with their weights at construction."""

    def __init__(
        self,
        models: Sequence[Seq2Seq],
        device: torch.device,
        lexicon: Lexicon | None = None,
        compute: str = "auto",
    ) -> None:
        """The models are searched together; the alignment comes from the attention of the first alone. `compute` is
        the precision of the search's matrix products (see nmt/engine). With a lexicon searches are limited to likely
        pieces; see `uses_shortlist`.

        Raises ValueError for a precision that this machine does not support.
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
        # Runs steps of a search on a GPU, as a CUDA graph where possible.
        self.run: on_device.Run | None = graphs_on(device, "search").run if device.type == "cuda" else None
        self._states: dict[bool, Any] = {}  # an example state, without and with attention

    def shortlist(self, src: torch.Tensor) -> Shortlist | None:
        """The pieces that translations of source ids (B,S) may use; None: all."""
        if self.lexicon is None or self.common is None:
            return None
        return Shortlist(self.common, self.lexicon.allowed(src, len(self.model.output_bias)))

    def uses_shortlist(self, search: Search) -> bool:
        """Whether a search is limited to likely pieces. Unless `always_shortlists`, sampling is not: it draws from
        the models' full distribution. Nor is any search on a GPU, where a shortlist costs more than it saves, except
        in float32, which uses one on every device."""
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
        """The hypotheses for each source (ids with EOS), best first. `prefixes` are the ids that they begin with;
        `watch` may replace the search's step and first state."""
        check_own(task.search)
        needs_each_step = any(prefixes) or watch or self.uses_shortlist(task.search)
        with _as_asked(self.device):
            if self.run and is_plain_beam(task.search) and not needs_each_step:
                return self._found_on_device(task, sources, self.run)
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
        """As `hypotheses`, on the device. Batches are padded to a few shapes with sentences of maximum length 0."""
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
        found = on_device.find(search.rule(EOS_ID), self.network.step, state, beams, run)
        return search.sorted_hypotheses(found[: len(sources)])

    def _prepared(
        self, task: TranslationTask, sources: list[list[int]], prefixes: Sequence[list[int]] = ()
    ) -> tuple[SearchStep[Any], Any, SearchRequest, torch.Tensor | None]:
        """The arguments of the search, and the shortlist (B,P) that its output indexes; None: it outputs ids."""
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
        return step, state, SearchRequest(limit, BOS_ID, EOS_ID, not task.plain, start, keys), pieces

    def score_batch(self, pairs: list[tuple[list[int], list[int]]]) -> list[list[float]]:
        """Source ids with EOS and target ids from BOS to EOS -> the log-probability of each target id but BOS."""
        sources, targets = ([pair[side] for pair in pairs] for side in (0, 1))
        with _as_asked(self.device):
            log_probs = self._token_log_probs(sources, targets).tolist()
        return [row[: len(target) - 1] for row, target in zip(log_probs, targets, strict=True)]

    def _token_log_probs(self, sources: list[list[int]], targets: list[list[int]]) -> torch.Tensor:
        """Target ids from BOS on -> the log-probability of each id after BOS (B,T), 0 for padding. Several models are
        averaged in probability."""
        self._need_numbers()
        batch = collate(sources, targets)
        of_each = [model.token_log_probs(*(part.to(self.device) for part in batch)) for model in self.models]
        return torch.stack(of_each).logsumexp(0) - math.log(len(of_each)) if len(of_each) > 1 else of_each[0]

    def _need_numbers(self) -> None:
        """Raises ValueError if a model has only packed weights."""
        if any(model.packed is not None for model in self.models):
            raise ValueError(
                "the model's weights are packed, so it can neither score a translation nor go on from its beginning; "
                "take the model directory that it was made of"
            )

    def attention(self, src: list[int], tgt: list[int]) -> torch.Tensor:
        """Source ids (with EOS) and target ids (without BOS and EOS) -> the attention weights of every head (A,T,S),
        where the last of the T targets is EOS; all zero without attention. For a packed model A is 1: the mean of its
        heads."""
        with _as_asked(self.device):
            if self.model.packed is not None:
                return self._attention_by_steps(src, tgt)
            _, weights = self.model(*(t.to(self.device) for t in (*pad([src]), pad([[BOS_ID, *tgt]])[0])))
            return weights[0]  # type: ignore[no-any-return]

    def _attention_by_steps(self, src: list[int], tgt: list[int]) -> torch.Tensor:
        """As `attention`, from the steps of an int8 search."""
        network: Any = self.network.models[0] if isinstance(self.network, Ensemble) else self.network
        state = network.start(*pad([src]), None, True)
        sums = [state.attended]
        for piece in (BOS_ID, *tgt):
            _, state = network.step(torch.tensor([piece]), state)
            sums.append(state.attended)
        return torch.diff(torch.stack(sums, 1), dim=1)

    def align(self, src: list[int], tgt: list[int]) -> Iterator[tuple[int, int]]:
        """(source, target) places: each target piece with the source piece of the largest weight, mean over heads."""
        weights = self.attention(src, tgt).mean(0)[:-1]  # (T, S) without the row of EOS
        if weights.any():
            yield from ((int(s), t) for t, s in enumerate(weights.argmax(-1).tolist()))


@contextmanager
def _as_asked(device: torch.device) -> Iterator[None]:
    """Compute without gradients and in the requested precision, even under a caller's autocast: its narrow numbers
    would stay in a network's tables."""
    with torch.inference_mode(), torch.autocast(device.type, enabled=False):
        yield


def _named(pieces: NDArray[np.int64], hypotheses: list[Hypothesis]) -> list[Hypothesis]:
    """Hypotheses with indices into `pieces` (P,) -> the same with ids."""
    ids = iter(pieces[[place for h in hypotheses for place in h.ids]].tolist())
    return [Hypothesis([*islice(ids, len(h.ids))], h.score, h.log_prob, h.length, h.coverage) for h in hypotheses]


def _key(source: list[int]) -> int:
    """A sentence's random seed, which depends on nothing but its ids."""
    return int.from_bytes(hashlib.blake2b(repr(source).encode(), digest_size=8).digest())
