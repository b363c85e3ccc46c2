"""Translate the lines of stdin without nmt, with the model beside this file, which nmt-export has written:

pip install numpy onnxruntime sentencepiece
python translate.py < source.txt > translation.txt
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import unicodedata
from pathlib import Path
from typing import Any, NamedTuple

try:
    import numpy as np
    import onnxruntime
    import sentencepiece
except ModuleNotFoundError as error:
    if __name__ != "__main__":
        raise
    raise SystemExit(f"translate.py needs {error.name}: pip install numpy onnxruntime sentencepiece") from None

from nmt.text.casing import marked, unmarked

BATCH = 32  # sentences


class Hypothesis(NamedTuple):
    parent: int  # its place among the previous step's hypotheses
    ids: list[int]
    log_prob: float  # of all its tokens


class Beam:
    """The hypotheses of a sentence."""

    def __init__(self, limit: int, size: int) -> None:
        self.limit = limit  # tokens
        self.free = size  # hypotheses that may still live or end
        self.live = [Hypothesis(0, [], 0.0)]
        self.ended: list[tuple[float, list[int]]] = []  # score, ids
        self.best_mean = -np.inf  # the best log-probability per token of those that ended

    def extend(self, extensions: list[tuple[float, int, int]], eos: int, settings: dict[str, Any]) -> None:
        """Extend by one step's log-probabilities, parents and tokens, best first. Gives up a hypothesis whose mean
        could not be the best even with `patience` more tokens at no cost."""
        before, length = self.live, len(self.live[0].ids) + 1
        self.live = []
        for log_prob, parent, token in extensions[: self.free]:
            if not log_prob > -np.inf:
                break
            ids = before[parent].ids if token == eos else [*before[parent].ids, token]
            if token == eos or length >= self.limit:
                self.ended.append((log_prob / penalty(length, settings), ids))
                self.best_mean = max(self.best_mean, log_prob / length)
                self.free -= 1
            else:
                self.live.append(Hypothesis(parent, ids, log_prob))
        if self.ended:
            least = self.best_mean * (length + settings["patience"])
            self.live = [one for one in self.live if one.log_prob >= least]
        elif not self.live:  # the model's numbers overflowed
            self.ended.append((-np.inf, before[0].ids))

    def best(self) -> list[int]:
        return max(self.ended, key=lambda one: one[0])[1]


class Translator:
    def __init__(self, folder: Path, threads: int = 1) -> None:
        self.about: dict[str, Any] = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.encoder, self.decoder = (
            onnxruntime.InferenceSession(folder / f"{name}.onnx", options, providers=["CPUExecutionProvider"])
            for name in ("encoder", "decoder")
        )
        models = self.about["pieces"]
        self.src = sentencepiece.SentencePieceProcessor(model_file=str(folder / models["src"]))
        self.tgt = sentencepiece.SentencePieceProcessor(model_file=str(folder / models["tgt"]))

    def translate(
        self, texts: list[str], beam_size: int | None = None, leading: list[int] | None = None
    ) -> list[str]:
        """One translation per text; `leading` are the first ids of a direction."""
        copies = self.about["text"]["copy_letterless"]
        found = [text if copies and is_letterless(text) else "" for text in texts]
        sources = {
            number: [*(leading or []), *ids]
            for number, text in enumerate(texts)
            if not found[number] and len(ids := self.encode(text)) > 1  # EOS alone is nothing to translate
        }
        order = sorted(sources, key=lambda number: -len(sources[number]))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            best = self.search([sources[number] for number in batch], beam_size or self.about["search"]["beam_size"])
            for number, ids in zip(batch, best, strict=True):
                found[number] = self.decode(ids)
        return found

    def encode(self, text: str) -> list[int]:
        """The ids of a text and EOS; a text that is too long is cut off."""
        settings = self.about["text"]
        seen = unicodedata.normalize("NFC", text) if settings["nfc"] else text
        seen = seen[: settings["max_chars"]]
        ids = self.src.encode(marked(seen) if settings["casing"] == "marked" else seen)
        return [*ids[: settings["max_pieces"] - 1], self.about["ids"]["eos"]]

    def decode(self, ids: list[int]) -> str:
        """The text of a target's ids, on one line."""
        text = self.tgt.decode(ids)
        plain = unmarked(text.strip()) if self.about["text"]["casing"] == "marked" else text
        return re.sub(r"[\r\n]+", " ", plain).strip()

    def search(self, sources: list[list[int]], size: int) -> list[list[int]]:
        """The best hypothesis of each source by beam search; size 1 is greedy."""
        settings, ids, memory = self.about["search"], self.about["ids"], self.about["memory"]
        inputs = self.encoded(sources)
        limits = (int(len(source) * settings["max_ratio"]) + settings["max_extra"] for source in sources)
        beams = [Beam(limit, size) for limit in limits]
        searched = beams  # those still searched, in the order of the inputs' rows
        inputs["ids"], totals = np.full((len(beams), 1), ids["bos"]), np.zeros((len(beams), 1), np.float32)
        while True:
            log_probs, *states = self.decoder.run(None, inputs)
            sums = (log_probs + totals[:, :, None]).reshape(len(searched), -1)
            for beam, row in zip(searched, sums, strict=True):
                places = np.argpartition(-row, min(size, len(row) - 1))[:size]
                places = places[np.argsort(-row[places], kind="stable")]
                extensions = [(float(row[place]), *divmod(int(place), log_probs.shape[2])) for place in places]
                beam.extend(extensions, ids["eos"], settings)
            rows = [row for row, beam in enumerate(searched) if beam.live]
            if not rows:
                return [beam.best() for beam in beams]
            searched = [searched[row] for row in rows]
            filler = Hypothesis(0, [ids["eos"]], -np.inf)
            kept = [beam.live + [filler] * (size - len(beam.live)) for beam in searched]
            parents = np.array([[one.parent for one in of_beam] for of_beam in kept])
            inputs = {name: inputs[name][rows] for name in memory}
            for name, state in zip(self.about["states"], states, strict=True):
                inputs[name] = state[np.array(rows)[:, None], parents]
            inputs["ids"] = np.array([[one.ids[-1] for one in of_beam] for of_beam in kept])
            totals = np.array([[one.log_prob for one in of_beam] for of_beam in kept], np.float32)

    def encoded(self, sources: list[list[int]]) -> dict[str, Any]:
        """The encoder's output for a batch: the memory and the first states."""
        lengths = np.array(list(map(len, sources)))
        src = np.full((len(sources), lengths.max()), self.about["ids"]["pad"])
        for row, source in enumerate(sources):
            src[row, : len(source)] = source
        names = [output.name for output in self.encoder.get_outputs()]
        return dict(zip(names, self.encoder.run(None, {"src": src, "src_len": lengths}), strict=True))


def penalty(length: int, settings: dict[str, Any]) -> float:
    """The divisor of the log-probability of this many tokens, EOS included."""
    of = {"none": 1.0, "average": float(length), "gnmt": (5 + length) / 6}
    return float(of[settings["normalisation"]] ** settings["alpha"])


def is_letterless(text: str) -> bool:
    return not any(map(str.isalpha, text)) and bool(text.strip()) and text.splitlines() == [text]


def direction(about: dict[str, Any], to: str | None, from_: str | None) -> list[int]:
    """The first ids of a source for this direction."""
    found = [
        one["leading"] for one in about["directions"] if to in (None, one["tgt"]) and from_ in (None, one["src"])
    ]
    if not found or any(leading != found[0] for leading in found):
        known = ", ".join(f"--from {one['src']} --to {one['tgt']}" for one in about["directions"])
        raise SystemExit(f"translate.py: choose one of: {known}")
    return list(found[0])


def main() -> None:
    parser = argparse.ArgumentParser(description="Translate the lines of stdin.")
    parser.add_argument("--beam-size", type=int, metavar="K", help="1 is greedy search; default: the model's own")
    parser.add_argument("--to", metavar="LANG", help="the code of a language, where the model knows several")
    parser.add_argument("--from", dest="from_", metavar="LANG", help="likewise")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of onnxruntime (%(default)s)")
    options = parser.parse_args()
    if (options.beam_size is not None and options.beam_size < 1) or options.threads < 1:
        parser.error("--beam-size and --threads are 1 or more")
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly when the reader has gone
    translator = Translator(Path(__file__).parent, options.threads)
    leading = direction(translator.about, options.to, options.from_)
    lines = sys.stdin.buffer.read().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    texts = [line.removesuffix(b"\r").decode(errors="replace") for line in (lines if lines[-1] else lines[:-1])]
    for translation in translator.translate(texts, options.beam_size, leading):
        sys.stdout.buffer.write(f"{translation}\n".encode())


if __name__ == "__main__":
    main()
