#!/usr/bin/env python3
"""Translation speed of a model on this machine, alone and beside other toolkits, and the BLEU of each setting.

    scripts/bench_translate.py runs/mine/model --src test.de --ref test.en
    scripts/bench_translate.py runs/mine/model --src test.de --ref test.en \
        --peer opennmt --peer ctranslate2 experiment=multi30k data=files data.dir=FOLDER data.src=de data.tgt=en

Prints sentences and source tokens (pieces, with EOS) per second, from text to text, for greedy search and a beam of
5, for each precision of --compute, with and without the shortlist:

- batch "file": the whole text, shared among --workers processes, as nmt-translate does with a file;
- batch 64: one process with --threads threads;
- batch 1: one sentence at a time, for the first --latency-sentences of the text, with percentiles of their times.

On a GPU (--device cuda) everything runs in one process, without a shortlist and without a limit.

Each figure is the median of --repeats (of batch 1: of one round), after a warm-up, without loading. BLEU is that
of the whole text in file mode. Then follow the cold start (from the start of the command to its first line, divided
by the time of `python -c "import torch"`) and the peak memory of this process.

Beside each figure is its limit: the sentences per second if only two things took time, the products with weights at
the rate of one large product, and the operations that Python starts at the cost of the smallest one
(bench/limits.py).

`--peer` measures another toolkit on the same text: a command's time for all sentences, minus its time for one. If
there is no model under --peer-dir, it first trains one at the sizes of experiment=bench_equal for --peer-minutes; for
ctranslate2 a Transformer, with OpenNMT-py. The speed depends little on that model, BLEU much.
`--isa` measures as on a processor with this instruction set and none beyond it (also for torch, by its settings).
`--json` prints one object as the last line.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from bench.config import load_config
from bench.limits import Limits
from bench.peers import PEERS, Installed
from bench.peers.translation import SEARCHES, trained, translation_rows

from nmt.cli.errors import Parser, one_line_errors
from nmt.cli.options import positive
from nmt.common.process import IN_SEARCH, tune_process
from nmt.data.readers import read_lines
from nmt.engine.device import available_compute, resolve_compute, resolve_device
from nmt.engine.on_gpu import GPU_DTYPES
from nmt.engine.products import COMPUTE
from nmt.metrics.config import MetricConfig
from nmt.metrics.measure import Measure
from nmt.search import with_beam_size
from nmt.training.auto_settings import prepared_by_text
from nmt.translation.translator import Translator
from nmt.translation.workers import Workers, default_workers

ISA = {  # settings of torch and its libraries, which multiply where nmt/native does not
    "amx": {},
    "avx512": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16", "FBGEMM_ENABLE_INSTRUCTIONS": "AVX512_VNNI"},
    "avx_vnni": {"ONEDNN_MAX_CPU_ISA": "AVX2_VNNI"},
    "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "neon_dot": {},
    "neon": {},
}
for _name in ("avx_vnni", "avx2"):
    ISA[_name] |= {
        "ATEN_CPU_CAPABILITY": "avx2",
        "FBGEMM_ENABLE_INSTRUCTIONS": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    }
BATCHES: tuple[int | str, ...] = "file", 64, 1  # sentences
ABLE = [name for name, peer in PEERS.items() if peer.translate]


def main() -> None:
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("overrides", nargs="*", help="the training text for a peer, as for nmt-train")
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--ref", type=Path, required=True)
    parser.add_argument("--device", default="cpu", help="as for nmt-translate (default: %(default)s)")
    parser.add_argument(
        "--compute", action="append", choices=[*COMPUTE, *GPU_DTYPES], help="default: all that work here"
    )
    parser.add_argument("--isa", choices=ISA, help="default: the best that is here")
    parser.add_argument("--threads", type=positive, help="of one process (default: as nmt-translate)")
    parser.add_argument("--workers", type=positive, help="processes in file mode (default: as nmt-translate)")
    parser.add_argument("--repeats", type=positive, default=3)
    parser.add_argument("--latency-sentences", type=positive, default=200)
    parser.add_argument("--peer", action="append", default=[], choices=ABLE)
    parser.add_argument("--peer-dir", type=Path, default=Path("runs/.peers"))
    parser.add_argument("--peer-minutes", type=float, default=20)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_intermixed_args()
    if arguments.isa and os.environ.get("NMT_ISA") != arguments.isa:  # torch has already read its settings
        os.execve(
            sys.executable, [sys.executable, *sys.argv], os.environ | ISA[arguments.isa] | {"NMT_ISA": arguments.isa}
        )
    with one_line_errors(parser.prog):
        run(arguments)


def run(arguments: argparse.Namespace) -> None:
    """Raises ValueError for an invalid model or text."""
    srcs, refs = (list(read_lines(path)) for path in (arguments.src, arguments.ref))
    if len(srcs) != len(refs) or not srcs:
        raise ValueError(f"{arguments.src} has {len(srcs)} lines and {arguments.ref} {len(refs)}; they must match")
    tune_process(IN_SEARCH)  # like nmt-translate
    torch.set_num_threads(arguments.threads or 1)
    rows = []
    device = resolve_device(arguments.device)
    here = torch.device(device)
    for compute in arguments.compute or available_compute(here):
        limits = Limits.of(resolve_compute(compute, here)) if device == "cpu" else None
        for shortlist in (True, False) if device == "cpu" else (False,):
            translator = Translator.load(arguments.model, device, compute, shortlist)
            for search, batch in itertools.product(SEARCHES, BATCHES):
                rows.append(measure(translator, search, batch, srcs, refs, limits, arguments))
                print(table_row(rows[-1]), flush=True)
    result: dict[str, Any] = {
        "rows": rows,
        "cold_start_over_import_torch": cold_start(arguments.model, device, srcs[0], arguments.repeats),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        * (1 if sys.platform == "darwin" else 1024),
    }
    result["peers"] = [row for name in arguments.peer for row in peer_rows(name, arguments)]
    print(f"cold start: {result['cold_start_over_import_torch']:.2f} x import torch", end="; ")
    print(f"peak memory {result['peak_rss_bytes'] / 1e6:.0f} MB")
    if arguments.json:
        print(json.dumps(result))


def peer_rows(name: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    config, prepared = prepared_by_text(load_config(arguments.overrides))
    peer = Installed(name, arguments.peer_dir.absolute(), config.data, prepared, os.cpu_count() or 1)
    model = trained(peer, arguments.peer_minutes)
    rows = translation_rows(peer, model, arguments.src, arguments.ref, arguments.repeats, arguments.latency_sentences)
    for row in rows:
        print(f"{name} {row['search']:7} {row['batch']:5} {row['sentences_per_s']:8,.1f} sentences/s", end="")
        print(f"  BLEU {row['bleu']:.2f}" if "bleu" in row else "", flush=True)
    return rows


def measure(
    translator: Translator,
    search: str,
    batch: int | str,
    srcs: Sequence[str],
    refs: Sequence[str],
    limits: Limits | None,
    arguments: argparse.Namespace,
) -> dict[str, Any]:
    translator.search = with_beam_size(translator.search, SEARCHES[search])
    row: dict[str, Any] = {
        "search": search,
        "batch": batch,
        "compute": translator.compute,
        "shortlist": translator.lexicon is not None,
        "bleu": None,
        "p50_ms": None,
        "p99_ms": None,
    }
    number, size = (arguments.workers or default_workers(translator), None) if batch == "file" else (1, int(batch))
    if batch == 1:
        texts = list(srcs[: arguments.latency_sentences])
        times = [seconds(partial(translator.translate, [text], plain=True)) for text in texts * 2]
        times = sorted(times[len(texts) :])  # the first round warms up
        elapsed = sum(times)
        row |= {f"p{p}_ms": round(1e3 * times[min(len(times) - 1, len(times) * p // 100)], 2) for p in (50, 95, 99)}
    else:
        texts = list(srcs)
        with Workers(translator, number) as workers:
            hyps = workers.translate(texts, batch_size=size, plain=True)
            elapsed = statistics.median(
                seconds(lambda: workers.translate(texts, batch_size=size, plain=True))
                for _ in range(arguments.repeats)
            )
        scores = Measure.of(MetricConfig(), "", refs).scores([hyp.text for hyp in hyps], [refs], ("bleu",))
        row["bleu"] = round(scores["bleu"].score, 2)
    tokens = sum(map(len, translator.tokenizer.encode_src(texts)))
    if limits:
        row |= limits.of_translating(translator, texts, size, number * torch.get_num_threads())
    return row | {"sentences_per_s": round(len(texts) / elapsed, 1), "src_tokens_per_s": round(tokens / elapsed)}


def seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def table_row(row: dict[str, Any]) -> str:
    text = f"{row['search']:7} {row['batch']!s:>5} {row['compute']:9} {'shortlist' if row['shortlist'] else 'all':9}"
    text += f" {row['sentences_per_s']:8,.1f} sentences/s {row['src_tokens_per_s']:8,} tokens/s"
    if "limit_sentences_per_s" in row:
        text += f"  {100 * row['sentences_per_s'] / row['limit_sentences_per_s']:3.0f} % of the limit"
    if row["bleu"] is not None:
        text += f"  BLEU {row['bleu']:.2f}"
    if row["p50_ms"] is not None:
        text += f"  p50 {row['p50_ms']:.1f}  p95 {row['p95_ms']:.1f}  p99 {row['p99_ms']:.1f} ms"
    return text


def cold_start(model: str, device: str, text: str, repeats: int) -> float:
    """The time until the command's first translation, divided by that of importing torch. Medians of alternating
    runs."""
    command = [str(Path(sys.executable).with_name("nmt-translate")), model, "--device", device]
    importing = [sys.executable, "-c", "import torch; print(flush=True)"]
    times: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(repeats):
        for which, arguments in enumerate((command, importing)):
            begin = time.perf_counter()
            with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
                assert process.stdin
                assert process.stdout
                process.stdin.write(text.encode() + b"\n")
                process.stdin.flush()
                process.stdout.readline()
                times[which].append(time.perf_counter() - begin)
                process.stdin.close()
    return statistics.median(times[0]) / statistics.median(times[1])


if __name__ == "__main__":
    main()
