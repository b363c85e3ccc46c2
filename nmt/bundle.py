"""The model directory: what people exchange.

    config.json  model.safetensors  tokenizer.model (or tokenizer.src.model, tokenizer.tgt.model)  README.md
    packed.safetensors (in the place of model.safetensors: weights in bytes, which can be searched only)
    lexicon.safetensors (which pieces translate which: search may go without)

It may come from a stranger. Loading opens nothing but regular files of these names in the folder itself, runs no
code, allocates nothing that the files do not hold, and holds every weight to the name, shape and type that the config
says. Checksums in config.json tell a file that was damaged, or replaced, from the one that was saved. A file is read
once, into memory: what becomes of it afterwards changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import torch
from safetensors.torch import save
from torch.overrides import TorchFunctionMode

from nmt import __version__
from nmt.config import check_attention, from_dict, to_dict
from nmt.data.directions import Directions, Tags
from nmt.data.lexicon import Lexicon
from nmt.data.normalization import Outside
from nmt.data.tokenizer import BOS_ID, JOINT, PAD_ID, SPECIAL_IDS, SRC, TGT, UNK_ID, Tokenizer
from nmt.engine.packed import check_packed, names_in_bytes, pack
from nmt.engine.products import BYTES, SCALES
from nmt.files import check_output, write_atomically, write_folder
from nmt.hub import is_remote, local
from nmt.json_text import to_json
from nmt.metrics.config import MetricConfig
from nmt.model.seq2seq import ModelConfig, Seq2Seq
from nmt.ranges import check_ranges
from nmt.search import Search
from nmt.shown import brief
from nmt.suggestions import near_folder
from nmt.tensors import Expected, read_tensors
from nmt.text.protection import TextRules

FORMAT = 2
FORMATS = (1, FORMAT)  # that are read; 1 had no checksums
CONFIG, WEIGHTS, CARD, SCORES = "config.json", "model.safetensors", "README.md", "scores.json"
PACKED = "packed.safetensors"
TOKENIZERS = {True: (JOINT,), False: (SRC, TGT)}  # by whether both sides share one
RUN_MODEL = "model"  # where a run's folder has it
RUN_FILES = ("config.yaml", "origin.json")  # that a run's folder has from the start
SNAPSHOTS, BLOBS = "snapshots", "blobs"  # of the hub's cache: files of one are links into the other
LEXICON = "lexicon.safetensors"
MAX_CONFIG_BYTES = 1_000_000
MAX_TOKENIZER_BYTES = 200_000_000
CHECKSUMS = "checksums"  # in config.json: file -> the SHA-256 that it may have; two while the file is being replaced
Checksums = Mapping[str, list[str]]
F32, I32, I8 = "F32", "I32", "I8"  # safetensors' names


@dataclass(frozen=True)
class BundleConfig:
    """config.json."""

    format: int
    nmt_version: str
    src: str  # the languages; of several directions all of a side, as de+fr
    tgt: str
    joint: bool  # vocabulary
    model: ModelConfig
    search: Search  # what nmt-translate does when not told otherwise
    metric: MetricConfig = field(default_factory=MetricConfig)  # what the model was chosen by
    copy_letterless: bool = True  # a source without a letter is its own translation
    src_pieces: int | None = None  # of the longest training sentences (see data/encoded.py), EOS included
    src_normalization: Outside | None = None  # None: by the rule in the side's .model file
    tgt_normalization: Outside | None = None  # likewise; older models have none of these
    directions: tuple[str, ...] = ()  # where there are several, or tags
    tags: Tags = False
    scripts: dict[str, str] = field(default_factory=dict)  # of the languages, where their text tells (languages.py)
    text: TextRules = field(default_factory=TextRules)  # what of a text its pieces do not see as it is
    packed: Literal["int8"] | None = None  # what its products are in, where it has no other weights

    def __post_init__(self) -> None:
        check_ranges(self, src_pieces=(1, 10_000_000))
        check_attention(self.model, self.search)
        _ = self.every_direction  # raises
        if wrong := [code for code in self.scripts.values() if not re.fullmatch("[A-Z][a-z]{3}", code)]:
            raise ValueError(f"scripts has {brief(wrong[0])}; it must be a code of ISO 15924, such as Latn")

    @property
    def every_direction(self) -> Directions:
        return Directions.of(self.src, self.tgt, self.directions, self.tags)


@dataclass(frozen=True)
class Bundle:
    config: BundleConfig
    model: Seq2Seq
    tokenizer: Tokenizer
    lexicon: Lexicon | None


def build_model(config: ModelConfig, tokenizer: Tokenizer) -> Seq2Seq:
    """A fresh model for a tokenizer's vocabularies."""
    return Seq2Seq(config, tokenizer.src_vocab_size, tokenizer.tgt_vocab_size, banned=(PAD_ID, UNK_ID, BOS_ID))


def save_bundle(
    folder: Path,
    weights: Mapping[str, torch.Tensor],
    tokenizer: Tokenizer,
    lexicon: Lexicon | None,
    model: ModelConfig,
    search: Search,
    languages: tuple[str, str],
    card: str,
    scores: Mapping[str, Any],
    metric: MetricConfig | None = None,
    copy_letterless: bool = True,
    src_pieces: int | None = None,
    directions: Directions | None = None,
    scripts: Mapping[str, str] | None = None,
) -> None:
    """Write a model directory, or another model into one. It is whole at any time, also when this is cut short."""
    metric = metric or MetricConfig()
    tags = directions.tags if directions else False
    config = to_dict(
        BundleConfig(
            FORMAT,
            __version__,
            *languages,
            tokenizer.joint,
            model,
            search,
            metric,
            copy_letterless,
            src_pieces,
            tokenizer.src_normalization,
            tokenizer.tgt_normalization,
            tuple(map(str, directions.every)) if directions and (tags or not directions.only) else (),
            tags,
            dict(scripts or {}),
            tokenizer.rules,
        )
    )
    folder.mkdir(parents=True, exist_ok=True)
    contents = dict(tokenizer.models) | {WEIGHTS: _serialised(weights)}
    if lexicon:
        contents[LEXICON] = _serialised(vars(lexicon))
    after = {name: [hashlib.sha256(content).hexdigest()] for name, content in contents.items()}
    before = {name: [sha256(folder / name)] for name in contents if (folder / name).is_file()}
    _write_json(folder / CONFIG, seal(config, {name: sums + before.get(name, []) for name, sums in after.items()}))
    for name, content in contents.items():
        if before.get(name) != after[name]:
            write_atomically(folder / name, content)
    write_atomically(folder / CARD, card.encode())
    _write_json(folder / SCORES, scores)
    _write_json(folder / CONFIG, seal(config, after))


def save_packed(folder: str | Path, output: Path) -> dict[str, int]:
    """Write another model directory, with the weights of this one packed for a search in bytes; its files, with their
    sizes. Raises ValueError when this one is not sound, or `output` has other files."""
    folder = model_folder(folder)
    bundle, (config, checksums) = load_bundle(folder), load_config(folder)
    check_output(output, PACKED)
    kept = [name for name in checksums if name not in (WEIGHTS, CONFIG)]
    contents = {name: _read(folder, name, MAX_TOKENIZER_BYTES, checksums) for name in kept}
    contents[PACKED] = _serialised(pack(bundle.model))
    sums = {name: [hashlib.sha256(content).hexdigest()] for name, content in contents.items()}
    beside = {name: _read(folder, name, MAX_CONFIG_BYTES) for name in (CARD, SCORES) if (folder / name).exists()}
    sealed = seal(to_dict(replace(config, packed="int8", format=FORMAT)), sums)
    contents |= beside | {CONFIG: (to_json(sealed, 2, ascii_only=True) + "\n").encode()}
    return write_folder(output, contents)


def save_search(folder: str | Path, search: Search) -> Path:
    """Make `search` what a model directory does when not told otherwise; nothing else in it changes. The file
    written. Raises ValueError when there is no sound config, or it is on the hub."""
    if is_remote(folder):
        raise ValueError(f"{folder} is on the hub; a copy of it can be changed here")
    config, checksums = load_config(Path(folder))
    data = to_dict(replace(config, search=search, format=FORMAT))
    _write_json(Path(folder) / CONFIG, seal(data, checksums))
    return Path(folder) / CONFIG


def seal(config: Mapping[str, Any], checksums: Mapping[str, list[str]]) -> dict[str, Any]:
    """The content of config.json: the config with the checksums of the other files and of itself."""
    sealed = {key: value for key, value in config.items() if key != CHECKSUMS}
    return sealed | {CHECKSUMS: {**checksums, CONFIG: [_checksum_of_config(sealed)]}}


def _checksum_of_config(config: Mapping[str, Any]) -> str:
    return hashlib.sha256(to_json(config, ascii_only=True, sort_keys=True).encode()).hexdigest()


def sha256(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _serialised(tensors: Mapping[str, torch.Tensor]) -> bytes:
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})


def _write_json(path: Path, data: Mapping[str, Any]) -> None:
    write_atomically(path, (to_json(data, 2, ascii_only=True) + "\n").encode())


def model_folder(folder: str | Path) -> Path:
    """The folder as a path; one on the hub is fetched. Raises ValueError where there is no model directory, with what
    may be meant."""
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
    return folder


def _run_without_model(folder: Path) -> Path | None:
    """The run that has this folder, or is it, where it ended before its first validation."""
    for run in (folder, folder.parent):
        if all((run / name).is_file() for name in RUN_FILES):
            return None if (run / RUN_MODEL / CONFIG).exists() else run
    return None


def load_bundle(folder: str | Path, device: str | torch.device = "cpu", packed: bool = False) -> Bundle:
    """Open a model directory on `device`, ready to translate. It may be `packed`; such a model has only the weights
    that a search in bytes reads.

    Raises ValueError that names the file and what is wrong with it.
    """
    folder = model_folder(folder)
    config, checksums = load_config(folder)
    if config.packed and not packed:
        raise ValueError(f"{folder} has packed weights, which can translate and no more; take what it was made of")
    models = {name: _read(folder, name, MAX_TOKENIZER_BYTES, checksums) for name in TOKENIZERS[config.joint]}
    try:
        tokenizer = Tokenizer(models, config.src_normalization, config.tgt_normalization, config.text)
        tokenizer.control_ids(config.every_direction.pieces)
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from None
    with torch.device("meta"), _Uninitialised():  # shapes only: no memory, whatever the config claims
        try:
            model = build_model(config.model, tokenizer)
        except ValueError as error:
            raise ValueError(f"{folder / CONFIG}: {error}") from None
    in_bytes = names_in_bytes(model) if config.packed else set()
    shapes = {name: (F32, tuple(p.shape)) for name, p in model.named_parameters() if name not in in_bytes}
    others: dict[str, Expected] = {BYTES: (I8, (None, None)), SCALES: (F32, (None,))} if config.packed else {}
    tensors = _load_tensors(folder, PACKED if config.packed else WEIGHTS, shapes, device, checksums, others)
    nowhere = torch.full(
        (), torch.nan
    )  # what has no numbers takes no memory, and is not of a kind that is slow to start
    absent = {name: nowhere.expand(p.shape) for name, p in model.named_parameters() if name in in_bytes}
    model.load_state_dict({name: tensors[name] for name in shapes} | absent, assign=True)
    if config.packed:
        model.packed = {name: part for name, part in tensors.items() if name not in shapes}
        try:
            check_packed(model)
        except ValueError as error:
            raise ValueError(f"{folder / PACKED}: {error}") from None
    return Bundle(config, model.eval(), tokenizer, _load_lexicon(folder, tokenizer, device, checksums))


class _Uninitialised(TorchFunctionMode):
    """Weights that have no numbers need none: to draw them would import a second's worth of torch."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func.__name__
        if (name.endswith("_") and not name.startswith("_")) or name == "__setitem__":  # in place
            return kwargs.get("tensor", args[0] if args else None)
        if name in ("zeros", "ones"):
            func = torch.empty
        return func(*args, **kwargs)


def folders_of(folder: Path) -> list[Path]:
    """Where the files of a model directory may lie: in it and, of a snapshot in the hub's cache, among its blobs."""
    snapshots = folder.parent
    return [folder, snapshots.parent / BLOBS] if snapshots.name == SNAPSHOTS else [folder]


def _regular(folder: Path, name: str) -> Path:
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


def _read(folder: Path, name: str, most: int, checksums: Checksums | None = None) -> bytes:
    path = _regular(folder, name)
    try:
        if (size := path.stat().st_size) > most:
            raise ValueError(f"{path} has {size} bytes; it may have {most} at most")
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    if checksums is not None:
        _check(path, hashlib.sha256(content).hexdigest(), checksums)
    return content


def _check(path: Path, found: str, checksums: Checksums) -> None:
    if found not in checksums.get(path.name, ()):
        raise ValueError(f"{path} is damaged, or of another model: its checksum is not in {CONFIG}")


def load_config(folder: Path) -> tuple[BundleConfig, Checksums]:
    """What a model directory says of itself, and its files' checksums. Raises ValueError when it is not sound."""
    path = folder / CONFIG
    content = _read(folder, CONFIG, MAX_CONFIG_BYTES)
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
        return config, {name: [sha256(_regular(folder, name))] for name in there}
    if not isinstance(checksums, dict) or not all(isinstance(sums, list) for sums in checksums.values()):
        raise ValueError(f"{path}: {CHECKSUMS} must map each file to a list")
    _check(path, _checksum_of_config(data), checksums)
    return config, checksums


def _load_lexicon(
    folder: Path, tokenizer: Tokenizer, device: str | torch.device, checksums: Checksums
) -> Lexicon | None:
    path = folder / LEXICON
    if not path.exists() and not path.is_symlink():
        return None
    shapes = {"frequent": (I32, (None,)), "likely": (I32, (tokenizer.src_vocab_size, None))}
    tensors = _load_tensors(folder, LEXICON, shapes, device, checksums)
    for name, ids in tensors.items():
        if not ids.numel() or ids.min() < 0 or ids.max() >= tokenizer.tgt_vocab_size:
            raise ValueError(f"{path}: {name} has ids that the vocabulary lacks, or none")
    if not torch.isin(torch.tensor(SPECIAL_IDS, device=device), tensors["frequent"]).all():
        raise ValueError(f"{path}: frequent lacks a special id")
    return Lexicon(**tensors)


def _load_tensors(
    folder: Path,
    name_of_file: str,
    expected: Mapping[str, Expected],
    device: str | torch.device,
    checksums: Checksums,
    others: Mapping[str, Expected] = MappingProxyType({}),
) -> dict[str, torch.Tensor]:
    """The tensors of a file, which must be those expected: name -> type, and shape with None for any size; and
    `others` whose names end so."""
    path = _regular(folder, name_of_file)
    tensors, checksum = read_tensors(path, expected, others)
    _check(path, checksum, checksums)  # after what can be told more clearly
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise ValueError(f"{path}: {name} has numbers that are not finite")
    return {name: tensor.to(device) for name, tensor in tensors.items()}
