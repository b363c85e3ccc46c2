"""The translation speed of another toolkit: a command's time for all sentences, minus its time for one of them."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any

from bench.peers import Installed
from nmt.data.readers import read_lines
from nmt.metrics.config import MetricConfig
from nmt.metrics.measure import Measure

SEARCHES = {"greedy": 1, "beam 5": 5}


def trained(peer: Installed, minutes: float) -> Path:
    """The newest model in the peer's folder that can be opened. Trains one first if there is none."""
    if not peer.checkpoints():
        peer.train(minutes)
    for checkpoint in peer.checkpoints():
        if peer.peer.convert is None:
            return checkpoint
        if peer.call(peer.peer.convert(checkpoint, peer.run / "converted")):
            return peer.run / "converted"
    raise SystemExit(f"{peer.name} has no model; {peer.log} may tell why")


def translation_rows(
    peer: Installed, model: Path, src: Path, ref: Path, repeats: int, latency_sentences: int
) -> list[dict[str, Any]]:
    """One row for each search, for a whole file in batches of 64 and for one sentence at a time."""
    texts, refs = list(read_lines(src)), list(read_lines(ref))
    rows = []
    for search, beam in SEARCHES.items():
        for batch, number in ((64, len(texts)), (1, min(latency_sentences, len(texts)))):
            times = []
            for _ in range(repeats):
                start = timed(peer, model, texts[:1], beam, batch)
                times.append(timed(peer, model, texts[:number], beam, batch) - start)
            row = {
                "name": peer.name,
                "version": peer.peer.version,
                "search": search,
                "batch": batch,
                "sentences_per_s": round((number - 1) / statistics.median(times), 1),
            }
            if number == len(texts):
                hyps = list(read_lines(peer.run / "hyp.txt"))
                scores = Measure.of(MetricConfig(), "", refs).scores(hyps, [refs], ("bleu",))
                row["bleu"] = round(scores["bleu"].score, 2)
            rows.append(row)
    return rows


def timed(peer: Installed, model: Path, texts: list[str], beam: int, batch: int) -> float:
    """Seconds of the command, including start and loading. Writes the translations to hyp.txt."""
    src = peer.run / "src.txt"
    src.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    began = time.perf_counter()
    if not peer.translate(model, src, peer.run / "hyp.txt", beam, batch):
        raise SystemExit(f"{peer.name} does not translate; {peer.log} tells why")
    return time.perf_counter() - began
