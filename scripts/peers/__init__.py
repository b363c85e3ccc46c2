"""Other toolkits at the sizes of experiment=bench_equal, each in an environment of its own, on the same text.

Beside this file each has its settings (NAME.yaml) and what to install (NAME.txt).
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

from nmt.data.corpus import Corpus, read_lines
from nmt.data.preparation import Prepared
from nmt.metrics import corpus_scores

HERE = Path(__file__).parent
STEPS = 120  # updates of a measurement
REPORT = 10  # updates of a window
WARM_UP = 4  # windows
SAVE_EVERY = 25  # updates of a trial


@dataclass(frozen=True)
class Peer:
    version: str
    train: list[str]  # what `python -m` runs, up to the name of the settings' file
    rate: re.Pattern[str]  # target tokens a second, in a line of its log
    # model, source, output -> what `python -m` runs, with beam 5; None: not known here
    translate: Callable[[Path, Path, Path], list[str]] | None = None


def opennmt_translate(model: Path, src: Path, output: Path) -> list[str]:
    pieces = [f"-{side}_subword_model=tokenizer.model" for side in ("src", "tgt")]
    files = [f"-model={model}", f"-src={src}", f"-output={output}"]
    return ["onmt.bin.translate", *files, "-beam_size=5", "-transforms=sentencepiece", *pieces]


PEERS = {
    "opennmt": Peer("3.5.1", ["onmt.bin.train", "-config"], re.compile(r"/\s*(\d+) tok/s"), opennmt_translate),
    "joeynmt": Peer("2.3.0", ["joeynmt", "train"], re.compile(r"Tokens per Sec:\s*(\d+)")),
}


@dataclass(frozen=True)
class Trial:
    """How well a peer translates after so much time, everything included from its start on.

    Raises ValueError for a time that is none, and for files that are not there or do not match.
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


def settings(name: str, work: Path, steps: int, save_every: int) -> str:
    """The peer's settings for `steps` updates in the folder `work`."""
    template = Template((HERE / f"{name}.yaml").read_text())
    return template.substitute(work=work, steps=steps, save_every=save_every, report_every=REPORT)


def environment(name: str, folder: Path) -> Path:
    """The peer's own Python, installed once."""
    python = folder / "venv/bin/python"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "torch==2.13.0"], check=True)
        # Its own ranges exclude this torch, so what it needs is listed beside this file.
        subprocess.run([*install, "--no-deps", "--requirement", str(HERE / f"{name}.txt")], check=True)
        (folder / "installed").touch()
    return python


def write_text(work: Path, corpus: Corpus, prepared: Prepared) -> None:
    """Raw pairs, the piece model, and its pieces one a line."""
    for role in ("train", "valid"):
        split = corpus.splits[role]
        assert split is not None
        pairs = list(corpus.pairs(split))
        (work / f"{role}.src").write_text("".join(f"{pair.src}\n" for pair in pairs), encoding="utf-8")
        (work / f"{role}.tgt").write_text("".join(f"{pair.tgt}\n" for pair in pairs), encoding="utf-8")
    (model,) = prepared.tokenizer.models.values()
    (work / "tokenizer.model").write_bytes(model)
    pieces = prepared.tokenizer.tgt_pieces(range(prepared.tokenizer.tgt_vocab_size))
    (work / "vocabulary.txt").write_text("".join(f"{piece}\n" for piece in pieces))


def measure(
    name: str, folder: Path, corpus: Corpus, prepared: Prepared, threads: int, trial: Trial | None = None
) -> dict[str, Any]:
    """Train for STEPS updates and read the rate from the log: the median window after warm-up. With a `trial` train
    for as long as that says, and score what it then translates."""
    peer, work = PEERS[name], folder / name
    work.mkdir(parents=True, exist_ok=True)
    python = environment(name, work)
    write_text(work, corpus, prepared)
    shutil.rmtree(work / "run", ignore_errors=True)
    log = work / "train.log"
    log.unlink(missing_ok=True)
    env = {**os.environ, "OMP_NUM_THREADS": str(threads), "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}

    def call(arguments: list[str], timeout_s: float | None = None) -> bool:
        """Whether it ended well; what it prints goes into the log."""
        with log.open("a") as output:
            command = [str(python), "-m", *arguments]
            ended = subprocess.run(command, cwd=work, env=env, stdout=output, stderr=output, timeout=timeout_s)
        return ended.returncode == 0

    steps, save_every = (STEPS, STEPS) if trial is None else (10**6, SAVE_EVERY)
    (work / "settings.yaml").write_text(settings(name, work, steps, save_every))
    with suppress(subprocess.TimeoutExpired):  # as a trial should end
        call([*peer.train, "settings.yaml"], 60 * trial.minutes if trial else None)
    rates = [float(rate) for rate in peer.rate.findall(log.read_text())]
    if len(rates) <= WARM_UP:
        raise SystemExit(f"{name} reported no speed; its output is in {log}")
    result = {"name": name, "version": peer.version, "tgt_tokens_per_s": statistics.median(rates[WARM_UP:])}
    if trial is not None:
        result |= {"minutes": trial.minutes, "bleu": trial_bleu(peer, work / "run", trial, call)}
    return result


def trial_bleu(peer: Peer, run: Path, trial: Trial, call: Callable[[list[str]], bool]) -> float:
    """BLEU of the newest checkpoint that can be opened: the last one may have been cut off as it was written."""
    assert peer.translate is not None
    hyp = run / "hyp.txt"
    for model in sorted(run.glob("model_step_*.pt"), key=lambda path: path.stat().st_mtime, reverse=True):
        if call(peer.translate(model, trial.src.absolute(), hyp)):
            return corpus_scores(list(read_lines(hyp)), list(read_lines(trial.ref)))["bleu"].score
    raise SystemExit(
        f"no checkpoint of {run} translates; the trial was too short, or {run.parent}/train.log tells why"
    )
