"""Language pairs with their model directories, and the names that clients may use for languages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nmt.data.directions import Direction, read_direction
from nmt.formats import language_tags
from nmt.hub import local
from nmt.languages import ENGLISH, primary
from nmt.service.wire import RefusedError

CODE = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*")
MAX_CONFIG_BYTES = 1_000_000


@dataclass(frozen=True)
class LanguagePair:
    source: str
    target: str
    folders: tuple[str, ...]  # more than one: an ensemble

    @property
    def name(self) -> str:
        return f"{self.source}-{self.target}"


def pairs_of(text: str) -> list[LanguagePair]:
    """The pairs of `de-en=FOLDER`, `zh-Hans:en=FOLDER`, `de-en=FOLDER,FOLDER` (an ensemble), or FOLDER alone: all the
    directions in its config.json. Raises ValueError."""
    codes, equals, folders = text.partition("=")
    if not equals:
        folder = str(local(text))
        return [LanguagePair(*languages, (folder,)) for languages in _own_languages(folder)]
    parts = codes.split(":" if ":" in codes else "-")
    if len(parts) != 2 or not all(CODE.fullmatch(part) for part in parts):
        raise ValueError(f"--pair {text}: it must begin with two codes of languages, as in de-en= or zh-Hans:en=")
    found = tuple(filter(None, folders.split(",")))
    if not found:
        raise ValueError(f"--pair {text}: no model directory is given")
    return [LanguagePair(parts[0], parts[1], tuple(str(local(folder)) for folder in found))]


def _own_languages(folder: str) -> list[Direction]:
    path = Path(folder) / "config.json"
    try:
        with path.open("rb") as file:
            config = json.loads(file.read(MAX_CONFIG_BYTES))
        found = [*map(read_direction, config.get("directions") or ())] or [Direction(config["src"], config["tgt"])]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"{folder} is no model directory: {path} cannot be read") from None
    if not all(isinstance(code, str) and CODE.fullmatch(code) for one in found for code in one):
        raise ValueError(f"{folder} does not say its languages; say them: --pair de-en={folder}")
    return found


def misnamed(pair: LanguagePair) -> str | None:
    """A warning if a model's own languages differ from those of the pair."""
    for folder in pair.folders:
        try:
            own = _own_languages(folder)
        except ValueError:
            continue  # it names none, or cannot be read, which loading it will report
        if not any(matching(pair.source, [src]) and matching(pair.target, [tgt]) for src, tgt in own):
            said = ", ".join("-".join(two) for two in own)
            return f"--pair {pair.name}: {folder} says that it translates {said}"
    return None


class Pairs:
    """The pairs that are served. Raises ValueError for two models of one pair."""

    def __init__(self, pairs: Iterable[LanguagePair]) -> None:
        self.by_name: dict[str, LanguagePair] = {}
        self._by_source: dict[str, dict[str, LanguagePair]] = {}  # then by target
        for pair in pairs:
            if pair.name in self.by_name:
                raise ValueError(f"two models are given for {pair.name}")
            self.by_name[pair.name] = pair
            self._by_source.setdefault(pair.source, {})[pair.target] = pair
        self.sources = list(self._by_source)
        self.targets = list(dict.fromkeys(pair.target for pair in self.by_name.values()))
        self.codes = list(dict.fromkeys([*self.sources, *self.targets]))
        self.names: Mapping[str, str] = {code: name_of(code) for code in self.codes}

    def targets_of(self, code: str) -> list[str]:
        """The targets of a language, source or not, including itself: then a text stays as it is."""
        return sorted({code, *self._by_source.get(code, ())})

    def ways(self, source: str, target: str) -> dict[str, LanguagePair | None]:
        """The pairs meant by a client's source code ("" for any) and target code: for each possible language of a
        text, in the order of the sources, the pair that translates it; None for the target language itself, in which
        texts stay as they are. Raises RefusedError(400)."""
        into = self._into(target)
        if not source:
            own = matching(target, self.targets) or self.served(target)
            return {code: into.get(code) for code in self.sources if code in into or code == own} | {own: None}
        if _plain(source) != _plain(target) and (code := matching(source, list(into))):
            return {code: into[code]}
        code, own = self.served(source), self.served(target)
        pair = self.by_name.get(f"{code}-{own}")
        if pair is None and code != own:
            message = f"{own} is not available as a target language from {code}"
            raise RefusedError(400, f"{message}; there are: {', '.join(self.by_name)}")
        return {code: None if code == own else pair}

    def _into(self, target: str) -> dict[str, LanguagePair]:
        """For each source, its pair into the target that a client means, if it has one."""
        found = {source: matching(target, list(pairs)) for source, pairs in self._by_source.items()}
        return {source: self._by_source[source][code] for source, code in found.items() if code is not None}

    def usual(self, source: str, target: str) -> tuple[str, str]:
        """Defaults for a client that need not give both codes. For target "" it is the target of the source's first
        pair; for source "" the only source with a pair into the target, or else "" for any. Raises
        RefusedError(400)."""
        if not target:
            code = matching(source, self.sources) if source else self.sources[0]
            if code is None:
                raise RefusedError(400, f"{source[:20]} is no source here; there are: {', '.join(self.sources)}")
            target = next(iter(self._by_source[code]))
        into = [] if source else list(self._into(target))
        return (into[0] if len(into) == 1 else source), target

    def served(self, code: str) -> str:
        """The source or target that a client means. Raises RefusedError(400)."""
        found = matching(code, self.codes)
        if found is None:
            raise RefusedError(400, f"{code[:20]} is not supported; there are: {', '.join(self.codes)}")
        return found


def matching(code: str, codes: Sequence[str]) -> str | None:
    """The served code that a client means: the same, a more particular or a less particular one (`pt` may be `pt-BR`,
    `de-DE` may be `de`; see language_tags.py); else another variant of its language (`pt-PT` may be `pt-BR`)."""
    found = language_tags.matching(code, codes) or language_tags.matching(primary(code), codes)
    return next(iter(found), None)


def _plain(code: str) -> str:
    return code.replace("_", "-").lower()


def name_of(code: str) -> str:
    first, _, rest = code.replace("_", "-").partition("-")
    name = ENGLISH.get(first.lower())
    return code if name is None else f"{name} ({rest})" if rest else name


def stamp(pairs: Iterable[LanguagePair]) -> tuple[object, ...]:
    """A value that changes when a file of the models does."""
    found: list[object] = []
    for folder in dict.fromkeys(folder for pair in pairs for folder in pair.folders):
        try:
            for path in sorted(Path(folder).iterdir()):
                if path.suffix in (".json", ".safetensors", ".model") and not path.name.startswith("."):
                    status = path.stat()
                    found.append((str(path), status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            found.append((folder, None))
    return tuple(found)
