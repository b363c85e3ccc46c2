"""The plan of a folder: its input, models and settings, and the position of each part.

manifest.json holds the hashes and sizes of input and model, the search, the form of the output and the version. A
command that differs from it is refused, so all parts in a folder are consistent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nmt import __version__
from nmt.answers import GROUP, Form
from nmt.bundle import load_config
from nmt.common.files import claimed, sha256, write_atomically
from nmt.common.json_text import to_json
from nmt.distribution.compression import SUFFIXES, compression_of
from nmt.distribution.folder import COPIES, LOCK, MANIFEST, PARTS, STATE, Folder, copy_in
from nmt.distribution.inputs import cut, input_format_of
from nmt.distribution.parts import PARQUET, TEXT, TSV, InputFormat, OutputFormat, Part
from nmt.plain_data import to_dict
from nmt.translation.translator import Translator

FORMAT = 1
LINES = 10 * GROUP  # of a part, which is repeated if its worker is killed
INFORMATION = ("inputs", "parts", "lines")  # follows from the rest, or is compared separately


@dataclass(frozen=True)
class Layout:
    """How the input is cut, and how the output is written."""

    column: str | None = None  # to translate in a table: its name, or its number from 1
    format: str | None = None  # text, tsv or parquet; None: as the input
    compress: str = ""  # gz or zst
    name: str | None = None  # of the new column; None: the target language's code
    lines_per_part: int = LINES

    def __post_init__(self) -> None:
        if self.lines_per_part < 1:
            raise ValueError(f"lines_per_part is {self.lines_per_part}; it must be at least 1")
        for name, known in (("format", (TEXT, TSV, PARQUET)), ("compress", SUFFIXES)):
            if (value := getattr(self, name)) and value not in known:
                raise ValueError(f"{name} is {value!r}; choose one of: {', '.join(known)}")


@dataclass(frozen=True)
class Plan:
    folder: Folder
    manifest: Mapping[str, Any]
    inputs: list[Path]
    parts: list[Part]
    id: str  # a hash of the manifest

    @property
    def input_format(self) -> InputFormat:
        return InputFormat(**self.manifest["source"])

    @property
    def output(self) -> OutputFormat:
        return OutputFormat(**self.manifest["output"])

    @property
    def schema(self) -> Any:
        """The schema of the rows of Parquet; for other formats the names of the columns."""
        if self.input_format.kind == self.output.format == PARQUET:
            from nmt.distribution.parquet import schema_of

            return schema_of(self.inputs[0])
        return self.output.header

    def check_translator(self, translator: Translator) -> None:
        """Raises ValueError unless the translator is the plan's."""
        if _models(translator) != self.manifest["models"]:
            raise ValueError("the model has changed since the parts were begun")
        for key, there, here in _differences(self.manifest["translator"], settings_of(translator)):
            raise ValueError(f"{key} is {_shown(here)} on this machine, and {_shown(there)} in the plan")

    def restore(self, numbers: Collection[int]) -> None:
        """Copy again those of these parts whose input is compressed and whose copy is missing."""
        with claimed(self.folder.path / LOCK, 0, wait=True):
            missing = {n for n in numbers if self._is_copied(n) and not self.folder.copy(n).exists()}
            for file in {self.parts[n].file for n in missing}:
                first = next(part for part in self.parts if part.file == file)
                (self.folder.path / COPIES).mkdir(exist_ok=True)
                cut(
                    self.inputs[file],
                    self.input_format,
                    self.manifest["lines_per_part"],
                    first,
                    lambda n: self.folder.copy(n) if n in missing else None,
                )

    def _is_copied(self, number: int) -> bool:
        return bool(self.input_format.kind != PARQUET and compression_of(self.inputs[self.parts[number].file]))


def open_plan(path: Path, inputs: Sequence[Path], translator: Translator, form: Form, layout: Layout) -> Plan:
    """The plan of a folder; makes one if there is none. Raises ValueError when the folder has another plan or other
    files, or an input file is invalid."""
    input_format = input_format_of(inputs, layout.column, form.score or form.prefix)
    wanted = {
        "format": FORMAT,
        "nmt_version": __version__,
        "models": _models(translator),
        "translator": settings_of(translator),
        "form": asdict(form),
        "output": _output(input_format, translator, form, layout)._asdict(),
        "lines_per_part": layout.lines_per_part,
        "source": input_format._asdict(),
    }
    path.mkdir(parents=True, exist_ok=True)
    strange = {file.name for file in path.iterdir() if not file.name.startswith(".")} - {LOCK, PARTS, STATE, COPIES}
    if strange and not (path / MANIFEST).exists():
        raise ValueError(
            f"{path} has other files, such as {min(strange)}, and no {MANIFEST}; parts need their own folder"
        )
    with claimed(path / LOCK, 0, wait=True):
        if (path / MANIFEST).exists():
            check_same(path, wanted, inputs)
        else:
            _make(path, wanted, inputs, input_format)
    return read_plan(path, inputs)


def _output(input_format: InputFormat, translator: Translator, form: Form, layout: Layout) -> OutputFormat:
    """The output's format. Raises ValueError for an impossible one."""
    kind = layout.format or input_format.kind
    src, tgt = translator.languages
    header = input_format.names if input_format.kind != TEXT else [src or "source"]
    name = layout.name or tgt or "translation"
    if kind == PARQUET:
        if layout.compress:
            raise ValueError("Parquet is compressed by itself; leave --compress out")
        if header is None:
            raise ValueError("Parquet names its columns; give --column by its name, in the first line of the input")
    if kind != TEXT and header and name in header:
        raise ValueError(f"there is a column {name!r} already; --name gives the new one another name")
    suffix = ".jsonl" if kind == TEXT and form.json else {TEXT: ".txt"}.get(kind, f".{kind}")
    named = header if input_format.kind != TEXT or kind == PARQUET else None  # a TSV made from text needs no header
    compress = f".{layout.compress}" if layout.compress else ""
    return OutputFormat(kind, layout.compress, name, named, suffix + compress)


def settings_of(translator: Translator) -> dict[str, Any]:
    """All settings of a translator that affect translations, except its models: those it pickles with, and what
    `auto` means on this machine."""
    _load, _origin, settings = translator.__reduce__()
    return {
        **{name: to_dict(value) for name, value in settings.items()},
        "compute": translator.compute,
        "shortlist": translator.uses_shortlist(translator.search),
    }


def _models(translator: Translator) -> list[dict[str, Any]]:
    if translator.origin is None:
        raise ValueError("a corpus is translated by a model that was loaded from a directory; save this one first")
    return [model_files(folder) for folder in translator.origin[0]]


def model_files(folder: str | Path) -> dict[str, Any]:
    """The size and the hash of each file of a model that affects translations."""
    _, checksums = load_config(Path(folder))
    files = [Path(folder) / name for name in sorted(checksums)]
    return {file.name: [file.stat().st_size, sha256(file)] for file in files}


def _make(path: Path, wanted: dict[str, Any], inputs: Sequence[Path], input_format: InputFormat) -> None:
    (path / COPIES).mkdir(exist_ok=True)
    parts: list[Part] = []
    entries = []
    line = 1
    for number, file in enumerate(inputs):
        before = _stamp(file)
        found, digest = cut(
            file,
            input_format,
            wanted["lines_per_part"],
            Part(len(parts), number, 0, 0, line, 0, ""),
            lambda part: copy_in(path, part),
        )
        parts += found
        line += sum(part.lines for part in found)
        entries.append({"path": str(file.resolve()), "size_bytes": before[0], "sha256": digest, "stamp": before})
    write_atomically(path / STATE, bytes(len(parts)))
    write_atomically(path / PARTS, "".join("\t".join(map(str, part)) + "\n" for part in parts).encode())
    manifest = {**wanted, "inputs": entries, "parts": len(parts), "lines": line - 1}
    write_atomically(path / MANIFEST, (to_json(manifest, 2) + "\n").encode())


def _stamp(path: Path) -> list[int]:
    """The size, times and inode of a file; if its content changes, so does one of them in practice."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def read_plan(path: Path, inputs: Sequence[Path] | None = None) -> Plan:
    """A folder's plan; `inputs` are the current paths of the input files. Raises ValueError if there is none."""
    try:
        content = (path / MANIFEST).read_bytes()
        manifest = json.loads(content)
        parts = [_part(row) for row in (path / PARTS).read_text(encoding="utf-8").splitlines()]
        folder = Folder(path, OutputFormat(**manifest["output"]).suffix, len(parts))
        found = [Path(entry["path"]) for entry in manifest["inputs"]] if inputs is None else list(inputs)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise ValueError(
            f"{path / MANIFEST} or {PARTS} is damaged or of another version; take another folder"
        ) from None
    return Plan(folder, manifest, found, parts, hashlib.sha256(content).hexdigest())


def _part(row: str) -> Part:
    *numbers, digest = row.split("\t")
    return Part._make([*map(int, numbers), digest])


def check_same(path: Path, wanted: Mapping[str, Any], inputs: Sequence[Path]) -> None:
    """Raises ValueError, which names the difference, unless the folder's plan is the same."""
    manifest = read_plan(path).manifest
    for key, there, here in _differences(
        {key: value for key, value in manifest.items() if key not in INFORMATION},
        wanted,
    ):
        kind, *rest = key.split(".", 1)
        if kind == "models":
            raise ValueError(f"{path} has parts of another model; take another folder")
        name = "--lines-per-part" if kind == "lines_per_part" else rest[0] if rest else kind
        raise ValueError(f"{path} has parts with {name} {_shown(there)}, not {_shown(here)}; take another folder")
    entries = manifest["inputs"]
    if len(entries) != len(inputs):
        raise ValueError(f"{path} has parts of {len(entries)} input files, not {len(inputs)}; take another folder")
    for entry, file in zip(entries, inputs, strict=True):
        if entry["stamp"] != _stamp(file) and entry["sha256"] != sha256(file):
            raise ValueError(f"{path} has parts of another input: {file} is not what {entry['path']} was")


def _shown(value: object) -> str:
    return "(none)" if value in (None, "") else str(value)


def _differences(there: Any, here: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The dotted keys whose values differ, with both values."""
    if isinstance(there, dict) and isinstance(here, dict):
        for name in there | here:
            yield from _differences(there.get(name), here.get(name), f"{key}.{name}" if key else name)
    elif there != here:
        yield key, there, here
