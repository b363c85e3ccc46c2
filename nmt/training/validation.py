"""The validation text by directions, and what a validation finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import torch

from nmt.bars import bar, map_counted
from nmt.data.batching import Batch
from nmt.data.corpora import Pair
from nmt.data.directions import Direction
from nmt.data.preparation import Prepared
from nmt.languages import script
from nmt.metrics.measure import Measure, Score, mean_of
from nmt.model.seq2seq import Seq2Seq
from nmt.training.progress import Rank
from nmt.training.ranks import gathered
from nmt.translation.translator import Translator


class Validation(NamedTuple):
    average: str | None  # of the weights, by its name; None: as they are
    nll: float  # nats a target token
    translations: list[str]
    scores: dict[str, Score]  # the mean of those of the directions
    rank: Rank  # the greater is the better model's
    by_direction: Mapping[str, dict[str, Score]] = MappingProxyType({})  # where there are several

    @property
    def bleu(self) -> float:
        return self.scores["bleu"].score


Rows = Mapping[Direction, Sequence[int]]  # which pairs of a text are of which direction


def rows_by_direction(prepared: Prepared) -> dict[Direction, list[int]]:
    """Of the validation pairs. Raises ValueError where a direction has none."""
    if (only := prepared.directions.only) is not None:
        return {only: list(range(len(prepared.valid)))}
    rows: dict[Direction, list[int]] = {direction: [] for direction in prepared.directions.every}
    for row, pair in enumerate(prepared.valid):
        rows[Direction(*pair.languages)].append(row)
    if missing := [str(direction) for direction, found in rows.items() if not found]:
        raise ValueError(f"the validation text has no pair of {', '.join(missing)}")
    return rows


def scripts_of(pairs: Sequence[Pair], rows: Rows) -> dict[str, str]:
    """Those that a text is written in, by language."""
    texts: dict[str, list[str]] = {}
    for direction, of_direction in rows.items():
        for side, language in zip(("src", "tgt"), direction, strict=True):
            texts.setdefault(language, []).extend(getattr(pairs[row], side) for row in of_direction)
    return {language: found for language, of in texts.items() if (found := script(of))}


class Share(NamedTuple):
    """What one of several processes does of a text."""

    rank: int
    world_size: int


def nll_of(model: Seq2Seq, batches: Sequence[Batch]) -> float:
    """Nats a target token over the batches of all processes."""
    sums = torch.zeros(2, dtype=torch.float64)  # nats, tokens
    for batch in batches:
        _, nll = model.loss(*batch)
        sums += torch.stack([nll, batch.tgt_len.sum()]).cpu()
    nats, tokens = map(sum, zip(*gathered(sums.tolist()), strict=True))
    return float(nats / tokens)


def translated(translator: Translator, texts: Sequence[str], share: Share) -> list[str]:
    """The translations of all texts, of which each process makes its share."""
    mine = texts[share.rank :: share.world_size]
    with bar("validating", len(mine), "sentences") as done:
        found = translator.translate(mine, plain=True, each=partial(map_counted, done))
    shares = gathered([one.text for one in found])
    return [shares[i % share.world_size][i // share.world_size] for i in range(len(texts))]


def scored(
    average: str | None,
    nll: float,
    found: Mapping[Direction, Sequence[str]],
    pairs: Sequence[Pair],
    rows: Rows,
    measures: Mapping[Direction, Measure],
) -> Validation:
    """What the translations of each direction come to, each direction by its own measure."""
    translations, by_direction = [""] * len(pairs), {}
    for direction, of_direction in rows.items():
        refs = [pairs[row].tgt for row in of_direction]
        by_direction[str(direction)] = measures[direction].scores(found[direction], [refs])
        for row, text in zip(of_direction, found[direction], strict=True):
            translations[row] = text
    scores = mean_of(list(by_direction.values()))
    rank = next(iter(measures.values())).rank(scores, nll)
    return Validation(average, nll, translations, scores, rank, by_direction if len(rows) > 1 else {})
