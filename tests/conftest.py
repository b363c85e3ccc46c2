from __future__ import annotations

import gc
import json
import logging
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

# Before torch is imported: the models are too small for several threads, and tests may run in parallel.
os.environ["OMP_NUM_THREADS"] = "1"

import hypothesis
import pytest
import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # before any import of Triton: runs its kernels here, slowly

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # set by shells for background jobs
    signal.signal(signal.SIGINT, signal.default_int_handler)

sys.path.insert(0, str(Path(__file__).parent))

import browser
import toy

from nmt.bundle import save_bundle, seal
from nmt.common.files import sha256
from nmt.data.lexicon import Lexicon
from nmt.data.tokenizer import JOINT, TokenizerConfig
from nmt.data.tokenizer_training import train_tokenizer

# No deadlines. All runs see the same examples; --hypothesis-profile hunt generates new ones, and more.
hypothesis.settings.register_profile("nmt", deadline=None, derandomize=True)
hypothesis.settings.register_profile("hunt", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("nmt")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish():
    gc.freeze()  # modules and tests live to the end: the garbage collector need not search them again and again


def pytest_unconfigure():
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _seed():
    torch.default_generator.manual_seed(0)  # torch.manual_seed probes other devices, which is slower than most tests
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(0)


@pytest.fixture(autouse=True)
def _own_log():
    """A command that runs in this process shows its log on the stderr of its test, which no other test has."""
    logger = logging.getLogger("nmt")
    level, handlers = logger.level, logger.handlers[:]
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers


@pytest.fixture(scope="session")
def draw_curves():
    """The real one, also where `no_pictures` holds."""
    from nmt.training.curves import draw_curves

    return draw_curves


@pytest.fixture(scope="module")
def no_pictures(draw_curves):
    """Skip curves.png: drawing takes as long as training on the tiny language. `trained` and test_curves draw it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nmt.training.curves.draw_curves", lambda metrics, picture, selection_metric: None)
        yield


@pytest.fixture
def script(monkeypatch):
    """Make this process look restartable, unlike a worker of pytest-xdist."""
    monkeypatch.setattr(sys, "argv", [__file__])


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run_here(monkeypatch, capsys):
    """Run a command in this process -> how it ended: with this exit code, or with any if that is None."""

    def run(name: str, *arguments: object, code: int | None = 0) -> Ended:
        from hydra.core.global_hydra import GlobalHydra

        GlobalHydra.instance().clear()
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        found = 0
        try:
            import_module(f"nmt.cli.{name.removeprefix('nmt-').replace('-', '_')}").main()
        except SystemExit as stopped:
            found = stopped.code or 0
        ended = Ended(found, *capsys.readouterr())
        assert code in (None, found), ended
        return ended

    return run


@pytest.fixture(scope="module")
def chromium():
    with browser.chromium() as found:
        yield found


@pytest.fixture
def default_dtype():
    """Sets torch's, until the test ends."""
    yield torch.set_default_dtype
    torch.set_default_dtype(torch.float32)


@pytest.fixture(scope="session")
def corpus_dir(tmp_path_factory) -> Path:
    return toy.write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def tokenizer(corpus_dir):
    return train_tokenizer(TokenizerConfig(vocab_size=320), *toy.lines(corpus_dir, "train"))


@pytest.fixture(scope="session")
def lexicon(tokenizer) -> Lexicon:
    """Every piece has 20 possible translations."""
    likely = torch.arange(tokenizer.src_vocab_size)[:, None] + torch.arange(20)
    return Lexicon(torch.arange(30, dtype=torch.int32), (likely % tokenizer.tgt_vocab_size).int())


@pytest.fixture
def bundle_dir(tmp_path, tokenizer, lexicon) -> Path:
    """A model directory with random weights."""
    config = toy.model_config("lstm_peephole", num_layers=2, heads=2)
    torch.manual_seed(1)
    save_bundle(tmp_path / "model", toy.bundle(config, tokenizer, lexicon), "# card", {})
    return tmp_path / "model"


@pytest.fixture
def old_bundle_dir(bundle_dir, corpus_dir) -> Path:
    """The same from an older version, which normalized both sides (nmt_nfkc) and had no settings for it."""
    sides = toy.lines(corpus_dir, "train")
    pieces = train_tokenizer(TokenizerConfig(vocab_size=320, normalization="nmt_nfkc"), *sides)
    (bundle_dir / JOINT).write_bytes(pieces.models[JOINT])
    config = json.loads((bundle_dir / "config.json").read_text())
    sums = config["checksums"] | {JOINT: [sha256(bundle_dir / JOINT)]}
    for key in ("src_normalization", "tgt_normalization"):
        del config[key]
    (bundle_dir / "config.json").write_text(json.dumps(seal(config, sums)))
    return bundle_dir


@pytest.fixture(scope="session")
def trained(corpus_dir, tmp_path_factory, draw_curves) -> Path:
    """The run directory of a model that has learned the tiny language. Drawn also if a module without pictures is the
    first to ask for it."""
    from nmt.training.run import train

    config = toy.run_config(
        corpus_dir, tmp_path_factory.mktemp("runs"), trainer__max_epochs=25, trainer__val_every_epochs=5
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nmt.training.curves.draw_curves", draw_curves)
        return train(config).model_dir.parent
