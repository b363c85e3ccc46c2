"""Libraries that only some work needs, and the extra of nmt that brings each: `pip install nmt` alone translates."""

from __future__ import annotations

# Module -> what people call it, and the extras that bring it, of which the one of a command's own name is told.
EXTRAS: dict[str, tuple[str, tuple[str, ...]]] = {
    "lightning": ("Lightning", ("train", "lab", "tune")),
    "hydra": ("Hydra", ("train", "lab", "tune")),
    "omegaconf": ("OmegaConf", ("train", "lab", "tune")),
    "yaml": ("PyYAML", ("train", "lab", "tune")),
    "datasets": ("datasets", ("train", "lab", "tune")),
    "tensorboard": ("TensorBoard", ("train", "lab", "tune")),
    "pyarrow": ("PyArrow", ("corpus", "train", "lab", "tune")),
    "sacrebleu": ("sacreBLEU", ("evaluate", "train", "lab", "tune")),
    "matplotlib": ("Matplotlib", ("inspect", "train", "lab", "tune")),
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


def explained(error: ModuleNotFoundError, who: str) -> str | None:
    """What `who`, a command or a function, lacks, and how it is had; None for a module that no extra brings."""
    found = EXTRAS.get((error.name or "").partition(".")[0])
    if found is None:
        return None
    label, extras = found
    own = who.replace(".", "-").partition("-")[2]
    return f"{who} needs {label}: pip install 'nmt[{own if own in extras else extras[0]}]'"
