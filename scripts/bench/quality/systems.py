"""The compared systems: how to train each, which models it saves, and how to translate with them."""

from __future__ import annotations

import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template

import nmt
from bench.peers import PEERS, ctranslate2_convert, ctranslate2_translate, environment, opennmt_translate
from bench.quality.process import Clock
from bench.quality.text import Text
from nmt.sweep.overrides import typed

HERE = Path(__file__).parent
FAIRSEQ = str(HERE.parent / "peers/fairseq_run.py")
WHOLE_S = 2.0  # a file unchanged for this long counts as complete
# Makes trainer.max_minutes count processor time.
BY_PROCESSOR = (
    "import time, types; from lightning.pytorch.callbacks import timer; "
    "timer.time = types.SimpleNamespace(monotonic=lambda: time.process_time() / {threads}); "
)
RESERVE_MINUTES = 0.5  # of nmt-train's time, for its start and its last validation


@dataclass(frozen=True)
class Place:
    """Where a system works, and for how long."""

    folder: Path  # the system's own
    text: Text
    minutes: float
    threads: int
    peer_dir: Path
    clock: Clock = "wall"  # measures the minutes

    @property
    def run(self) -> Path:
        return self.folder / "run"


Command = Callable[
    [Place, Path, Path, Path, int], list[str]
]  # place, model, source, output, beam size -> Python's arguments


@dataclass(frozen=True)
class System:
    kind: str  # recurrent or Transformer
    train: Callable[[Place], list[str]]  # Python's arguments
    saved: Callable[[Place], Path | None]  # the newest model
    translate: Command
    parameters: re.Pattern[str]  # their number, in a line of the log
    peer: str | None = None  # the peer of scripts/bench/peers whose environment it uses; None: this environment
    release: str = ""  # the version of a peer that is not in PEERS
    stop: signal.Signals = signal.SIGTERM  # ends its training
    pipes: bool = False  # translates from stdin to stdout

    @property
    def version(self) -> str:
        return nmt.__version__ if self.peer is None else self.release or PEERS[self.peer].version

    def python(self, place: Place) -> str:
        return sys.executable if self.peer is None else str(environment(self.peer, folder_of(place, self.peer)))


def folder_of(place: Place, peer: str) -> Path:
    folder = place.peer_dir / peer
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def settings(place: Place, name: str) -> str:
    """Fill in NAME.yaml -> its path."""
    text = place.text
    filled = Template((HERE / f"{name}.yaml").read_text()).substitute(
        text=text.folder, src=text.src, tgt=text.tgt, run=place.run, pieces=text.pieces, max_tokens=text.max_tokens
    )
    path = place.folder / "settings.yaml"
    path.write_text(filled)
    return str(path)


def command(name: str, before: str = "") -> list[str]:
    """Python's arguments for nmt-NAME, with the code `before` run first."""
    return ["-c", f"{before}from nmt.cli.{name} import main; main()"]


def our_training(place: Place) -> list[str]:
    minutes = max(place.minutes - RESERVE_MINUTES, place.minutes / 2)
    run = [typed("runs_dir", str(place.folder)), typed("run", place.run.name), f"trainer.threads={place.threads}"]
    limits = [f"trainer.max_minutes={minutes:g}", "trainer.tensorboard=false", "trainer.accelerator=cpu"]
    before = BY_PROCESSOR.format(threads=place.threads) if place.clock == "processor" else ""
    return [*command("train", before), *place.text.arguments, *run, *limits]


def our_translation(place: Place, model: Path, src: Path, output: Path, beam: int) -> list[str]:
    workers = ["--workers", str(place.threads), "--device", "cpu"]
    return [*command("translate"), str(model), "--beam-size", str(beam), *workers]


def our_model(place: Place) -> Path | None:
    folder = place.run / "model"
    return folder if (folder / "config.json").exists() else None


def newest(pattern: str) -> Callable[[Place], Path | None]:
    def found(place: Place) -> Path | None:
        files = {path: path.stat().st_mtime for path in place.run.glob(pattern) if not path.is_symlink()}
        whole = [path for path, changed in files.items() if time.time() - changed > WHOLE_S]
        return max(whole, key=files.__getitem__, default=None)

    return found


def opennmt_training(name: str) -> Callable[[Place], list[str]]:
    return lambda place: ["-m", "onmt.bin.train", "-config", settings(place, name)]


def opennmt_translation(place: Place, model: Path, src: Path, output: Path, beam: int) -> list[str]:
    arguments = opennmt_translate(model, src, output, beam, 64, place.threads)
    pieces = str(place.text.folder / "tokenizer.model")
    return [argument.replace("=tokenizer.model", f"={pieces}") for argument in arguments]


def joeynmt_translation(place: Place, model: Path, src: Path, output: Path, beam: int) -> list[str]:
    script = str(HERE.parent / "peers/joeynmt_translate.py")
    files = [str(place.folder / "settings.yaml"), str(model), str(src), str(output)]
    return [script, *files, str(beam), "64", str(place.threads)]


def fairseq_training(place: Place) -> list[str]:
    """fairseq's recipe for IWSLT14, with the layers, sizes and warm-up of the other Transformers."""
    text = place.text
    sizes = [f"--{side}-layers=3" for side in ("encoder", "decoder")]
    for side in ("encoder", "decoder"):
        sizes += [f"--{side}-embed-dim=256", f"--{side}-ffn-embed-dim=1024", f"--{side}-attention-heads=4"]
    model = ["--arch=transformer_iwslt_de_en", *sizes, "--share-all-embeddings", "--dropout=0.3"]
    adam = ["--optimizer=adam", "--adam-betas=(0.9, 0.98)", "--lr=0.001", "--weight-decay=0.0001", "--clip-norm=0.0"]
    rate = ["--lr-scheduler=inverse_sqrt", "--warmup-updates=100"]
    loss = ["--criterion=label_smoothed_cross_entropy", "--label-smoothing=0.1"]
    saving = ["--save-interval-updates=25", "--keep-interval-updates=3", "--no-epoch-checkpoints"]
    more = [f"--max-tokens={text.max_tokens}", "--disable-validation", "--num-workers=0", "--cpu", "--seed=1"]
    where = [str(text.folder), text.src, text.tgt, str(place.run)]
    return [FAIRSEQ, "train", *where, *model, *adam, *rate, *loss, *saving, *more, "--no-last-checkpoints"]


def fairseq_translation(place: Place, model: Path, src: Path, output: Path, beam: int) -> list[str]:
    where = [str(model), str(place.text.folder), str(place.run), str(src), str(output)]
    return [FAIRSEQ, "translate", *where, str(beam), "64"]


SYSTEMS = {
    "nmt": System(
        "recurrent", our_training, our_model, our_translation, re.compile(r"([\d,]+) parameters"), pipes=True
    ),
    "opennmt-rnn": System(
        "recurrent",
        opennmt_training("opennmt-rnn"),
        newest("model_step_*.pt"),
        opennmt_translation,
        re.compile(r"number of parameters: (\d+)"),
        "opennmt",
    ),
    "opennmt-transformer": System(
        "Transformer",
        opennmt_training("opennmt-transformer"),
        newest("model_step_*.pt"),
        opennmt_translation,
        re.compile(r"number of parameters: (\d+)"),
        "opennmt",
    ),
    "joeynmt-transformer": System(
        "Transformer",
        lambda place: ["-m", "joeynmt", "train", settings(place, "joeynmt-transformer"), "--skip-test"],
        newest("*.ckpt"),
        joeynmt_translation,
        re.compile(r"Total params: (\d+)"),
        "joeynmt",
        stop=signal.SIGINT,
    ),
    "fairseq-transformer": System(
        "Transformer",
        fairseq_training,
        newest("checkpoint_*.pt"),
        fairseq_translation,
        re.compile(r"num. shared model params: ([\d,]+)"),
        "fairseq",
        release="0.12.2",
    ),
}
FAST = "opennmt-transformer"  # CTranslate2 can read its model


def keep(model: Path, target: Path) -> None:
    """Copy a model, so that the system's next one does not replace it."""
    if model.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(model, target, ignore=shutil.ignore_patterns(".*"))  # temporary files, which may disappear
    else:
        target.unlink(missing_ok=True)
        target.hardlink_to(model)


def converted(checkpoint: Path, output: Path) -> list[str]:
    """Python's arguments to convert for CTranslate2, in OpenNMT-py's environment."""
    return ctranslate2_convert(checkpoint, output)


def ctranslate2_translation(place: Place, model: Path, src: Path, output: Path, beam: int) -> list[str]:
    arguments = ctranslate2_translate(model, src, output, beam, 64, place.threads)
    return [str(place.text.folder / "tokenizer.model") if one == "tokenizer.model" else one for one in arguments]
