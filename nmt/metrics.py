"""Scores: sacreBLEU, and nothing else that scores.

Hypotheses and references are detokenised text. BLEU (Papineni et al., 2002), chrF (Popović, 2015) and TER
(Snover et al., 2006) run from 0 to 100, TER further; each comes with sacreBLEU's signature (Post, 2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF, TER
from sacrebleu.significance import PairedTest

METRICS = {"bleu": BLEU, "chrf": CHRF, "ter": TER}
SENTENCE_BLEU = BLEU(smooth_method="add-k", smooth_value=1, effective_order=True)
LENGTH_BUCKETS = (5, 10, 15, 20, 30)  # source words, the last bucket is open
COUNT_BUCKETS = (0, 1, 5, 20, 100)  # occurrences in the training text, the last bucket is open


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
    return bleu_by_bucket([len(src.split()) for src in srcs], LENGTH_BUCKETS, 1, hyps, refs)


def bleu_by_rarest_word(
    srcs: Sequence[str], counts: Mapping[str, int], hyps: Sequence[str], refs: Sequence[str]
) -> dict[str, dict[str, float]]:
    """BLEU of the sentences of each bucket of how often their rarest source word was seen, by `counts`."""
    rarest = [min((counts.get(word, 0) for word in src.split()), default=0) for src in srcs]
    return bleu_by_bucket(rarest, COUNT_BUCKETS, 0, hyps, refs)


def bleu_by_bucket(
    numbers: Sequence[int], upper: Sequence[int], first: int, hyps: Sequence[str], refs: Sequence[str]
) -> dict[str, dict[str, float]]:
    """BLEU of the sentences whose number is `first` to upper[0], upper[0] + 1 to upper[1], ..., above upper[-1]."""
    result = {}
    for low, high in zip([first, *(edge + 1 for edge in upper)], [*upper, None], strict=True):
        inside = [i for i, number in enumerate(numbers) if low <= number and (high is None or number <= high)]
        if inside:
            bleu = BLEU().corpus_score([hyps[i] for i in inside], [[refs[i] for i in inside]])
            name = f">{low - 1}" if high is None else f"{low}-{high}" if high > low else f"{low}"
            result[name] = {"sentences": len(inside), "bleu": bleu.score}
    return result


@dataclass(frozen=True)
class Comparison:
    score: float
    interval: float | None  # ± of the 95 % bootstrap confidence interval
    p_value: float | None  # of the difference from the first system; None for the first itself


def compare(
    systems: Mapping[str, Sequence[str]], refs: Sequence[str], test: str, samples: int, names: Sequence[str]
) -> tuple[dict[str, dict[str, Comparison]], dict[str, str]]:
    """Systems' translations, the baseline first -> system -> metric -> how it compares; metric -> signature.

    `test` is "bs", paired bootstrap resampling (Koehn, 2004), or "ar", paired approximate randomisation (Riezler &
    Maxwell, 2005). A small p means that a difference as large would be rare between systems that are equally good.
    """
    metrics = {name.upper(): METRICS[name](references=[list(refs)]) for name in names}
    signatures, columns = PairedTest(
        [(name, list(hyps)) for name, hyps in systems.items()],
        metrics,
        None,
        test,
        samples,
        n_ar_confidence=1000 if test == "ar" else -1,
    )()
    found: dict[str, dict[str, Comparison]] = {name: {} for name in systems}
    for metric, results in columns.items():
        if metric != "System":
            for name, result in zip(systems, results, strict=True):
                interval, p_value = (None if n is None else float(n) for n in (result.ci, result.p_value))
                found[name][metric.lower().rstrip("2")] = Comparison(float(result.score), interval, p_value)
    return found, {metric.lower().rstrip("2"): str(signature) for metric, signature in signatures.items()}


def sentence_scores(hyps: Sequence[str], refs: Sequence[str]) -> list[float]:
    """chrF of each sentence: BLEU says little of a single one."""
    metric = CHRF()
    return [metric.sentence_score(hyp, [ref]).score for hyp, ref in zip(hyps, refs, strict=True)]


def sentence_bleu(hyp: str, ref: str) -> float:
    """Smoothed by one more of each n-gram (Lin & Och, 2004): without a common one of four words it would be 0."""
    return float(SENTENCE_BLEU.sentence_score(hyp, [ref]).score)


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
