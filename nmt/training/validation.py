"""The validation text by direction, and the results of a validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import NamedTuple

import torch

from nmt.common.bars import bar, map_counted
from nmt.data.batching import Batch
from nmt.data.corpora import Pair
from nmt.data.directions import Direction
from nmt.data.preparation import Prepared
from nmt.languages import script
from nmt.metrics.config import MetricConfig, Tokenize
from nmt.metrics.measure import Measure, Score, mean_of
from nmt.model.seq2seq import Seq2Seq
from nmt.training.progress import SelectionKey
from nmt.training.ranks import gathered
from nmt.translation.translator import Translator


class Validation(NamedTuple):
    average: str | None  # name of the average of the weights; None for the weights themselves
    nll: float  # nats per target token
    translations: list[str]
    scores: dict[str, Score]  # the mean over the directions
    key: SelectionKey  # the better model has the greater key
    by_direction: Mapping[str, dict[str, Score]] = MappingProxyType({})  # when there are several


@dataclass(frozen=True)
class ValidText:
    """Validation pairs, with each direction's rows and measure."""

    pairs: Sequence[Pair]
    rows: Mapping[Direction, Sequence[int]]
    metric: MetricConfig
    measures: Mapping[Direction, Measure]

    @classmethod
    def of(cls, prepared: Prepared, metric: MetricConfig) -> ValidText:
        """Raises ValueError when a direction has no pair, or this machine lacks its measure's tokenisation."""
        return cls(prepared.valid, rows_by_direction(prepared), metric, {}).measured()

    def measured(self, tokenize: Mapping[str, Tokenize] = MappingProxyType({})) -> ValidText:
        """The same text with the metric's tokenisation for BLEU, or that of the target language in `tokenize`. "auto"
        is decided when a run begins, so its figures stay comparable. Raises ValueError when this machine lacks a
        tokenisation."""
        measures = {}
        for direction in self.rows:
            metric = replace(self.metric, tokenize=tokenize.get(direction.tgt, self.metric.tokenize))
            measures[direction] = Measure.of(metric, direction.tgt, self.references(direction))
        return replace(self, measures=measures)

    def sources(self, direction: Direction) -> list[str]:
        return [self.pairs[row].src for row in self.rows[direction]]

    def references(self, direction: Direction) -> list[str]:
        return [self.pairs[row].tgt for row in self.rows[direction]]

    @cached_property
    def scripts(self) -> dict[str, str]:
        """The scripts of the text, by language."""
        texts: dict[str, list[str]] = {}
        for direction in self.rows:
            texts.setdefault(direction.src, []).extend(self.sources(direction))
            texts.setdefault(direction.tgt, []).extend(self.references(direction))
        return {language: found for language, of in texts.items() if (found := script(of))}

    def scored(self, average: str | None, nll: float, found: Mapping[Direction, Sequence[str]]) -> Validation:
        """The scores of the translations, each direction's by its own measure."""
        translations, by_direction = [""] * len(self.pairs), {}
        for direction, rows in self.rows.items():
            scores = self.measures[direction].scores(found[direction], [self.references(direction)])
            by_direction[str(direction)] = scores
            for row, text in zip(rows, found[direction], strict=True):
                translations[row] = text
        mean = mean_of(list(by_direction.values()))
        key = next(iter(self.measures.values())).selection_key(mean, nll)
        return Validation(average, nll, translations, mean, key, by_direction if len(self.rows) > 1 else {})


def rows_by_direction(prepared: Prepared) -> dict[Direction, list[int]]:
    """The rows of the validation pairs of each direction. Raises ValueError when a direction has none."""
    if (only := prepared.directions.only) is not None:
        return {only: list(range(len(prepared.valid)))}
    rows: dict[Direction, list[int]] = {direction: [] for direction in prepared.directions.every}
    for row, pair in enumerate(prepared.valid):
        rows[Direction(*pair.languages)].append(row)
    if missing := [str(direction) for direction, found in rows.items() if not found]:
        raise ValueError(f"the validation text has no pair of {', '.join(missing)}")
    return rows


def nll_of(model: Seq2Seq, batches: Sequence[Batch]) -> float:
    """Nats per target token over the batches of all processes."""
    sums = torch.zeros(2, dtype=torch.float64)  # nats, tokens
    for batch in batches:
        _, nll = model.loss(*batch)
        sums += torch.stack([nll, batch.tgt_len.sum()]).cpu()
    nats, tokens = map(sum, zip(*gathered(sums.tolist()), strict=True))
    return float(nats / tokens)


def translated(translator: Translator, texts: Sequence[str], rank: int, world_size: int) -> list[str]:
    """The translations of all texts, shared among the processes."""
    mine = texts[rank::world_size]
    with bar("validating", len(mine), "sentences") as done:
        found = translator.translate(mine, plain=True, each=partial(map_counted, done))
    of_processes = gathered([one.text for one in found])
    return [of_processes[i % world_size][i // world_size] for i in range(len(texts))]
