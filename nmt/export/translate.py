"""Translate the lines of stdin with the model beside this file, which nmt-export has written, without nmt:

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
from typing import Any

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
        """One translation a text; `leading` are the ids of a direction."""
        text, ids, found = self.about["text"], self.about["ids"], [""] * len(texts)
        sources: dict[int, list[int]] = {}
        for number, given in enumerate(texts):
            seen = unicodedata.normalize("NFC", given) if text["nfc"] else given
            seen = marked(seen[: text["max_chars"]]) if text["casing"] == "marked" else seen[: text["max_chars"]]
            pieces = [*self.src.encode(seen), ids["eos"]]
            if text["copy_letterless"] and is_letterless(given):
                found[number] = given
                continue
            if len(pieces) > text["max_pieces"]:
                pieces = [*pieces[: text["max_pieces"] - 1], ids["eos"]]
            if pieces[1:]:
                sources[number] = [*(leading or []), *pieces]
        order = sorted(sources, key=lambda number: -len(sources[number]))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            best = self.search([sources[number] for number in batch], beam_size or self.about["search"]["beam_size"])
            for number, hypothesis in zip(batch, best, strict=True):
                plain = self.tgt.decode(hypothesis)
                plain = unmarked(plain.strip()) if text["casing"] == "marked" else plain
                found[number] = re.sub(r"[\r\n]+", " ", plain).strip()
        return found

    def search(self, sources: list[list[int]], size: int) -> list[list[int]]:
        """The best hypothesis of each source by beam search, of 1 greedily. A hypothesis is given up whose mean could
        not be the best even if it got `patience` more tokens for nothing."""
        settings, ids = self.about["search"], self.about["ids"]
        src = np.full((len(sources), max(map(len, sources))), ids["pad"])
        for place, source in enumerate(sources):
            src[place, : len(source)] = source
        lengths = np.array(list(map(len, sources)))
        limits = (lengths * settings["max_ratio"]).astype(int) + settings["max_extra"]
        names = [output.name for output in self.encoder.get_outputs()]
        inputs = dict(zip(names, self.encoder.run(None, {"src": src, "src_len": lengths}), strict=True))
        live: list[list[tuple[int, list[int], float]]] = [[(0, [], 0.0)] for _ in sources]  # parent, ids, log-prob.
        ended: list[list[tuple[float, list[int]]]] = [[] for _ in sources]  # score, ids
        best, free, searched = [-np.inf] * len(sources), [size] * len(sources), list(range(len(sources)))
        inputs["ids"], totals = np.full((len(sources), 1), ids["bos"]), np.zeros((len(sources), 1), np.float32)
        while searched:
            log_probs, *states = self.decoder.run(None, inputs)
            sums = (log_probs + totals[:, :, None]).reshape(len(searched), -1)
            places = np.argpartition(-sums, min(size, sums.shape[1] - 1), 1)[:, :size]
            for row, i in enumerate(searched):
                before, length, now = live[i], len(live[i][0][1]) + 1, []
                ordered = places[row][np.argsort(-sums[row, places[row]], kind="stable")]
                for place in ordered[: free[i]]:
                    total, (parent, token) = float(sums[row, place]), divmod(int(place), log_probs.shape[2])
                    if not total > -np.inf:
                        break
                    extended = before[parent][1] if token == ids["eos"] else [*before[parent][1], token]
                    if token == ids["eos"] or length >= limits[i]:
                        ended[i].append((total / penalty(length, settings), extended))
                        best[i], free[i] = max(best[i], total / length), free[i] - 1
                    else:
                        now.append((parent, extended, total))
                least = best[i] * (length + settings["patience"]) if ended[i] else -np.inf
                live[i] = [one for one in now if one[2] >= least]
                if not live[i] and not ended[i]:  # numbers of the model overflow
                    ended[i].append((-np.inf, before[0][1]))
            stay = [row for row, i in enumerate(searched) if live[i]]
            searched = [searched[row] for row in stay]
            kept = [live[i] + [(0, [ids["eos"]], -np.inf)] * (size - len(live[i])) for i in searched]
            rows, parents = np.array(stay)[:, None], np.array([[one[0] for one in of] for of in kept], int)
            if searched:
                inputs |= {name: inputs[name][stay] for name in self.about["memory"]}
                states = [state[rows, parents] for state in states]
                inputs |= dict(zip(self.about["states"], states, strict=True))
                inputs["ids"] = np.array([[one[1][-1] for one in of] for of in kept])
                totals = np.array([[one[2] for one in of] for of in kept], np.float32)
        return [max(of, key=lambda one: one[0])[1] for of in ended]


def penalty(length: int, settings: dict[str, Any]) -> float:
    """What the log-probability of so many tokens, the end included, is divided by."""
    of = {"none": 1.0, "average": float(length), "gnmt": (5 + length) / 6}
    return float(of[settings["normalisation"]] ** settings["alpha"])


def is_letterless(text: str) -> bool:
    return not any(map(str.isalpha, text)) and bool(text.strip()) and text.splitlines() == [text]


def direction(about: dict[str, Any], to: str | None, from_: str | None) -> list[int]:
    """The ids that a source begins with which is to be translated so."""
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
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end quietly where nobody reads any more
    translator = Translator(Path(__file__).parent, options.threads)
    leading = direction(translator.about, options.to, options.from_)
    lines = sys.stdin.buffer.read().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    texts = [line.removesuffix(b"\r").decode(errors="replace") for line in (lines if lines[-1] else lines[:-1])]
    for translation in translator.translate(texts, options.beam_size, leading):
        sys.stdout.buffer.write(f"{translation}\n".encode())


if __name__ == "__main__":
    main()
