#!/usr/bin/env python3
"""Coverage-guided fuzzing of all code that reads untrusted bytes, with atheris (pip install atheris).

    scripts/fuzz.py --runs 1000000

The first byte of an input chooses the reader; the rest is its data: a file of a model directory (with valid
checksums), the stdin filter's stream, or a corpus. Inputs that reach new lines of nmt are mutated further. Stops at
the first input that is neither read correctly nor refused with a ValueError, runs code, opens other files, takes more
than a minute, or needs more memory than --memory. Then the exit code is not 0, and the input is in a file.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

try:
    import atheris
except ImportError:
    sys.exit("fuzz.py: atheris is missing; pip install atheris")

with atheris.instrument_imports(include=["nmt"]):  # measures coverage
    from nmt.bundle import CONFIG, LEXICON, WEIGHTS, load_bundle, seal
    from nmt.common import stream
    from nmt.common.files import sha256
    from nmt.data.corpora import FileCorpus
    from nmt.data.tokenizer import JOINT

from hunts.model import make_model
from hunts.watch import Watch, meet_choices

MAX_SECONDS = 60  # per input
Reader = Callable[[bytes], None]


class Directory:
    """A model directory with one file from the fuzzer."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.watch = make_model(folder), Watch()
        self.config = json.loads((folder / CONFIG).read_bytes())
        self.sound = {name: (folder / name).read_bytes() for name in (CONFIG, WEIGHTS, JOINT)}
        meet_choices()
        load_bundle(folder)

    def reader(self, name: str) -> Reader:
        return lambda content: self.read(name, content)

    def read(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.write_bytes(content)
        self.seal(name, content)
        self.watch.folder = os.path.realpath(self.folder)
        refusal = ""
        try:
            load_bundle(self.folder)
        except ValueError as error:
            refusal = str(error)
        finally:
            self.watch.folder = None
            path.unlink()
            for sound, its_content in self.sound.items():
                (self.folder / sound).write_bytes(its_content)
        assert refusal.startswith(str(self.folder) if refusal else ""), refusal
        assert not self.watch.seen, self.watch.seen

    def seal(self, name: str, content: bytes) -> None:
        config, checksums = self.config, self.config["checksums"]
        if name == CONFIG:
            try:
                config = json.loads(content)
            except (ValueError, RecursionError):
                return
            if not isinstance(config, dict):
                return
        else:
            checksums = checksums | {name: [sha256(self.folder / name)]}
        (self.folder / CONFIG).write_text(json.dumps(seal(config, checksums)))


def read_stream(content: bytes) -> None:
    """Checks that each line is read exactly as if it were alone, for any size of chunks."""
    stream.CHUNK_BYTES, group_size, content = 1 + (content[:1] or b"\0")[0], 1 + len(content) % 5, content[1:]
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        lines = [line for group in stream.read_groups(file.fileno(), group_size, max_bytes=100) for line in group]
    raws = content.removesuffix(b"\n").split(b"\n") if content else []
    assert [line.number for line in lines] == list(range(1, len(raws) + 1))
    for line, raw in zip(lines, raws, strict=True):
        whole = raw.removesuffix(b"\r").removeprefix(stream.BOM if line.number == 1 else b"")
        assert len(raw) > 100 or line.text == whole.decode(errors="replace")


def corpus_reader(folder: Path, suffix: str) -> Reader:
    """Checks that there is a pair for each non-blank line and that all can be written as UTF-8. Only invalid gzip,
    and tables with unrecognizable columns, may be refused."""

    def read(content: bytes) -> None:
        (folder / f"train.{suffix}").write_bytes(content)
        try:
            pairs = list(FileCorpus("de", "en", dir=str(folder), malformed="replace").pairs("train"))
        except ValueError:
            if suffix == "jsonl":
                raise
            return
        finally:
            (folder / f"train.{suffix}").unlink()
        "".join(side for pair in pairs for side in pair[:2]).encode()
        lines = content.removeprefix(stream.BOM).decode(errors="replace").split("\n")
        written = sum(bool(line.strip()) for line in lines)
        assert suffix.endswith("gz") or written - (suffix == "tsv") <= len(pairs) <= len(lines)

    return read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory", type=int, default=2000, metavar="MB", help="of the process (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        directory, seeds, corpus = Directory(Path(root) / "model"), Path(root) / "seeds", Path(root) / "corpus"
        corpus.mkdir()
        seeds.mkdir()
        readers = [directory.reader(name) for name in (CONFIG, WEIGHTS, JOINT, LEXICON)]
        readers += [read_stream, *(corpus_reader(corpus, suffix) for suffix in ("tsv", "jsonl", "tsv.gz"))]
        sound = [
            *directory.sound.values(),
            b"",
            b"\x07a\r\n\xef\xbb\xbf\xff\n",
            b"de\ten\na\tb\n",
            b'{"de": "a", "en": "b"}\n',
        ]
        for number, content in enumerate(sound):
            (seeds / str(number)).write_bytes(bytes([number]) + content)

        def read(content: bytes) -> None:
            if content:
                readers[content[0] % len(readers)](content[1:])

        limits = [f"-runs={options.runs}", f"-seed={options.seed}", f"-timeout={MAX_SECONDS}"]
        atheris.Setup([sys.argv[0], *limits, f"-rss_limit_mb={options.memory}", "-max_len=200000", str(seeds)], read)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
