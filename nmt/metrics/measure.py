"""Scores of translations that anyone can compare.

Hypotheses and references are detokenised text, compared in NFC: targets are written so by default, and the same text
in other code points is not a mistake. BLEU (Papineni et al., 2002), chrF and chrF++ (Popović, 2015, 2017) and TER
(Snover et al., 2006) run from 0 to 100, though TER may exceed 100. Each comes with sacreBLEU's signature (Post,
2018).

References have sacreBLEU's form: one list or several, each with a reference or None for every sentence. Of several
references, chrF uses each sentence's best, or the first of equal ones, so their order may matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import inf, isfinite
from typing import Any

from nmt.common.bars import tracked
from nmt.common.extras import check_installed, explained
from nmt.common.shown import error_line
from nmt.languages import Writing, writing
from nmt.metrics.config import METRICS, MetricConfig, Name
from nmt.metrics.own_metric import own_metric_named
from nmt.metrics.resampling import in_little_memory
from nmt.metrics.scorers import BLEU, CHRF

References = Sequence[Sequence[str | None]]

_PREFERRED: dict[Writing, tuple[str, ...]] = {  # the first BLEU tokenisation that is available
    "spaced": ("13a",),
    "chinese": ("zh",),
    "japanese": ("ja-mecab", "char"),
    "korean": ("ko-mecab", "char"),
    "unspaced": ("char",),
}
_NEEDED = {"ja-mecab": "MeCab", "ko-mecab": "mecab_ko"}  # tokenisation -> the module that sacreBLEU imports for it


@dataclass(frozen=True)
class Score:
    score: float
    signature: str
    interval: float | None = None  # ± of the 95 % bootstrap confidence interval
    mean: float | None = None  # of the bootstrap


@dataclass(frozen=True)
class Measure:
    """A selection metric with everything its numbers depend on. One value serves a whole run or command, so
    "better" always means the same."""

    name: Name = "bleu"  # the selection metric
    tokenize: str = "13a"  # BLEU's tokenisation
    split_cjk: bool = False  # TER splits Chinese and Japanese into characters

    @classmethod
    def of(cls, config: MetricConfig, language: str, refs: Iterable[str | None]) -> Measure:
        """The measure for a target language. If its code does not determine how it is written, the references do.

        Raises ValueError when the requested tokenisation is not available on this machine.
        """
        found = writing(language, (ref for ref in refs if ref))
        check_tokenization(config)
        tokenize: str = config.tokenize
        if tokenize == "auto":
            tokenize = next(name for name in _PREFERRED[found] if _obstacle(name) is None)
        return cls(config.name, tokenize, found in ("chinese", "japanese"))

    @property
    def names(self) -> tuple[Name, ...]:
        """The metrics needed for a choice: BLEU, chrF and the selection metric, if it is a metric of text."""
        return tuple(dict.fromkeys(("bleu", "chrf", *((self.name,) if METRICS[self.name].scorer else ()))))

    @property
    def label(self) -> str:
        """The selection metric's name to show."""
        return METRICS[self.name].label

    def metric(self, name: Name, refs: References | None = None) -> Any:
        """sacreBLEU's object, with the references counted if they are given."""
        scorer = METRICS[name].scorer
        assert scorer is not None, name
        return scorer(self, refs)

    def scores(
        self, hyps: Iterable[Any], refs: Iterable[Any], names: Sequence[Name] | None = None, n_bootstrap: int = 1
    ) -> dict[str, Score]:
        """The scores of a test set in the metrics `names`, by default those needed for a choice. With n_bootstrap > 1
        also their confidence intervals (Koehn, 2004).

        Raises TypeError for items that are not text, ValueError when there is not one hypothesis per reference, a
        sentence has no reference, or there is nothing to score, and OwnPartError for a metric of a user's that fails.
        """
        hyps, refs = check_references(hyps, refs)
        scores: dict[str, Score] = {}
        names = names or self.names
        for name in tracked(names, "resampling", len(names), "metrics") if n_bootstrap > 1 else names:
            metric = self.metric(name)
            with in_little_memory(), own_metric_named(name, METRICS[name].scorer, metric, hyps, refs):
                result = metric.corpus_score(hyps, refs, n_bootstrap=n_bootstrap)
            ci, mean = (float(result._ci), float(result._mean)) if n_bootstrap > 1 else (None, None)
            scores[name] = Score(float(result.score), str(metric.get_signature()), ci, mean)
        return scores

    def bleu_of(self, rows: Sequence[int], hyps: Sequence[str], refs: References) -> float:
        """BLEU of some of the sentences."""
        of_rows = [hyps[i] for i in rows], [[ref[i] for i in rows] for ref in refs]
        return self.scores(*of_rows, ("bleu",))["bleu"].score

    def signature(self, refs: References = (("",),)) -> str:
        """sacreBLEU's signature of the selection metric, by default with one reference per sentence; for nll its
        name."""
        return str(self.metric(self.name, refs).get_signature()) if METRICS[self.name].scorer else self.name

    @property
    def sign(self) -> int:
        """-1 if less is better, else 1."""
        return -1 if METRICS[self.name].less_is_better else 1

    def selection_key(self, scores: Mapping[str, Score], nll: float) -> tuple[float, float, float]:
        """A key that is greater for the better model: by the selection metric, then chrF, then nll (nats per token).
        nll is rounded to a thousandth, so weights that hardly change count as equal."""
        nll = nll if isfinite(nll) else inf
        figure = scores[self.name].score if METRICS[self.name].scorer else nll
        return self.sign * figure, scores["chrf"].score, -round(nll, 3)

    def figure(self, key: Sequence[float]) -> float:
        """The selection metric's number in a selection key."""
        return self.sign * key[0]

    def tokens(self, text: str) -> list[str]:
        """The tokens that BLEU counts."""
        return str(_tokenizer(self.tokenize)(text.rstrip())).split()

    def sentence_score(self, hyp: str, ref: str) -> float:
        """From 0 to 100: chrF or chrF++ if that is the selection metric, else smoothed BLEU. Smoothing adds one to
        the counts of bigrams and longer (Lin and Och, 2004); otherwise BLEU would be 0 without a common 4-gram."""
        with own_metric_named(self.name, METRICS[self.name].scorer, self._of_sentences, [hyp], [[ref]]):
            return float(self._of_sentences.sentence_score(hyp, [ref]).score)

    @cached_property
    def _of_sentences(self) -> Any:
        if METRICS[self.name].of_sentences:
            return self.metric(self.name)
        return BLEU(tokenize=self.tokenize, smooth_method="add-k", smooth_value=1, effective_order=True)


def check_tokenization(config: MetricConfig) -> None:
    """Raises ValueError when the requested tokenisation is not available on this machine."""
    if config.tokenize != "auto" and (obstacle := _obstacle(config.tokenize)):
        raise ValueError(f"metric.tokenize is {config.tokenize!r}, which cannot be had here: {obstacle}")


def check_metric(name: Name) -> None:
    """Raises ValueError for a metric that fails or does not score."""
    needs = "its function must give an object of sacreBLEU's, such as BLEU()"
    if METRICS[name].scorer is None:
        return
    try:
        score = float(Measure(name).metric(name).corpus_score([name], [[name]]).score)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # a user's code may raise anything
        raise ValueError(f"the metric {name!r} fails ({error_line(error)}); {needs}") from error
    if not isfinite(score):
        raise ValueError(f"the metric {name!r} gives {score} for a text that is its reference; {needs}")


def mean_of(scores: Sequence[Mapping[str, Score]]) -> dict[str, Score]:
    """The mean of the scores of several texts, each scored separately; the scores themselves for one text."""
    if len(scores) == 1:
        return dict(scores[0])
    means = {}
    for name in scores[0]:
        signatures = dict.fromkeys(score[name].signature for score in scores)
        mean = sum(one[name].score for one in scores) / len(scores)
        means[name] = Score(mean, f"mean of {len(scores)}: {', '.join(signatures)}")
    return means


def shown(name: Name, figure: float) -> str:
    """For example "BLEU 38.12" or "nll 1.234"."""
    return f"{METRICS[name].label} {figure:.{3 if name == 'nll' else 2}f}"


def check_references(given: Iterable[Any], given_refs: Iterable[Any]) -> tuple[list[str], list[list[str | None]]]:
    """Hypotheses and references as lists of texts, from any iterables; a Translation counts as its text.

    Raises TypeError for any other item, and ValueError when the references do not fit the hypotheses or there is
    nothing to score.
    """
    hyps = _texts("hyps", given, str, "it is a list of texts")
    about = "refs is a list of lists, one per set of references"
    sets = _sequence("refs", given_refs, about)
    refs = [_texts(f"refs[{i}]", one, str | None, about) for i, one in enumerate(sets)]
    for one in refs:
        if len(hyps) != len(one):
            raise ValueError(f"there are {len(hyps)} translations but {len(one)} references")
    if not hyps or not refs:
        raise ValueError("there is nothing to score")
    for line, of_sentence in enumerate(zip(*refs, strict=True), 1):
        if all(ref is None for ref in of_sentence):
            raise ValueError(f"sentence {line} has no reference")
    return hyps, refs


def _sequence(name: str, given: Any, about: str) -> list[Any]:
    """Raises TypeError for text, a mapping, or anything not iterable."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise TypeError(f"{name} is a {type(given).__name__}; {about}")
    return list(given)


def _texts(name: str, given: Any, kind: Any, about: str) -> list[Any]:
    """Raises TypeError unless all items are texts of this kind."""
    found = [getattr(one, "text", one) for one in _sequence(name, given, about)]
    for i, one in enumerate(found):
        if not isinstance(one, kind):
            raise TypeError(f"{name}[{i}] is a {type(one).__name__}; {about}")
    return found


def sentence_chrf(hyps: Sequence[str], refs: References) -> list[float]:
    """chrF of each sentence, for which BLEU would say little."""
    metric = CHRF()
    return [
        float(metric.sentence_score(hyp, of_sentence).score) for hyp, *of_sentence in zip(hyps, *refs, strict=True)
    ]


@cache
def _tokenizer(tokenize: str) -> Any:
    return BLEU(tokenize=tokenize).tokenizer


@cache
def _obstacle(tokenize: str) -> str | None:
    """Why BLEU cannot use this tokenisation on this machine; None if it can."""
    try:
        if tokenize in _NEEDED:
            check_installed(_NEEDED[tokenize])
        BLEU(tokenize=tokenize)
    except Exception as error:  # each needs its own library or download
        missing = explained(error, "it") if isinstance(error, ModuleNotFoundError) else None
        return missing or " ".join(str(error).split()) or type(error).__name__
    return None
