"""The results of a sweep's runs: a record for each, and a table of all, the best first."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING

from nmt.common.bars import clock
from nmt.common.files import write_atomically
from nmt.common.json_text import to_json
from nmt.metrics.config import METRICS, Name
from nmt.plain_data import from_dict

if TYPE_CHECKING:
    from nmt.training.run import Trained

TABLE, SEEDS = "runs.csv", "seeds.csv"
RECORDS = ".runs"  # in the sweep's folder: a file per run, from whichever process ran it
MOST = 1e300  # JSON has no infinity
RIGHT = ("parameters", "time", "mean", "sd", "seeds")  # right-aligned columns of numbers, besides the score


@dataclass(frozen=True)
class Outcome:
    run: str  # its folder in the sweep's folder
    differs: dict[str, str] = field(default_factory=dict)  # its own settings and their values, as typed
    score: float | None = None  # of its best validation; None if there was none
    metric: Name = "bleu"  # the selection metric, which the score is of
    selection_key: tuple[float, ...] = ()  # of that validation, all finite; greater is better
    parameters: int | None = None
    seconds: float | None = None  # of training and validation
    failed: bool = False
    end: str = ""  # how it ended, if not simply at the end of training
    fixed: dict[str, str] = field(default_factory=dict)  # settings that its command gave all runs, as typed

    @property
    def settings(self) -> dict[str, str]:
        return self.differs | self.fixed


def finished(run: str, differs: Mapping[str, str], trained: Trained, end: str = "") -> Outcome:
    """The outcome of a finished training."""
    key = tuple(min(max(one, -MOST), MOST) for one in trained.selection_key)
    size = trained.parameters
    return Outcome(run, dict(differs), trained.score, trained.metric, key, size, trained.seconds, end=end)


def sorted_outcomes(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The best first, as models are chosen. Scores of different metrics cannot be compared and form groups; failed
    runs come last."""

    def place(one: Outcome) -> tuple[object, ...]:
        return one.failed, not one.selection_key, one.metric, [-x for x in one.selection_key]

    return sorted(outcomes, key=place)


def differing(outcomes: Sequence[Outcome]) -> list[str]:
    """The settings in which the runs differ, in the order given."""
    keys = dict.fromkeys(key for one in outcomes for key in one.settings)
    return [key for key in keys if len({one.settings.get(key) for one in outcomes}) > 1]


def text_table(outcomes: Sequence[Outcome]) -> str:
    """A header line, and a line for each run."""
    metrics, keys = {one.metric for one in outcomes if not one.failed}, differing(outcomes)
    score = METRICS[metrics.pop()].label if len(metrics) == 1 else "score"
    names = [score, *keys, "parameters", "time", "run", *([""] if any(one.end for one in outcomes) else [])]
    return lined_up([names, *(_cells(one, keys)[: len(names)] for one in sorted_outcomes(outcomes))])


def seeds_table(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """A header, and for all runs that differ in their seed alone a row with the mean of their scores, the standard
    deviation and the number of seeds; empty where no two runs do. The best first. A seed counts once."""
    keys = [key for key in differing(outcomes) if key not in ("seed", "metric")]  # metric has a column of its own
    of_settings: dict[tuple[Name, tuple[str, ...]], dict[str, float]] = {}
    for one in sorted_outcomes(outcomes):
        if one.score is not None and not one.failed and "seed" in one.settings:
            own = tuple(one.settings.get(key, "") for key in keys)
            of_settings.setdefault((one.metric, own), {}).setdefault(one.settings["seed"], one.score)
    several = [(*settings, [*of_seeds.values()]) for settings, of_seeds in of_settings.items() if len(of_seeds) > 1]
    several.sort(key=lambda row: (row[0], mean(row[2]) * (1 if METRICS[row[0]].less_is_better else -1)))
    rows = [
        [metric, f"{mean(scores):.3f}", f"{stdev(scores):.3f}", str(len(scores)), *own]
        for metric, own, scores in several
    ]
    return [["metric", "mean", "sd", "seeds", *keys], *rows] if rows else []


def lined_up(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(_aligned(rows[0], row, widths)).rstrip() for row in rows)


def _cells(one: Outcome, keys: Sequence[str]) -> list[str]:
    digits = 3 if one.metric == "nll" else 2
    score = "failed" if one.failed else "" if one.score is None else f"{one.score:.{digits}f}"
    size = "" if one.parameters is None else f"{one.parameters:,}"
    time = "" if one.seconds is None else clock(one.seconds)
    return [score, *(one.settings.get(key, "") for key in keys), size, time, one.run, one.end]


def _aligned(names: Sequence[str], row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for i, (name, cell, width) in enumerate(zip(names, row, widths, strict=True)):
        yield cell.rjust(width) if i == 0 or name in RIGHT else cell.ljust(width)


def write_table(path: Path, outcomes: Sequence[Outcome]) -> None:
    """The same table as CSV, with all digits."""
    keys = [key for key in differing(outcomes) if key != "metric"]
    rows: list[list[object]] = [["run", "metric", "score", *keys, "parameters", "seconds", "end"]]
    for one in sorted_outcomes(outcomes):
        end = one.end or ("failed" if one.failed else "")
        own = [one.settings.get(key, "") for key in keys]
        seconds = "" if one.seconds is None else f"{one.seconds:.1f}"
        metric = one.settings.get("metric", "") if one.failed else one.metric
        rows.append([one.run, metric, one.score, *own, one.parameters, seconds, end])
    write_rows(path, rows)


def write_rows(path: Path, rows: Iterable[Sequence[object]]) -> None:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    write_atomically(path, file.getvalue().encode(errors="replace"))


def write_record(folder: Path, outcome: Outcome) -> None:
    """Save a run's outcome for the table of the sweep in `folder`. A failure does not replace what an earlier start
    of the same run found."""
    # A run's name has no blank.
    done, failed = (folder / RECORDS / f"{outcome.run}{end}.json" for end in ("", " failed"))
    done.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(failed if outcome.failed else done, (to_json(asdict(outcome)) + "\n").encode())
    if not outcome.failed:
        failed.unlink(missing_ok=True)


def read_records(folder: Path) -> list[Outcome]:
    """The records of a sweep, by name. Raises ValueError for a file that is not a record."""
    paths = sorted((folder / RECORDS).glob("*.json"))
    return [from_dict(Outcome, json.loads(path.read_text(encoding="utf-8"))) for path in paths]


def keep_finished(folder: Path) -> list[Outcome]:
    """Called before a sweep: removes the records of runs that failed or whose folders are gone. Returns all records
    that there were."""
    found = []
    for path in (folder / RECORDS).glob("*.json"):
        try:
            record = from_dict(Outcome, json.loads(path.read_bytes()))
        except (ValueError, RecursionError):  # not a record
            path.unlink()
            continue
        found.append(record)
        if record.failed or not (folder / record.run).is_dir():
            path.unlink()
    return found


def shared(given: Mapping[str, str], swept: Iterable[str], records: Iterable[Outcome]) -> frozenset[str]:
    """The given settings that are left out of runs' names. They are not swept now, nor were they in an earlier
    start, unless all runs of one had this value. So the same command finds its runs again."""
    own, records = set(swept), list(records)
    earlier = {key for one in records for key in one.differs}
    return frozenset(
        key
        for key, value in given.items()
        if key not in own and (key not in earlier or any(one.fixed.get(key) == value for one in records))
    )
