"""Other toolkits at the sizes of experiment=bench_equal, each in its own environment, on the same text.

The settings of each are in NAME.yaml beside this file, and its requirements in NAME.txt.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from nmt.data.corpora import Corpus
from nmt.data.preparation import Prepared
from nmt.data.readers import read_lines
from nmt.metrics.config import MetricConfig
from nmt.metrics.measure import Measure

HERE = Path(__file__).parent
STEPS = 120  # updates per measurement
REPORT = 10  # updates per window
WARM_UP = 4  # windows
SAVE_EVERY = 25  # updates, in a trial


@dataclass(frozen=True)
class Peer:
    version: str
    train: list[str]  # arguments of `python -m`, followed by the settings file
    rate: re.Pattern[str]  # target tokens a second, in a line of its log
    # model, source, output, beam size, batch size, threads -> Python's arguments; None: not supported here
    translate: Callable[[Path, Path, Path, int, int, int], list[str]] | None = None
    environment: str | None = None  # the peer whose environment it shares
    convert: Callable[[Path, Path], list[str]] | None = None  # checkpoint, output -> Python's arguments


def opennmt_translate(model: Path, src: Path, output: Path, beam: int, batch: int, threads: int) -> list[str]:
    pieces = [f"-{side}_subword_model=tokenizer.model" for side in ("src", "tgt")]
    files = [f"-model={model}", f"-src={src}", f"-output={output}"]
    search = [f"-beam_size={beam}", f"-batch_size={batch}"]
    return ["-m", "onmt.bin.translate", *files, *search, "-transforms=sentencepiece", *pieces]


def ctranslate2_translate(model: Path, src: Path, output: Path, beam: int, batch: int, threads: int) -> list[str]:
    script = str(HERE / "ctranslate2_translate.py")
    return [script, str(model), "tokenizer.model", str(src), str(output), *map(str, (beam, batch, threads))]


def ctranslate2_convert(checkpoint: Path, output: Path) -> list[str]:
    files = ["--model_path", str(checkpoint), "--output_dir", str(output)]
    return [str(HERE / "ctranslate2_convert.py"), *files, "--quantization", "int8", "--force"]


OPENNMT_RATE = re.compile(r"/\s*(\d+) tok/s")
PEERS = {
    "opennmt": Peer("3.5.1", ["onmt.bin.train", "-config"], OPENNMT_RATE, opennmt_translate),
    "joeynmt": Peer("2.3.0", ["joeynmt", "train"], re.compile(r"Tokens per Sec:\s*(\d+)")),
    "ctranslate2": Peer(
        "4.8.5",
        ["onmt.bin.train", "-config"],
        OPENNMT_RATE,
        ctranslate2_translate,
        environment="opennmt",
        convert=ctranslate2_convert,
    ),
}
TRAINERS = [name for name, peer in PEERS.items() if not peer.convert]  # with models as in bench_equal


@dataclass(frozen=True)
class Trial:
    """A test of a peer's quality after `minutes` of wall time, from the start of its command.

    Raises ValueError for an invalid time, and for files that are missing or do not match.
    """

    minutes: float
    src: Path
    ref: Path

    def __post_init__(self) -> None:
        if not 0 < self.minutes < 1e6:
            raise ValueError(f"{self.minutes:g} minutes are no time to train for")
        m, n = (len(list(read_lines(path))) for path in (self.src, self.ref))
        if m != n or not m:
            raise ValueError(f"{self.src} has {m} lines and {self.ref} has {n}; they must be as many, and some")


def settings(name: str, run: Path, steps: int, save_every: int) -> str:
    """The peer's settings for `steps` updates in the folder `run`. The text is in its parent."""
    template = Template((HERE / f"{name}.yaml").read_text())
    return template.substitute(work=run.parent, run=run, steps=steps, save_every=save_every, report_every=REPORT)


def environment(name: str, folder: Path) -> Path:
    """The Python of the peer's environment, which is installed once."""
    python = folder / "venv/bin/python"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "torch==2.13.0"], check=True)
        # Its own version ranges exclude this torch, so its requirements are listed beside this file.
        subprocess.run([*install, "--no-deps", "--requirement", str(HERE / f"{name}.txt")], check=True)
        (folder / "installed").touch()
    return python


def write_text(work: Path, corpus: Corpus, prepared: Prepared) -> None:
    """Write the raw pairs, the SentencePiece model, and its pieces, one per line."""
    train, valid = corpus.pairs(corpus.train), prepared.valid
    held = {pair[:2] for pair in valid} if corpus.splits["valid"] is None else set[tuple[str, str]]()
    for role, pairs in (("train", [pair for pair in train if pair[:2] not in held]), ("valid", valid)):
        (work / f"{role}.src").write_text("".join(f"{pair.src}\n" for pair in pairs), encoding="utf-8")
        (work / f"{role}.tgt").write_text("".join(f"{pair.tgt}\n" for pair in pairs), encoding="utf-8")
    (model,) = prepared.tokenizer.models.values()
    (work / "tokenizer.model").write_bytes(model)
    pieces = prepared.tokenizer.tgt_pieces(range(prepared.tokenizer.tgt_vocab_size))
    (work / "vocabulary.txt").write_text("".join(f"{piece}\n" for piece in pieces))


class Installed:
    """A peer in its environment, with its text and settings."""

    def __init__(
        self, name: str, folder: Path, corpus: Corpus, prepared: Prepared, threads: int, run: str = "run"
    ) -> None:
        """`run` is the folder of the trained model; each run has its own model."""
        self.peer, self.name, self.work, self.threads = PEERS[name], name, folder / name, threads
        self.run = self.work / run
        self.log = self.work / "train.log"
        self.work.mkdir(parents=True, exist_ok=True)
        home = self.peer.environment or name
        (folder / home).mkdir(exist_ok=True)
        self.python = environment(home, folder / home)
        write_text(self.work, corpus, prepared)

    def call(self, arguments: list[str], timeout_s: float | None = None) -> bool:
        """Run the peer's Python -> whether it succeeded. Its output goes into the log."""
        env = {**os.environ, "OMP_NUM_THREADS": str(self.threads), "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}
        with self.log.open("a") as output:
            command = [str(self.python), *arguments]
            ended = subprocess.run(command, cwd=self.work, env=env, stdout=output, stderr=output, timeout=timeout_s)
        return ended.returncode == 0

    def train(self, minutes: float | None = None) -> None:
        """Train from scratch, for STEPS updates or for `minutes`."""
        shutil.rmtree(self.run, ignore_errors=True)
        self.log.unlink(missing_ok=True)
        steps, save_every = (STEPS, STEPS) if minutes is None else (10**6, SAVE_EVERY)
        (self.work / "settings.yaml").write_text(settings(self.name, self.run, steps, save_every))
        with suppress(subprocess.TimeoutExpired):  # the expected end after `minutes`
            self.call(["-m", *self.peer.train, "settings.yaml"], 60 * minutes if minutes else None)

    def checkpoints(self) -> list[Path]:
        """All checkpoints, newest first."""
        return sorted(self.run.glob("model_step_*.pt"), key=lambda path: path.stat().st_mtime, reverse=True)

    def translate(self, model: Path, src: Path, output: Path, beam: int = 5, batch: int = 64) -> bool:
        assert self.peer.translate is not None
        return self.call(self.peer.translate(model, src.absolute(), output, beam, batch, self.threads))


def measure(
    name: str, folder: Path, corpus: Corpus, prepared: Prepared, threads: int, trial: Trial | None = None
) -> dict[str, Any]:
    """Train for STEPS updates and read the rate from the log: the median window after warm-up. With a `trial`, train
    for its minutes, and score the translations of the resulting model."""
    peer = Installed(name, folder, corpus, prepared, threads, "run" if trial else "speed")
    peer.train(trial.minutes if trial else None)
    rates = [float(rate) for rate in peer.peer.rate.findall(peer.log.read_text())]
    if len(rates) <= WARM_UP:
        raise SystemExit(f"{name} reported no speed; its output is in {peer.log}")
    result = {"name": name, "version": peer.peer.version, "tgt_tokens_per_s": statistics.median(rates[WARM_UP:])}
    if trial is not None:
        result |= {"minutes": trial.minutes, "bleu": trial_bleu(peer, trial)}
    return result


def trial_bleu(peer: Installed, trial: Trial) -> float:
    """BLEU of the newest checkpoint that can be opened: the last one may be truncated."""
    hyp = peer.run / "hyp.txt"
    for model in peer.checkpoints():
        if peer.translate(model, trial.src, hyp):
            refs = list(read_lines(trial.ref))
            measure = Measure.of(MetricConfig(), "", refs)
            return measure.scores(list(read_lines(hyp)), [refs], ("bleu",))["bleu"].score
    raise SystemExit(f"no checkpoint of {peer.run} translates; the trial was too short, or {peer.log} tells why")
