"""`pip install nmt` alone translates, an extra brings all that its commands need, and who lacks one says which."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, packages_distributions, requires
from pathlib import Path

import pytest
import toy
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from nmt.cli.suggestions import what_is_missing
from nmt.common.extras import EXTRAS, explained

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS_OF_PROJECT = PROJECT["optional-dependencies"]

# As if nothing were installed but what argv[1] leaves; then each command, as argv[2] has them.
WITHOUT = """
import json, sys
from importlib import import_module

hidden, commands = set(json.loads(sys.argv[1])), json.loads(sys.argv[2])

class Hiding:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in hidden else self.finder.find_spec(name, path, target)

sys.meta_path[:] = map(Hiding, sys.meta_path)
for command, *arguments in commands:
    sys.argv = [command, *arguments]
    try:
        import_module("nmt.cli." + command.removeprefix("nmt-").replace("-", "_")).main()
    except SystemExit as ended:
        print(command, ended.code, file=sys.stderr)
"""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def needed_by(extras: tuple[str, ...]) -> frozenset[str]:
    """The distributions that an installation with these extras has."""
    found: set[str] = set()
    todo = [*PROJECT["dependencies"], *(one for extra in extras for one in EXTRAS_OF_PROJECT[extra])]
    while todo:
        one = Requirement(todo.pop())
        name = normal(one.name)
        if name == "nmt":
            todo += [other for extra in one.extras for other in EXTRAS_OF_PROJECT[extra]]
            continue
        if (name in found and not one.extras) or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        found.add(name)
        try:
            own = map(Requirement, requires(one.name) or [])
        except PackageNotFoundError:
            continue
        names = [{"extra": extra} for extra in ("", *one.extras)]
        todo += [str(other) for other in own if not other.marker or any(map(other.marker.evaluate, names))]
    return frozenset(found)


def hidden_without(*extras: str) -> list[str]:
    """The modules that an installation with these extras alone lacks."""
    there = needed_by(extras)
    modules = packages_distributions().items()
    return sorted(name for name, owners in modules if not {normal(one) for one in owners} & {*there, "nmt"})


def run(commands: list[list[str]], *extras: str, text: str = "") -> subprocess.CompletedProcess[str]:
    arguments = [json.dumps(hidden_without(*extras)), json.dumps(commands)]
    return subprocess.run([sys.executable, "-c", WITHOUT, *arguments], input=text, capture_output=True, text=True)


def test_nmt_alone_translates_and_says_what_the_rest_needs(trained, corpus_dir, tmp_path):
    model = str(trained / "model")
    test = ["--src", str(corpus_dir / "valid.de"), "--ref", str(corpus_dir / "valid.en")]
    done = run(
        [
            ["nmt-translate", model, "--split", "sentences", "--nbest", "2", "--json"],
            ["nmt-train", "experiment=demo"],
            ["nmt-lab", "memory"],
            ["nmt-evaluate", model, *test, "--output", str(tmp_path)],
            ["nmt-compare", model, model, *test],
            ["nmt-inspect", model, "Anna sieht das Haus.", "--output", str(tmp_path / "attention.png")],
            ["nmt-serve", "--pair", f"de-en={model}", "--port", "0"],
        ],
        text="Anna sieht das Haus. Paul mag die Stadt.\n",
    )
    assert json.loads(done.stdout)["text"], done.stderr
    lines = [line for line in done.stderr.splitlines() if " needs " in line]
    assert lines == [
        "nmt-train needs Hydra: pip install 'nmt[train]'",
        "nmt-lab needs Hydra: pip install 'nmt[lab]'",
        "nmt-evaluate needs sacreBLEU: pip install 'nmt[evaluate]'",
        "nmt-compare needs sacreBLEU: pip install 'nmt[evaluate]'",
        "nmt-inspect needs Matplotlib: pip install 'nmt[inspect]'",
        "nmt-serve needs Uvicorn: pip install 'nmt[serve]'",
    ], done.stderr
    assert "Traceback" not in done.stderr


def test_the_extras_of_scores_and_pictures_are_enough_for_them(trained, corpus_dir, tmp_path):
    model, picture = str(trained / "model"), tmp_path / "attention.png"
    test = ["--src", str(corpus_dir / "valid.de"), "--ref", str(corpus_dir / "valid.en")]
    commands = [
        ["nmt-evaluate", model, *test, "--output", str(tmp_path)],
        ["nmt-inspect", model, "Anna sieht das Haus.", "--output", str(picture)],
    ]
    done = run(commands, "evaluate", "inspect")
    assert "BLEU" in done.stdout, done.stderr
    assert picture.exists(), done.stderr


def test_the_extra_of_training_is_enough_for_it(corpus_dir, tmp_path):
    small = ["tokenizer.vocab_size=320", "model.embedding_size=8", "model.hidden_size=8", "trainer=debug"]
    text = [*toy.data_of(corpus_dir), f"runs_dir={tmp_path}", "run=x"]
    done = run([["nmt-train", *text, *small, "trainer.accelerator=cpu"]], "train")
    assert (tmp_path / "x" / "model" / "model.safetensors").exists(), done.stderr


def test_every_library_of_the_table_comes_with_the_extras_that_it_names():
    owners = packages_distributions()
    for module, (_, extras) in EXTRAS.items():
        if module in owners:  # installed here
            for extra in extras:
                assert {normal(one) for one in owners[module]} & needed_by((extra,)), (module, extra)


def test_each_python_that_is_promised_can_have_the_pinned_versions():
    promised = SpecifierSet(PROJECT["requires-python"])
    minors = [minor for minor in range(30) if f"3.{minor}.0" in promised]
    words = f"Python 3.{minors[0]} to 3.{minors[-1]}"
    for name in ("README.md", "docs/start.md", "docs/container.md", "scripts/environment"):
        assert words in (ROOT / name).read_text(encoding="utf-8"), name
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
    pinned = {normal(name): version for name, version in pins.items()}
    here = [one for one in distributions() if pinned.get(normal(one.name)) == one.version]
    wanting = {one.name: one.metadata.get("Requires-Python") for one in here}
    assert not {
        name for name, pythons in wanting.items() if pythons and f"3.{minors[0]}.0" not in SpecifierSet(pythons)
    }


def imported_by(folder: str) -> set[str]:
    """The packages that the Python files of a folder import, or ask for by pytest.importorskip."""
    found: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found.update(re.findall(r"^\s*(?:from|import) (\w+)", text, re.M))
        found.update(re.findall(r"importorskip\(\"(\w+)", text))
    return found


@pytest.mark.parametrize(
    ("folder", "extras", "others"),
    [
        # hatchling calls the hook; triton comes with torch for a GPU; exported models run in a user's onnxruntime;
        # distributed says which dask.
        ("nmt", sorted({*EXTRAS_OF_PROJECT} - {"test"}), {"hatchling", "triton", "onnxruntime", "dask"}),
        ("tests", ["test"], {"mlflow", "pandas", "setuptools"}),  # without them, a test is skipped
    ],
)
def test_every_library_that_is_imported_is_named(folder, extras, others):
    """What another library brings today it may leave out tomorrow."""
    named = {normal(Requirement(one).name) for one in PROJECT["dependencies"]}
    todo = list(extras)
    while todo:
        for one in map(Requirement, EXTRAS_OF_PROJECT[todo.pop()]):
            named.add(normal(one.name))
            todo += one.extras if one.name == "nmt" else ()
    owners = packages_distributions()
    unnamed = {
        module
        for module in (imported_by(folder) - others) & set(owners)
        if not {normal(owner) for owner in owners[module]} & {*named, "nmt"}
    }
    assert not unnamed


@pytest.mark.parametrize(
    ("module", "who", "words"),
    [
        ("lightning.pytorch", "nmt-train", "nmt-train needs Lightning: pip install 'nmt[train]'"),
        ("lightning.pytorch", "nmt.train", "nmt.train needs Lightning: pip install 'nmt[train]'"),
        ("yaml", "nmt-push", "nmt-push needs PyYAML: pip install 'nmt[hub]'"),
        ("yaml", "nmt-tune", "nmt-tune needs PyYAML: pip install 'nmt[tune]'"),
        ("sacrebleu", "nmt-translate", "nmt-translate needs sacreBLEU: pip install 'nmt[evaluate]'"),
        ("sacrebleu", "nmt-lab", "nmt-lab needs sacreBLEU: pip install 'nmt[lab]'"),
        ("translate.storage", "po", "po needs translate-toolkit: pip install 'nmt[formats]'"),
        ("nothing_of_ours", "nmt-train", None),
        (None, "nmt-train", None),
    ],
)
def test_the_extra_that_is_told_is_the_commands_own(module, who, words):
    assert explained(ModuleNotFoundError(name=module), who) == words


def test_a_launcher_of_hydra_that_is_not_there_is_told_with_its_extra():
    hydras = (
        "In 'hydra/config': Could not find 'hydra/launcher/joblib'\n\nAvailable options in 'hydra/launcher':\n\tbasic"
    )
    assert what_is_missing(hydras, {}) == ("hydra/launcher=joblib needs a plugin of Hydra: pip install 'nmt[sweep]'")
    assert what_is_missing(hydras.replace("joblib", "other"), {}) is None
