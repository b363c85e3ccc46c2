"""Recurrent machine translation: train, translate, evaluate, inspect.

>>> import nmt
>>> trained = nmt.train("corpus", "de", "en", run="runs/mine", cell="gru")
>>> translator = nmt.load("runs/demo/model")
>>> translator.translate(["Der Hund schläft."])[0].text
'The dog sleeps.'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from nmt.training.run import Trained
    from nmt.translation.translator import Translator

__version__ = "0.1.0"


def load(
    model_dirs: str | Path | Sequence[str | Path],
    device: str = "auto",
    compute: str = "auto",
    shortlist: bool | None = None,
) -> Translator:
    """Load a model directory, or several as an ensemble, as a translator. "hf://user/model" is a model on the hub,
    and "hf://user/model@rev" a revision of it.

    `compute` is the precision of matrix products: float32, bfloat16, int8 (on a CPU), float16 (on a GPU), or auto
    for the fastest here. `shortlist` restricts the search to pieces that are frequent or likely to translate those of
    the sentence. None: on a CPU, and in float32 on a GPU, in every search but sampling, which draws from all pieces.

    Raises ValueError for a directory that is not a sound model. Nothing in it is ever executed.
    """
    from nmt.translation.translator import Translator  # here, so that `import nmt` costs nothing

    return Translator.load(model_dirs, device, compute, shortlist)


def train(
    data: str | Path | Mapping[str, Any] | None = None,
    src: str | None = None,
    tgt: str | None = None,
    *,
    run: str | Path,
    quiet: bool = False,
    **settings: Any,
) -> Trained:
    """Train a model, or resume a run that stopped. The same settings give the same weights as with nmt-train.

    `data` is a folder with train.de, train.en and the like, a choice such as "multi30k", or a mapping of the settings
    of `data`. None: the data of the experiment, or the demo corpus. `src` and `tgt` are the codes of its languages,
    and `run` is the folder of the run. Other settings have the names of the command line: a choice of a group
    (`cell="gru"`, `experiment="multi30k"`), the settings of a group as a mapping (`trainer={"max_epochs": 3}`), or a
    dotted key (`**{"model.cell.depth": 2}`). docs/settings.md lists all of them. The log is written to stderr, unless
    `quiet`, and to the run's folder.

    Returns the folder of the best model and its validation result; `.load()` makes it a Translator.

    Raises ValueError, in one line, for an unknown, missing or wrong setting, OSError when the run's folder cannot be
    written, DivergenceError when training diverged, and ModuleNotFoundError without the extra nmt[train]. Ctrl-C
    raises KeyboardInterrupt once a checkpoint is saved, and a second one raises it at once.
    """
    from nmt.common.extras import explained
    from nmt.common.log_lines import shown_log
    from nmt.common.signals import keyboard_interrupts

    try:
        from nmt.training.keywords import run_config
        from nmt.training.run import train as train_run

        config = run_config(data, src, tgt, run, settings)
        with shown_log(quiet), keyboard_interrupts():
            return train_run(config, is_command=False)
    except ModuleNotFoundError as error:
        if (missing := explained(error, "nmt.train")) is None:
            raise
        raise ModuleNotFoundError(missing, name=error.name) from None
