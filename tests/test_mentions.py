"""Files mentioned in comments, docstrings, the README and docs/ exist."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("nmt", "conf", "scripts", "tests")
SOURCES = (".py", ".c", ".h", ".yaml")
NAME = re.compile(r"(?<![\w./{}*<-])(?:[\w.-]+/)*[\w-]+\.(?:py|c|h|yaml)\b")
ELSEWHERE = {
    "config.yaml",  # in a run's folder
    "malloc.h",  # of the C library
    "NAME.yaml",  # a placeholder
    "conf/GROUP/NAME.yaml",  # likewise
    "conf/cell/ugrnn.yaml",  # docs/extend.md: the reader writes it
    "nmt/cells/ugrnn.py",  # likewise
    "my_parts.py",  # likewise
}


def prose_of(path: Path) -> str:
    """The comments and docstrings of a source file; all of a text file."""
    text = path.read_text(encoding="utf-8")
    match path.suffix:
        case ".py":
            comments = [
                t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type == tokenize.COMMENT
            ]
            kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
            nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
            return "\n".join([*comments, *(ast.get_docstring(node) or "" for node in nodes)])
        case ".yaml":
            return "\n".join(line.partition("#")[2] for line in text.splitlines())
        case ".c" | ".h":
            return "\n".join(re.findall(r"//.*|/\*.*?\*/", text, re.DOTALL))
    return text


def missing(prose: str, there: set[str]) -> set[str]:
    """The mentioned files that do not exist. A mention may be the end of a path."""
    return {name for name in NAME.findall(prose) if not any(f"/{path}".endswith(f"/{name}") for path in there)}


def test_every_file_that_is_named_is_there():
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SOURCES]
    there = {path.relative_to(ROOT).as_posix() for path in files}
    named = {
        path: missing(prose_of(path), there) - ELSEWHERE
        for path in [*files, ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
        if missing(path.read_text(encoding="utf-8"), there) - ELSEWHERE  # extracting comments is slower
    }
    assert {str(path): names for path, names in named.items() if names} == {}


def test_a_file_that_is_named_and_is_not_there_is_found():
    there = {"nmt/model/output.py", "nmt/native/kernels.c"}
    assert missing("see model/shortlist.py, (output.py), `nmt/native/kernels.c`", there) == {"model/shortlist.py"}
    assert missing("put.py, other/output.py", there) == {"put.py", "other/output.py"}
