"""The metrics by name, the one that chooses between models, and its tokenisation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from nmt.common.parts import Parts

if TYPE_CHECKING:
    from nmt.metrics.measure import Measure, References

Tokenize = Literal[
    "auto", "13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none", "spm", "flores101", "flores200", "spBLEU-1K"
]
TOKENIZATIONS: tuple[str, ...] = get_args(Tokenize)


@dataclass(frozen=True)
class Metric:
    """One of METRICS, whose keys are also the names in MetricConfig."""

    label: str  # the name to show
    # (measure, references or None) -> a sacreBLEU object, with the references counted; None if it is not a metric of
    # text.
    scorer: Callable[[Measure, References | None], Any] | None
    less_is_better: bool = False
    of_sentences: bool = False  # scores single sentences; BLEU replaces the others there


def _bleu(measure: Measure, refs: References | None) -> Any:
    from nmt.metrics.scorers import BLEU  # imports sacreBLEU, which translating does not need

    return BLEU(tokenize=measure.tokenize, references=refs)


def _chrf(measure: Measure, refs: References | None, word_order: int = 0) -> Any:
    from nmt.metrics.scorers import CHRF

    return CHRF(word_order=word_order, references=refs)


def _ter(measure: Measure, refs: References | None) -> Any:
    from nmt.metrics.scorers import TER

    return TER(normalized=measure.split_cjk, asian_support=measure.split_cjk, references=refs)


METRICS: Parts[Metric] = Parts(
    "nmt.metrics",
    Metric,
    {
        "bleu": Metric("BLEU", _bleu),
        "chrf": Metric("chrF", _chrf, of_sentences=True),
        "chrf++": Metric("chrF++", lambda measure, refs: _chrf(measure, refs, 2), of_sentences=True),
        "ter": Metric("TER", _ter, less_is_better=True),
        "nll": Metric("nll", None, less_is_better=True),
    },
    "metric.name",
)
Name = Annotated[str, METRICS]


@dataclass(frozen=True)
class MetricConfig:
    """The better of two models has higher BLEU, chrF or chrF++, or lower TER or nll. Ties are decided by higher chrF,
    then by lower nll."""

    name: Name = "bleu"  # the selection metric: higher BLEU, chrF or chrF++, or lower TER or nll is better
    # BLEU's tokenisation (sacreBLEU's names). "auto" follows the target language: "zh" for Chinese; "ja-mecab" and
    # "ko-mecab" for Japanese and Korean if MeCab is installed (pip install 'nmt[ja]', 'nmt[ko]'), else "char"; "char"
    # for Thai, Lao, Khmer, Burmese and Tibetan; "13a" for any other.
    tokenize: Tokenize = "auto"
