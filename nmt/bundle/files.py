"""The files of a model directory: where they are, and that they are those that were saved."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nmt.bundle.config import FORMAT, FORMATS, BundleConfig
from nmt.common.files import sha256
from nmt.common.json_text import digest_of
from nmt.common.shown import brief
from nmt.common.suggestions import near_folder
from nmt.data.tokenizer import JOINT, SRC, TGT
from nmt.hub import local
from nmt.plain_data import from_dict

CONFIG, WEIGHTS, CARD, SCORES = "config.json", "model.safetensors", "README.md", "scores.json"
PACKED = "packed.safetensors"
LEXICON = "lexicon.safetensors"
TOKENIZERS = {True: (JOINT,), False: (SRC, TGT)}  # by whether both sides share one
RUN_MODEL = "model"  # where a run's folder has it
RUN_FILES = ("config.yaml", "origin.json")  # that a run's folder has from the start
SNAPSHOTS, BLOBS = "snapshots", "blobs"  # of the hub's cache: files of one are links into the other
MAX_CONFIG_BYTES = 1_000_000
CHECKSUMS = "checksums"  # in config.json: file -> the SHA-256 that it may have; two while the file is being replaced
Checksums = Mapping[str, list[str]]


def model_folder(folder: str | Path) -> Path:
    """The folder as a path without links, so that all that is read of it is of one model while a link is switched
    to another; one on the hub is fetched.

    Raises ValueError where there is no model directory, with what may be meant."""
    if not str(folder):  # as of a variable that the shell does not know; a Path of nothing is this folder
        raise ValueError("the name of a model directory is empty")
    folder = Path(local(folder))
    if not (folder / CONFIG).exists() and (run := _run_without_model(folder)):
        raise ValueError(
            f"{run} is a run without a model yet: none was validated; the same nmt-train command goes on with it"
        )
    if not folder.is_dir():
        if folder.is_file():
            raise ValueError(f"{folder} is a file, and a model is a folder; -i FILE translates one")
        raise ValueError(f"{folder} is no model directory: there is no such folder{near_folder(folder)}")
    if not (folder / CONFIG).exists() and (folder / RUN_MODEL / CONFIG).is_file():
        raise ValueError(f"{folder} is no model directory; did you mean {folder / RUN_MODEL}?")
    return folder.resolve()


def _run_without_model(folder: Path) -> Path | None:
    """The run that has this folder, or is it, where it ended before its first validation."""
    for run in (folder, folder.parent):
        if all((run / name).is_file() for name in RUN_FILES):
            return None if (run / RUN_MODEL / CONFIG).exists() else run
    return None


def folders_of(folder: Path) -> list[Path]:
    """Where the files of a model directory may lie: in it and, of a snapshot in the hub's cache, among its blobs."""
    snapshots = folder.parent
    return [folder, snapshots.parent / BLOBS] if snapshots.name == SNAPSHOTS else [folder]


def regular(folder: Path, name: str) -> Path:
    """The path of a file that lies in the folder: no link out of it, no device, no pipe. Raises ValueError."""
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
    """What a model directory says of itself, and its files' checksums. Raises ValueError when it is not sound."""
    path = folder / CONFIG
    content = read(folder, CONFIG, MAX_CONFIG_BYTES)
    try:
        data = json.loads(content.decode())  # UTF-8: left to itself json takes, and imports, other encodings
    except (ValueError, RecursionError):
        raise ValueError(f"{path} is not JSON") from None
    number = data.get("format") if isinstance(data, dict) else FORMAT
    if type(number) is not int or number not in FORMATS:
        raise ValueError(f"{path}: format is {brief(number)}; this version reads {' and '.join(map(str, FORMATS))}")
    checksums = data.pop(CHECKSUMS, None) if isinstance(data, dict) and number == FORMAT else None
    try:
        config = from_dict(BundleConfig, data)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
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
