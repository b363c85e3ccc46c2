#!/usr/bin/env python3
"""Compare nmt-serve with nmt-translate, in turns on the same cores:

    scripts/bench_serve.py runs/demo/model --src test.de --cores 0,1

- throughput: --clients clients with keep-alive connections, one line per request, against `nmt-translate` on the same
  lines, minus its start (its time for two lines);
- latency: a single client against `translate` of one text in Python;
- start: until the first answer, against `import torch`;
- memory (PSS): a server with two pairs and two workers against `nmt-translate` with one.

Repeats each `--rounds` times, and prints medians and their ratios. `--soak 300` runs five minutes of load instead.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TextIO
from urllib.request import urlopen

from processes import cpu_seconds, cpu_seconds_of_family, memory_bytes

from nmt.common.json_text import to_json

MARKER = "Zauberwort"
SERVE = "from nmt.cli.serve import main; main()"
TRANSLATE = "from nmt.cli.translate import main; main()"
HEAD = b"POST /translate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a model directory")
    parser.add_argument("--src", type=Path, required=True, help="lines to translate")
    parser.add_argument("--lines", type=int, default=6000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", default="0,1", help="where everything runs, the clients too (%(default)s)")
    parser.add_argument(
        "--soak", type=float, metavar="S", help="instead: so many seconds of load, and what they leave"
    )
    options = parser.parse_args()
    os.sched_setaffinity(0, {int(core) for core in options.cores.split(",")})
    texts = options.src.read_text(encoding="utf-8").splitlines()
    lines = (texts * (1 + options.lines // len(texts)))[: options.lines]
    workers = str(len(os.sched_getaffinity(0)))
    with tempfile.TemporaryDirectory() as folder:
        many, few = Path(folder) / "many", Path(folder) / "few"
        many.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        few.write_text("".join(f"{line}\n" for line in lines[:2]), encoding="utf-8")
        if options.soak:
            soak(options, lines, workers)
            return
        print(f"{len(lines)} lines, {options.clients} clients, cores {options.cores}")
        throughput(options, lines, many, few, workers)
        latency(options, lines[:400])
        start(options)
        memory(options, lines[:2000], many)


def soak(options: argparse.Namespace, lines: list[str], workers: str) -> None:
    """Print memory over time, and whether the log or the metrics contain text of the requests."""
    marked = [f"{MARKER} {line}" for line in lines[:1000]]
    with tempfile.TemporaryFile("w+") as log, serving("--pair", f"de-en={options.model}", log=log) as (port, pid):
        asyncio.run(ask_all(port, marked, options.clients))
        begun, asked, found = time.perf_counter(), 0, [memory_bytes(pid)]
        while time.perf_counter() - begun < options.soak:
            asyncio.run(ask_all(port, marked, options.clients))
            asked += len(marked)
            found.append(memory_bytes(pid))
        with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            said = answer.read().decode()
        log.seek(0)
        said += log.read()
    half = len(found) // 2
    growth = max(found[half:]) / max(found[: half + 1])
    print(f"{asked} requests in {options.soak:.0f} s; memory {found[0] >> 20} MB, then at most {max(found) >> 20} MB")
    print(f"the second half against the first: {growth:.3f}; the marker was {'' if MARKER in said else 'not '}found")


def throughput(options: argparse.Namespace, lines: list[str], many: Path, few: Path, workers: str) -> None:
    of_file, of_server = [], []
    used: list[tuple[float, ...]] = []  # CPU milliseconds per line: file, HTTP, workers, clients
    with serving("--pair", f"de-en={options.model}", "--workers", workers) as (port, pid):
        asyncio.run(ask_all(port, lines[:500], options.clients))
        for _ in range(options.rounds):
            first = os.times()
            seconds = translated(options.model, many, workers)[0]
            between = os.times()
            seconds -= translated(options.model, few, workers)[0]
            last = os.times()
            file_s = sum((2 * between[i] - first[i] - last[i]) for i in (2, 3))  # of child processes, minus the start
            of_file.append(len(lines) / seconds)
            start = cpu_seconds(pid), cpu_seconds_of_family(pid), time.process_time()
            begun = time.perf_counter()
            asyncio.run(ask_all(port, lines, options.clients))
            of_server.append(len(lines) / (time.perf_counter() - begun))
            end = cpu_seconds(pid), cpu_seconds_of_family(pid), time.process_time()
            http, both, own = (after - before for before, after in zip(start, end, strict=True))
            used.append(tuple(1000 * one / len(lines) for one in (file_s, http, both - http, own)))
    ratio = median(a / b for a, b in zip(of_server, of_file, strict=True))
    print(f"throughput: {median(of_server):.0f} requests/s, {median(of_file):.0f} lines/s of a file: {ratio:.2f}")
    file_ms, http_ms, worker_ms, client_ms = (median(one) for one in zip(*used, strict=True))
    print(
        f"CPU: a line of a file {file_ms:.3f} ms; a request {http_ms:.3f} ms for HTTP, {worker_ms:.3f} in workers, "
        f"{client_ms:.3f} in clients: {file_ms / (http_ms + worker_ms + client_ms):.2f}"
    )


def latency(options: argparse.Namespace, lines: list[str]) -> None:
    """Latency of one client and of Python in this process, in alternating rounds."""
    from nmt.common.process import IN_SEARCH, tune_process

    tune_process(IN_SEARCH)
    import torch

    import nmt

    torch.set_num_threads(1)
    translator = nmt.load(options.model, device="cpu")
    alone: list[float] = []
    with serving("--pair", f"de-en={options.model}", "--workers", "1") as (port, _):
        for _ in range(options.rounds + 1):  # the first warms up
            alone, before = [], alone
            for line in lines:
                begun = time.perf_counter()
                translator.translate([line], plain=True)
                alone.append(time.perf_counter() - begun)
            served = asyncio.run(ask_all(port, lines, 1))
            if before:
                p50, p99 = ([quantile(times, share) * 1000 for times in (served, alone)] for share in (0.5, 0.99))
                print(
                    f"a lone client: p50 {p50[0]:.1f} ms, p99 {p99[0]:.1f} ms; translate() {p50[1]:.1f} and "
                    f"{p99[1]:.1f} ms: {p50[0] / p50[1]:.2f} and {p99[0] / p99[1]:.2f}"
                )


def start(options: argparse.Namespace) -> None:
    ratios = []
    for _ in range(options.rounds):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import torch"], check=True)
        of_torch, begun = time.perf_counter() - begun, time.perf_counter()
        with serving("--pair", f"de-en={options.model}") as (port, _):
            asyncio.run(ask_all(port, ["Hallo."], 1))
            ratios.append(((time.perf_counter() - begun) / of_torch, of_torch))
    ratio, of_torch = sorted(ratios)[len(ratios) // 2]
    print(f"start to first answer: {ratio * of_torch:.2f} s, import torch {of_torch:.2f} s: {ratio:.2f}")


def memory(options: argparse.Namespace, lines: list[str], many: Path) -> None:
    pairs = ["--pair", f"de-en={options.model}", "--pair", f"en-de={options.model}"]
    with tempfile.TemporaryDirectory() as folder:  # two separate copies of the model
        copy = Path(folder) / "model"
        subprocess.run(["cp", "-r", options.model, copy], check=True)
        pairs[-1] = f"en-de={copy}"
        with serving(*pairs, "--workers", "2") as (port, pid):
            asyncio.run(ask_all(port, lines, 32))
            asyncio.run(ask_all(port, lines, 32, "en", "de"))
            served = memory_bytes(pid)
    of_filter = translated(options.model, many, "1")[1]
    mb = 1 << 20
    print(f"memory: {served / mb:.0f} MB, of nmt-translate {of_filter / mb:.0f} MB: {served / of_filter:.2f}")


@contextmanager
def serving(*arguments: str, log: TextIO | None = None) -> Iterator[tuple[int, int]]:
    """Start a server -> its port and process, when it is ready. Its later output goes into the log."""
    command = [sys.executable, "-c", SERVE, "--port", "0", "--watch", "0", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr
            said: list[str] = []
            while (found := re.search(r"listening on \S+:(\d+)", "".join(said))) is None:
                said.append(server.stderr.readline())
                if not said[-1]:
                    sys.exit("".join(said))
            if log:
                threading.Thread(target=shutil.copyfileobj, args=(server.stderr, log), daemon=True).start()
            yield int(found[1]), server.pid
        finally:
            server.send_signal(signal.SIGTERM)


def translated(model: str, path: Path, workers: str) -> tuple[float, int]:
    """The seconds of nmt-translate for a file, and its largest observed PSS in bytes."""
    begun, most = time.perf_counter(), 0
    with path.open("rb") as file:
        command = [sys.executable, "-c", TRANSLATE, model, "--workers", workers]
        process = subprocess.Popen(command, stdin=file, stdout=subprocess.DEVNULL)
        while process.poll() is None:
            most = max(most, memory_bytes(process.pid)) if workers == "1" else 0
            try:
                process.wait(0.1 if workers == "1" else None)
            except subprocess.TimeoutExpired:
                continue
    return time.perf_counter() - begun, most


async def ask_all(port: int, lines: list[str], clients: int, source: str = "de", target: str = "en") -> list[float]:
    """The seconds of each request."""
    times: list[float] = []

    async def client(own: list[str]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for line in own:
            body = to_json({"q": line, "source": source, "target": target}).encode()
            begun = time.perf_counter()
            writer.write(HEAD % len(body) + body)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            assert length
            assert head.startswith(b"HTTP/1.1 200"), head
            await reader.readexactly(int(length[1]))
            times.append(time.perf_counter() - begun)
        writer.close()

    await asyncio.gather(*(client(lines[i::clients]) for i in range(clients)))
    return times


def quantile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))]


if __name__ == "__main__":
    main()
