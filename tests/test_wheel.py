"""The wheel, installed outside the checkout, trains and translates."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from nmt import native
from nmt.native.build import FOLDER, wanted

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]


COMPILER = f"""#!/bin/sh
# Makes what is there already, if it is (tests/test_native.py compiles).
while [ "$1" != -o ]; do shift; done
exec cp "{FOLDER}/${{2##*/}}" "$2"
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("built")
    compiler = folder / "cc"
    compiler.write_text(COMPILER)
    compiler.chmod(0o700)
    command = [sys.executable, "-m", "build", "--wheel", "--sdist", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"CC": str(compiler)})
    return folder


@pytest.fixture
def wheel(built) -> Path:
    (made,) = built.glob("nmt-*.whl")
    return made


def test_it_holds_what_the_commands_need_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("conf/train.yaml", "conf/cell/lstm.yaml", "data/demo/train.de", "cli/train.py", "py.typed"):
        assert f"nmt/{needed}" in names
    assert {f"nmt/export/page/{name}" for name in ("translate.html", "translate.js", "pieces.js")} <= set(names)
    assert {name.split("/")[0] for name in names} == {"nmt", "nmt-0.1.0.dist-info"}
    assert "nmt/native/hook.py" not in names  # only needed to build wheels
    compiled = {name for name in names if name.endswith(".so")}
    possible = [library for library, _, _ in wanted()]
    assert compiled == {f"nmt/native/{path.name}" for path in possible if path.exists()}
    assert wheel.name.endswith("none-any.whl") == (not compiled)
    sources = {f"nmt/native/{path.name}" for path in FOLDER.glob("*.[ch]")}
    assert {"nmt/native/cells.c", "nmt/native/kernels.c", "nmt/native/processor.c", "nmt/native/vectors.h"} <= sources
    assert sources <= set(names)  # a library's name contains a hash of its source


def test_a_source_distribution_holds_what_is_compiled(built):
    (made,) = built.glob("nmt-*.tar.gz")
    with tarfile.open(made) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"nmt/native/{path.name}" for path in FOLDER.glob("*.[ch]")} <= names
    assert {"nmt/native/build.py", "nmt/native/hook.py", "scripts/write_kernels.py"} <= names
    assert not [name for name in names if name.endswith(".so")]


def test_it_trains_and_translates_where_there_is_no_checkout(wheel, tmp_path):
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel]
    subprocess.run(install, check=True)
    work = tmp_path / "work"
    work.mkdir()

    def run(*command, **settings):
        environment = os.environ | {"PYTHONPATH": str(site)}  # takes precedence over the editable checkout
        return subprocess.run(command, cwd=work, env=environment, check=True, capture_output=True, **settings)

    where = run(sys.executable, "-c", "import nmt, nmt.native as n; print(nmt.__file__, n.is_here())").stdout.decode()
    assert where.startswith(str(site))
    assert where.endswith(f" {native.is_here()}\n")
    small = ["data.train=valid", "data.valid=test", "tokenizer.vocab_size=400", "trainer.accelerator=cpu"]
    small += ["model.embedding_size=8", "model.hidden_size=8", "trainer.max_steps=2"]
    run(site / "bin" / "nmt-train", "experiment=demo", "run=here", "search=greedy", "search.max_extra=2", *small)
    result = run(site / "bin" / "nmt-translate", "runs/here/model", input="Der Hund schläft.\n\n".encode())
    assert result.stdout.count(b"\n") == 2
