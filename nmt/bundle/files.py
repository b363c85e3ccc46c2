"""The files of a model directory: where they are, and whether they are those that were saved."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nmt.bundle.config import FORMAT, FORMATS, BundleConfig
from nmt.common.files import from_home, sha256
from nmt.common.json_text import digest_of
from nmt.common.shown import brief
from nmt.common.suggestions import near_folder
from nmt.data.tokenizer import JOINT, SRC, TGT
from nmt.hub import local
from nmt.plain_data import from_dict

CONFIG, WEIGHTS, CARD, SCORES = "config.json", "model.safetensors", "README.md", "scores.json"
PACKED = "packed.safetensors"
LEXICON = "lexicon.safetensors"
TOKENIZERS = {True: (JOINT,), False: (SRC, TGT)}  # by whether both sides share a tokenizer
RUN_MODEL = "model"  # where a run's folder has its model
RUN_FILES = ("config.yaml", "origin.json")  # files that a run's folder has from the start
SNAPSHOTS, BLOBS = "snapshots", "blobs"  # in the hub's cache: the first has links to files of the second
MAX_CONFIG_BYTES = 1_000_000
CHECKSUMS = "checksums"  # in config.json: file -> its allowed SHA-256 sums; two while the file is being replaced
Checksums = Mapping[str, list[str]]


@contextmanager
def blaming(path: Path) -> Iterator[None]:
    """A context manager that puts this path in front of the message of a ValueError."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def model_folder(folder: str | Path) -> Path:
    """The folder as a path without links, so that all files are read from one model even while a link is switched to
    another. A model on the hub is fetched. If there is no model directory, raises ValueError with a suggestion."""
    if not str(folder):  # such as an unset shell variable; Path("") would be the current folder
        raise ValueError("the name of a model directory is empty")
    folder = from_home(local(folder))
    if not (folder / CONFIG).exists() and (run := _run_without_model(folder)):
        raise ValueError(
            f"{run} is a run without a model yet: none was validated; the same nmt-train command goes on with it"
        )
    if not folder.is_dir():
        if folder.is_file():
            raise ValueError(f"{folder} is a file, and a model is a folder; -i FILE translates one")
        raise ValueError(f"{folder} is no model directory: there is no such folder{near_folder(folder)}")
    if not (folder / CONFIG).exists():
        if (folder / RUN_MODEL / CONFIG).is_file():
            raise ValueError(f"{folder} is no model directory; did you mean {folder / RUN_MODEL}?")
        exported = "; translate.py in it translates" if (folder / "encoder.onnx").is_file() else ""
        raise ValueError(f"{folder} is no model directory: it has no {CONFIG}{exported}")
    return folder.resolve()


def _run_without_model(folder: Path) -> Path | None:
    """The run that is or contains this folder, if it ended before its first validation."""
    for run in (folder, folder.parent):
        if all((run / name).is_file() for name in RUN_FILES):
            return None if (run / RUN_MODEL / CONFIG).exists() else run
    return None


def folders_of(folder: Path) -> list[Path]:
    """Where files of a model directory may be: in it and, for a snapshot in the hub's cache, among its blobs."""
    snapshots = folder.parent
    return [folder, snapshots.parent / BLOBS] if snapshots.name == SNAPSHOTS else [folder]


def regular(folder: Path, name: str) -> Path:
    """The path of a file in the folder; raises ValueError for a link out of it, a device or a pipe."""
    path = folder / name
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError(f"{path} is no file")
        if path.resolve().parent not in folders_of(folder.resolve()):
            raise ValueError(f"{path} is a link out of the model directory")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    return path


def read(folder: Path, name: str, most: int, checksums: Checksums | None = None) -> bytes:
    path = regular(folder, name)
    try:
        if (size := path.stat().st_size) > most:
            raise ValueError(f"{path} has {size} bytes; it may have {most} at most")
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    if checksums is not None:
        verify(path, hashlib.sha256(content).hexdigest(), checksums)
    return content


def verify(path: Path, found: str, checksums: Checksums) -> None:
    if found not in checksums.get(path.name, ()):
        raise ValueError(f"{path} is damaged, or of another model: its checksum is not in {CONFIG}")


def load_config(folder: Path) -> tuple[BundleConfig, Checksums]:
    """The config of a model directory and its files' checksums. Raises ValueError if the config is damaged."""
    path = folder / CONFIG
    content = read(folder, CONFIG, MAX_CONFIG_BYTES)
    try:
        data = json.loads(content.decode())  # UTF-8: by itself json accepts, and imports, other encodings
    except (ValueError, RecursionError):
        raise ValueError(f"{path} is not JSON") from None
    number = data.get("format") if isinstance(data, dict) else FORMAT
    if type(number) is not int or number not in FORMATS:
        raise ValueError(f"{path}: format is {brief(number)}; this version reads {' and '.join(map(str, FORMATS))}")
    checksums = data.pop(CHECKSUMS, None) if isinstance(data, dict) and number == FORMAT else None
    with blaming(path):
        config = from_dict(BundleConfig, data)
    if number != FORMAT:
        there = [name for name in (CONFIG, *TOKENIZERS[config.joint], WEIGHTS, LEXICON) if (folder / name).exists()]
        return config, {name: [sha256(regular(folder, name))] for name in there}
    if not isinstance(checksums, dict) or not all(isinstance(sums, list) for sums in checksums.values()):
        raise ValueError(f"{path}: {CHECKSUMS} must map each file to a list")
    verify(path, digest_of(data), checksums)
    return config, checksums


def seal(config: Mapping[str, Any], checksums: Mapping[str, list[str]]) -> dict[str, Any]:
    """The content of config.json: the config with the checksums of the other files and of itself."""
    sealed = {key: value for key, value in config.items() if key != CHECKSUMS}
    return sealed | {CHECKSUMS: {**checksums, CONFIG: [digest_of(sealed)]}}
