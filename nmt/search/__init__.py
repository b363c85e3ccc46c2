"""Search: from a model's next-token scores to the best sentence, independent of the model.

A search sees `step(ids (N,), state) -> (logits (N,V), state)` and a state that can `select` rows; logits may differ
from log-probabilities by a constant per row. It returns the hypotheses of each sentence, best first.
"""

from nmt.common.parts import Parts
from nmt.search.base import Hypothesis, Search, SearchRequest
from nmt.search.beam import Beam
from nmt.search.changed import as_kind, with_beam_size
from nmt.search.greedy import Greedy
from nmt.search.prefix import FREE, ForcedPrefix, forced
from nmt.search.sample import Sample
from nmt.search.step import SearchState, SearchStep

SEARCHES: Parts[type[Search]] = Parts(
    "nmt.searches", type[Search], {"greedy": Greedy, "beam": Beam, "sample": Sample}, "search.name"
)

__all__ = [
    "FREE",
    "SEARCHES",
    "Beam",
    "ForcedPrefix",
    "Greedy",
    "Hypothesis",
    "Sample",
    "Search",
    "SearchRequest",
    "SearchState",
    "SearchStep",
    "as_kind",
    "forced",
    "with_beam_size",
]
