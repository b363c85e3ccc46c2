"""The results of the experiment on real translation, in tables, pictures and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from nmt.lab.words import Row, listed, unique
from nmt.pictures.charts import Curve, LineChart, Section, Table

SIGNIFICANT = 0.025  # of a one-sided p, as the bootstrap gives it: 0.05 in both directions together
BETTER, WORSE = "significantly better", "significantly worse"
EQUAL = "no difference that a paired bootstrap finds"


def sections(data: Mapping[str, Any]) -> list[Section]:
    rows = data["rows"]
    by_label = {label: [row for row in rows if row["label"] == label] for label in unique(rows, "label")}
    text = [conclusion(data), by_attention(rows), provenance_words(data)]
    return [Section("Translation", text, [_table(data, by_label), _chart(by_label)])]


def _table(data: Mapping[str, Any], by_label: Mapping[str, Sequence[Row]]) -> Table:
    title = f"BLEU on {data['test']} ({data['sentences']:,} sentences), p against {data['baseline']}"
    first_seed = f"BLEU, seed {data['rows'][0]['seed']}"  # the seed that p is for
    header = ("cell and attention", "units", "parameters", first_seed, "all seeds", "p", "training tokens/s")
    found = []
    for label, rows in by_label.items():
        first, p = rows[0], data["p_values"].get(label)
        found.append(
            (
                label,
                str(first["hidden_size"]),
                f"{first['parameters']:,}",
                f"{first['bleu']['score']:.2f} ± {first['bleu']['interval']:.2f}",
                f"{mean(row['bleu']['score'] for row in rows):.2f} over {len(rows)}",
                "baseline" if p is None else f"{p:.4f}",
                "" if first["tokens_per_s"] is None else f"{first['tokens_per_s']:,.0f}",
            )
        )
    return Table(title, header, found)


def _chart(by_label: Mapping[str, Sequence[Row]]) -> LineChart:
    """Dashed without attention."""
    lengths = list(dict.fromkeys(bucket for rows in by_label.values() for row in rows for bucket in row["by_length"]))
    lines = []
    for label, (first, *_) in by_label.items():
        places = [lengths.index(bucket) for bucket in first["by_length"]]
        scores = [bucket["bleu"] for bucket in first["by_length"].values()]
        if scores:
            lines.append(Curve(label, places, scores, dashed=first["attention"] == "none"))
    unit = next(iter(by_label.values()))[0]["length_unit"]
    return LineChart("BLEU by source length", f"source {unit}", "BLEU", lines, x_names=lengths)


def conclusion(data: Mapping[str, Any]) -> str:
    """Which runs differ from the baseline, and whether the difference is significant."""
    baseline = data["rows"][0]["label"]
    scores = {row["label"]: row["bleu"]["score"] for row in reversed(data["rows"])}
    found: dict[str, list[str]] = {BETTER: [], WORSE: [], EQUAL: []}
    for label, p in data["p_values"].items():
        if p is not None and label in scores:
            words = EQUAL if p >= SIGNIFICANT else BETTER if scores[label] > scores[baseline] else WORSE
            found[words].append(f"{label} ({scores[label] - scores[baseline]:+.2f}, p = {p:.3f})")
    parts = [f"{words}: {listed(labels)}" for words, labels in found.items() if labels]
    if not parts:
        return f"Only {baseline} was run; there is nothing to compare it with."
    alone = ", each compared by itself" if sum(map(len, found.values())) > 1 else ""
    seeds = unique(data["rows"], "seed")
    of_seed = f" (seed {seeds[0]} of each)" if len(seeds) > 1 else ""
    return f"Against {baseline} with {scores[baseline]:.2f} BLEU{of_seed}{alone}: {'; '.join(parts)}."


def by_attention(rows: Sequence[Row]) -> str:
    """The gain from attention for each cell, and from each cell with and without attention."""
    means: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        means.setdefault((row["attention"], cell_of(row)), []).append(row["bleu"]["score"])
    parts = []
    for attention in dict.fromkeys(attention for attention, _ in means):
        of = {cell: mean(scores) for (one, cell), scores in means.items() if one == attention}
        if len(of) > 1:
            low, high = min(of, key=lambda cell: of[cell]), max(of, key=lambda cell: of[cell])
            parts.append(f"with attention={attention} {of[high] - of[low]:.2f} BLEU lie between {high} and {low}")
    return f"Between the best and the worst cell: {'; '.join(parts)}." if parts else "Only one cell was run."


def cell_of(row: Row) -> str:
    """The cell's name in a row's label, with the settings that differ from its defaults."""
    name: str = row["label"].partition(f"-{row['attention']}")[0]
    return name


def provenance_words(data: Mapping[str, Any]) -> str:
    most = [f"{number:g} {unit}" for unit, number in data["limits"].items() if number]
    hashes = ", ".join(f"{role} {digest}" for role, digest in data["hashes"].items())
    seeds = listed([str(seed) for seed in unique(data["rows"], "seed")])
    return (
        f"Each run was trained for at most {' or '.join(most)}, seed {seeds}, at equal {data['equal']}. "
        f"Signature {data['signature']}. SHA-256 of the text: {hashes}."
    )
