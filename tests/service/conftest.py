"""A real server for the tests, once a session: two pairs of tiny models, in float32."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import toy

from nmt.bundle import save_bundle
from nmt.search import Beam

for library in ("uvicorn", "httptools", "uvloop"):
    pytest.importorskip(library, reason="needs pip install nmt[serve]")
httpx2 = pytest.importorskip("httpx2", reason="needs pip install nmt[test]")


def save_model(folder: Path, tokenizer, lexicon, languages=("de", "en"), seed=1) -> Path:
    """A model directory with random weights, which ends its translations soon."""
    config = toy.model_config("gru", num_layers=1, heads=2)
    torch.manual_seed(seed)
    search = Beam(beam_size=3, max_ratio=0.5, max_extra=3)
    save_bundle(folder, toy.bundle(config, tokenizer, lexicon, search, languages), "# card", {})
    return folder


class Served:
    """A server's process; `url` is where it is."""

    def __init__(self, *arguments: str) -> None:
        code = "from nmt.cli.serve import main; main()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "--port", "0", "--compute", "float32", "--watch", "0", *arguments],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        self.lines: list[str] = []
        self._seen = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        found = self.wait_for(r"listening on (http://\S+)")
        self.url = found[1]
        self.client = httpx2.Client(base_url=self.url, timeout=60)

    def _read(self) -> None:
        for line in self.process.stderr:
            with self._seen:
                self.lines.append(line)
                self._seen.notify_all()
        with self._seen:
            self.lines.append("ended\n")
            self._seen.notify_all()

    def wait_for(self, pattern: str, start: int = 0) -> re.Match[str]:
        """The line of its log that matches."""
        with self._seen:
            while not (found := next(filter(None, (re.search(pattern, line) for line in self.lines[start:])), None)):
                assert "ended\n" not in self.lines, self.lines
                assert self._seen.wait(60), self.lines
        return found

    def ask(self, **fields):
        return self.client.post("/translate", json={"source": "de", "target": "en"} | fields)

    def workers(self) -> list[int]:
        """Their processes."""
        models = children(self.process.pid)
        return children(models[-1])

    def metric(self, name: str) -> float:
        text = self.client.get("/metrics").text
        return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if re.match(rf"{name}[ {{]", line))

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(40)


def children(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = re.match(r"\d+ \(.*\) (\S) (\d+)", status.read_text()).groups()
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(status.parent.name))
    return sorted(found)


@contextmanager
def serving(*arguments: str) -> Iterator[Served]:
    served = Served(*arguments)
    try:
        yield served
    finally:
        served.client.close()
        served.process.kill()
        served.process.wait()


@pytest.fixture(scope="session")
def model_dirs(tmp_path_factory, tokenizer, lexicon) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("served")
    return {
        f"{src}-{tgt}": save_model(folder / f"{src}-{tgt}", tokenizer, lexicon, (src, tgt), seed)
        for seed, (src, tgt) in enumerate([("de", "en"), ("en", "de")], 1)
    }


@pytest.fixture(scope="session")
def server(model_dirs) -> Iterator[Served]:
    pairs = [argument for pair, folder in model_dirs.items() for argument in ("--pair", f"{pair}={folder}")]
    with serving(
        *pairs, "--workers", "2", "--max-texts", "1500", "--max-bytes", "600000", "--url-prefix", "/nmt"
    ) as served:
        yield served


@pytest.fixture(scope="session")
def translator(model_dirs):
    """What the server should say, from German into English."""
    import nmt

    return nmt.load(model_dirs["de-en"], device="cpu", compute="float32")
