"""Optional libraries, and the extra of nmt that installs each: `pip install nmt` alone translates."""

from __future__ import annotations

from importlib.util import find_spec

TRAINING = ("train", "lab", "tune")  # the extras of the commands that train
# Module -> its usual name, and the extras that install it; an error names the extra called like the command.
EXTRAS: dict[str, tuple[str, tuple[str, ...]]] = {
    "lightning": ("Lightning", TRAINING),
    "hydra": ("Hydra", TRAINING),
    "omegaconf": ("OmegaConf", TRAINING),
    "yaml": ("PyYAML", ("hub", *TRAINING)),
    "datasets": ("datasets", TRAINING),
    "tensorboard": ("TensorBoard", TRAINING),
    "pyarrow": ("PyArrow", ("corpus", *TRAINING)),
    "sacrebleu": ("sacreBLEU", ("evaluate", *TRAINING)),
    "MeCab": ("MeCab", ("ja",)),
    "mecab_ko": ("MeCab for Korean", ("ko",)),
    "matplotlib": ("Matplotlib", ("inspect", *TRAINING)),
    "lxml": ("lxml", ("formats",)),
    "translate": ("translate-toolkit", ("formats",)),
    "markdown_it": ("markdown-it-py", ("formats",)),
    "optuna": ("Optuna", ("tune",)),
    "uvicorn": ("Uvicorn", ("serve",)),
    "httptools": ("httptools", ("serve",)),
    "uvloop": ("uvloop", ("serve",)),
    "python_multipart": ("python-multipart", ("serve",)),
    "wandb": ("Weights & Biases", ("wandb",)),
    "mlflow": ("MLflow", ("mlflow",)),
    "dask": ("Dask", ("dask",)),
    "distributed": ("Dask", ("dask",)),
    "ray": ("Ray", ("ray",)),
    "onnx": ("ONNX", ("onnx",)),
    "huggingface_hub": ("huggingface_hub", ("hub",)),
}


def check_installed(*modules: str) -> None:
    """Raises ModuleNotFoundError for a library that long work would miss only in the end."""
    for module in modules:
        if find_spec(module) is None:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)


def explained(error: ModuleNotFoundError, who: str) -> str | None:
    """Which library `who`, a command or a function, lacks and how to install it; None if no extra installs it."""
    found = EXTRAS.get((error.name or "").partition(".")[0])
    if found is None:
        return None
    label, extras = found
    own = who.replace(".", "-").partition("-")[2]
    return f"{who} needs {label}: pip install 'nmt[{own if own in extras else extras[0]}]'"
