"""The README and docs/ are correct: linked files exist, and printed commands and Python code work."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

import nmt
from nmt.cli.schema import register, to_plain
from nmt.common.resources import resource
from nmt.config import RunConfig
from nmt.plain_data import from_dict

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BY_HYDRA = {"nmt-train": "train", "nmt-lab": "lab_"}
BRIEF = {  # settings for a short training
    "model": {"embedding_size": 8, "hidden_size": 12},
    "trainer": {"max_epochs": 1, "max_tokens": 256, "accelerator": "cpu", "tensorboard": False},
    "tokenizer": {"vocab_size": 320},
    "search": {"max_ratio": 0.5, "max_extra": 2},
}


def links(page: Path) -> list[tuple[Path, str]]:
    """The project files that a page links to, each with the heading there, or ""."""
    found = re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8"))
    return [((page.parent / target).resolve() if target else page, heading) for target, heading in found]


def anchors(page: Path) -> set[str]:
    """The names by which a forge links to the headings of a page."""
    titles = re.findall(r"^#+ (.*)", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def test_every_link_leads_somewhere_and_every_page_is_linked():
    linked = {page: links(page) for page in [*PAGES, *ROOT.glob("*.md")]}
    broken = [
        (page.name, path.name, heading)
        for page, found in linked.items()
        for path, heading in found
        if not path.exists() or (heading and heading not in anchors(path))
    ]
    assert broken == []
    assert set(PAGES) - {PAGES[0]} <= {path for found in linked.values() for path, _ in found}


def test_the_readme_is_read_in_five_minutes():
    assert len(PAGES[0].read_bytes()) <= 7_000


def test_what_is_imported_on_a_page_is_there():
    imported = re.compile(r"^ *from (nmt[\w.]*) import ([\w, ]+)$", re.MULTILINE)
    found = [(page.name, *shown) for page in PAGES for shown in imported.findall(page.read_text(encoding="utf-8"))]
    assert len(found) > 5
    for page, module, names in found:
        missing = [name for name in names.split(", ") if not hasattr(import_module(module), name)]
        assert not missing, f"{page}: {module}"


def typed_commands(page: Path) -> Iterator[str]:
    """Each nmt command in the page's code blocks, up to a pipe."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    fenced = "".join(re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    lines = re.findall(r"^(?:    |\t)+(.*)", text, re.MULTILINE) + fenced.splitlines()
    for line in lines:
        for command in re.split(r"[;|]| && ", line) if re.search(r"\bnmt-\w", line) else ():
            if start := re.search(r"(?:^|\s)(nmt-[\w-]+ .*)", command):
                yield start[1]


def commands(page: Path) -> Iterator[list[str]]:
    """The words of each nmt command in the page's code blocks, without redirections and variables."""
    for typed in typed_commands(page):
        lexer = shlex.shlex(re.split(r" (?:2?>|<)", typed)[0], posix=True, punctuation_chars=False)
        lexer.whitespace_split = True
        words = list(lexer)
        if "..." not in words:
            values = (re.sub(r"^\$[a-z]+$", "1", word) for word in words)
            yield [word for word in values if not word.startswith("$")]


def test_brackets_are_quoted_where_a_shell_would_expand_them():
    typed = {(page.name, command.split(" #")[0]) for page in PAGES for command in typed_commands(page)}
    assert {one for one in typed if re.search(r"[\[{]", re.sub(r"'[^']*'|\"[^\"]*\"", "", one[1]))} == set()


def has_launchers() -> bool:
    """Whether the extra with Hydra's launchers is installed."""
    try:
        return all(find_spec(f"hydra_plugins.hydra_{name}_launcher") for name in ("joblib", "submitit"))
    except ModuleNotFoundError:
        return False


SHOWN = sorted({(page.name, *words) for page in PAGES for words in commands(page)})


@pytest.mark.parametrize("shown", SHOWN, ids=" ".join)
def test_a_command_that_is_shown_has_the_options_that_it_is_given(shown):
    _, command, *words = shown
    if command not in BY_HYDRA:
        options = (
            import_module(f"nmt.cli.{command.removeprefix('nmt-').replace('-', '_')}").parser().parse_args(words)
        )
        if command != "nmt-tune":
            return
        command, words = "nmt-train", options.overrides
    name = BY_HYDRA[command] + (words.pop(0) if command == "nmt-lab" else "")
    overrides = [re.sub(r"=([^\[,]*),.*", r"=\1", word) for word in words if not word.startswith("-")]
    if not has_launchers():
        overrides = [override for override in overrides if not override.startswith("hydra")]
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        if command == "nmt-lab":
            compose(name, overrides)
        else:
            from_dict(RunConfig, to_plain(compose(name, ["run=x", *overrides])))


def test_commands_are_found():
    assert len(SHOWN) > 40
    assert ("README.md", "nmt-train", "-m", "cell=rnn,gru,lstm", "seed=1,2") in SHOWN
    assert {"nmt-tune", "nmt-serve"} <= {command for _, command, *_ in SHOWN}


@pytest.mark.usefixtures("no_pictures")
def test_the_python_of_the_page_runs_from_top_to_bottom(corpus_dir, tmp_path, monkeypatch, capsys):
    shutil.copytree(corpus_dir, tmp_path / "corpus")
    monkeypatch.chdir(tmp_path)
    train = nmt.train
    monkeypatch.setattr(nmt, "train", lambda *text, **settings: train(*text, **{**settings, **BRIEF}))
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert len(blocks) == 9
    shown = capsys.readouterr().out
    assert "<Translator de-en: " in shown
    assert "\nde-en\n" in shown
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {".cache", "mine", "gru", "rnn", "lstm"}
    assert names["page"].startswith("<!DOCTYPE html>")


def test_the_page_of_cells_is_what_the_cells_say(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import write_cells

    assert write_cells.PAGE.read_text(encoding="utf-8") == write_cells.page()
