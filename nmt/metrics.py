"""Scores: sacreBLEU, and nothing else that scores.

Hypotheses and references are detokenised text. BLEU (Papineni et al., 2002), chrF (Popović, 2015) and TER
(Snover et al., 2006) run from 0 to 100, TER further; each comes with sacreBLEU's signature (Post, 2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF, TER

METRICS = {"bleu": BLEU, "chrf": CHRF, "ter": TER}
LENGTH_BUCKETS = (5, 10, 15, 20, 30)  # source words, the last bucket is open


@dataclass(frozen=True)
class Score:
    score: float
    signature: str
    interval: float | None = None  # ± of the 95 % bootstrap confidence interval
    mean: float | None = None  # of the bootstrap


def corpus_scores(
    hyps: Sequence[str], refs: Sequence[str], names: Sequence[str] = ("bleu", "chrf"), n_bootstrap: int = 1
) -> dict[str, Score]:
    """Score a test set; with n_bootstrap > 1 also its confidence interval (Koehn, 2004).

    Raises ValueError when there is not one reference a hypothesis, or nothing to score.
    """
    if len(hyps) != len(refs):
        raise ValueError(f"there are {len(hyps)} translations but {len(refs)} references")
    if not hyps:
        raise ValueError("there is nothing to score")
    scores = {}
    for name in names:
        metric = METRICS[name]()
        result = metric.corpus_score(list(hyps), [list(refs)], n_bootstrap=n_bootstrap)
        ci, mean = (float(result._ci), float(result._mean)) if n_bootstrap > 1 else (None, None)
        scores[name] = Score(result.score, str(metric.get_signature()), ci, mean)
    return scores


def bleu_by_length(srcs: Sequence[str], hyps: Sequence[str], refs: Sequence[str]) -> dict[str, dict[str, float]]:
    """BLEU of the sentences of each bucket of source words: {"6-10": {"sentences": 210, "bleu": 38.1}, ...}."""
    edges = [0, *LENGTH_BUCKETS]
    result = {}
    for low, high in zip(edges, [*LENGTH_BUCKETS, None], strict=True):
        inside = [
            i for i, src in enumerate(srcs) if low < len(src.split()) and (high is None or len(src.split()) <= high)
        ]
        if inside:
            bleu = BLEU().corpus_score([hyps[i] for i in inside], [[refs[i] for i in inside]])
            result[f"{low + 1}-{high}" if high else f">{low}"] = {"sentences": len(inside), "bleu": bleu.score}
    return result


def published_test_set(name: str, langpair: str) -> tuple[list[str], list[str]]:
    """Sources and references of one of sacreBLEU's test sets, downloaded once.

    Raises ValueError for an unknown name, or when it is out of reach.
    """
    if name not in sacrebleu.get_available_testsets():
        raise ValueError(f"--testset is {name!r}; `sacrebleu --list` names those there are")
    if langpair not in sacrebleu.get_langpairs_for_testset(name):
        known = ", ".join(sorted(sacrebleu.get_langpairs_for_testset(name)))
        raise ValueError(f"--langpair is {langpair!r}; {name} has: {known}")
    try:
        files = sacrebleu.get_source_file(name, langpair), sacrebleu.get_reference_files(name, langpair)[0]
    except (OSError, SystemExit) as error:
        raise ValueError(f"test set {name} {langpair} is out of reach ({error}); use --src and --ref") from None
    srcs, refs = (Path(file).read_text(encoding="utf-8").split("\n") for file in files)
    return srcs[: len(refs)] if not srcs[-1] else srcs, refs
