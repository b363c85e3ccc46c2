"""The rules of the architecture: allowed imports, and forbidden code."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "nmt").rglob("*.py"))
PACKAGE = ROOT / "nmt" / "__init__.py"

# Each part may import itself, the rows below it, and the leaves, but no other part of its row.
ROWS = [
    {"nmt.cli"},
    {"nmt.lab", "nmt.service", "nmt.distribution", "nmt.settings", "nmt.sweep"},
    {"nmt.answers"},
    {"nmt.inspection", "nmt.ranking", "nmt.export", "nmt.publishing"},
    {"nmt.training"},
    {"nmt.translation"},
    {"nmt.bundle", "nmt.composition"},
    {"nmt.config"},
    {"nmt.plain_data"},
    {"nmt.engine"},
    {"nmt.model", "nmt.data", "nmt.search", "nmt.metrics"},
    {"nmt.kernels", "nmt.formats"},
    {"nmt.html"},
    {"nmt.cells", "nmt.text"},
    {"nmt.languages", "nmt.pictures", "nmt.native", "nmt.hub"},
    {"nmt.common", "nmt.automatic"},
]
ONLY_IN = {
    "hydra": {"nmt.cli.schema", "nmt.cli.app", "nmt.cli.composing", "nmt.cli.train"},
    "omegaconf": {"nmt.cli.schema", "nmt.cli.app", "nmt.cli.composing"},
    "lightning": {
        *(f"nmt.training.{name}" for name in ("module", "callbacks", "checkpoint", "divergence", "memory")),
        *(f"nmt.training.{name}" for name in ("curves", "loggers", "metrics_file", "outlook", "ranks")),
        *("nmt.training.origin", "nmt.training.run", "nmt.training.trainer", "nmt.data.datamodule"),
    },
    "datasets": {"nmt.data.corpora.library"},
    "sacrebleu": {f"nmt.metrics.{name}" for name in ("comparison", "published", "resampling", "scorers")},
    "pyarrow": {"nmt.data.encoded", "nmt.data.parquet", "nmt.distribution.compression", "nmt.distribution.parquet"},
    "dask": {"nmt.distribution.engines.dask"},
    "distributed": {"nmt.distribution.engines.dask"},
    "ray": {"nmt.distribution.engines.ray"},
    "matplotlib": {"nmt.pictures.draw", "nmt.pictures.fonts", "nmt.pictures.marks"},
    # nmt.export.translate is a program that ships with an exported model.
    "sentencepiece": {
        *(f"nmt.data.{name}" for name in ("tokenizer", "tokenizer_training", "sampling", "normalization")),
        "nmt.export.translate",
    },
    "onnxruntime": {"nmt.export.translate"},
    "onnx": {"nmt.export.graph", "nmt.export.network", "nmt.export.folder"},
    "huggingface_hub": {"nmt.data.corpora.library", "nmt.hub"},
    "safetensors": {"nmt.bundle.save"},
    "sentencex": {"nmt.text.sentences"},
    "regex": {"nmt.text.patterns"},
    "lxml": {f"nmt.formats.{name}" for name in ("xml", "xlsx", "office_text")},
    "translate": {"nmt.formats.po"},
    "markdown_it": {"nmt.formats.markdown", "nmt.formats.markdown_text"},
    "optuna": {"nmt.sweep.study"},
    "triton": {f"nmt.kernels.triton_{name}" for name in ("additive", "beam", "cross_entropy")},
    "uvicorn": {"nmt.service.server", "nmt.service.connection"},
    "uvloop": {"nmt.service.server"},
    "python_multipart": {"nmt.service.wire"},
    "pickle": set(),
    # Source generated from our own cells; entry points of packages that the user has installed; modules of our own,
    # by literal name; whether a library is there.
    "importlib": {
        *("nmt.cli.entry", "nmt.kernels.triton_steps", "nmt.kernels.trial", "nmt.common.parts", "nmt.formats"),
        "nmt.common.extras",
    },
}
FORBIDDEN_CALLS = {
    *("eval", "exec", "compile", "__import__", "instantiate"),
    *("torch.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load"),
}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path, top_level_only=False) -> list[str]:
    tree = tree_of(path)
    nodes = tree.body if top_level_only else ast.walk(tree)
    found = []
    for node in nodes:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            found += [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def row_of(module: str) -> int | None:
    return next((i for i, row in enumerate(ROWS) for part in row if f"{module}.".startswith(f"{part}.")), None)


def part_of(module: str) -> str | None:
    return next((part for row in ROWS for part in row if f"{module}.".startswith(f"{part}.")), None)


@cache
def calls() -> list[tuple[str, str, ast.Call]]:
    """Every call: in which module, of what, and its node."""
    nodes = [(name_of(path), node) for path in FILES for node in ast.walk(tree_of(path))]
    return [(module, ast.unparse(node.func), node) for module, node in nodes if isinstance(node, ast.Call)]


def test_imports_point_one_way():
    assert not [module for module in imports_of(PACKAGE, top_level_only=True) if module.startswith("nmt.")]
    for path in (path for path in FILES if path != PACKAGE):
        own = name_of(path)
        assert row_of(own) is not None, f"{own} has no row"
        for module in imports_of(path):
            if row_of(module) is not None and part_of(module) != part_of(own):
                assert row_of(module) > row_of(own), f"{own} imports {module}, which stands above or beside it"


def test_libraries_are_met_in_one_place():
    for path in FILES:
        for module in imports_of(path):
            allowed = ONLY_IN.get(module.split(".")[0])
            assert allowed is None or name_of(path) in allowed, f"{name_of(path)} imports {module}"


def test_nothing_is_executed_or_unpickled():
    for module, called, node in calls():
        assert called not in FORBIDDEN_CALLS, f"{module}:{node.lineno}"
        if called.endswith(".fit"):
            assert "weights_only=True" in ast.unparse(node), f"{module}:{node.lineno}"


def test_json_is_written_in_one_place():
    """Elsewhere it might contain NaN, which is not valid JSON."""
    assert {module for module, called, _ in calls() if called in ("json.dump", "json.dumps", "dumps")} == {
        "nmt.common.json_text"
    }


def test_a_file_says_what_it_is():
    assert not [name_of(path) for path in FILES if not ast.get_docstring(tree_of(path))]


# Every one says at once what it has to say of its options.
COMMANDS = [f"nmt.cli.{one.attr}" for one in entry_points(group="console_scripts") if one.module == "nmt.cli.entry"]


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("nmt", {"torch", "numpy"}),
        (", ".join([*COMMANDS, "nmt.cli.app", "nmt.service.service"]), {"torch", "numpy", "uvicorn"}),
        (
            "nmt.translation.translator",
            {
                *("lightning", "hydra", "omegaconf", "datasets", "matplotlib", "pyarrow", "sacrebleu", "sentencex"),
                *("yaml", "regex"),
            },
        ),
    ],
)
def test_a_light_module_loads_nothing_heavy(modules, heavy):
    code = f"import sys, {modules}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not heavy & set(loaded)
