"""Distillation and back-translation as docs/train.md has them: a translation, and a training on both texts."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import toy

from nmt.training.run import train

TRANSLATE = Path(sys.executable).with_name("nmt-translate")


@pytest.mark.parametrize(
    "options", [["--beam-size", "2", "--no-repeat-ngram", "1"], ["--sample", "1", "--top-k", "2"]]
)
def test_a_student_learns_from_what_others_translate(trained, corpus_dir, tmp_path, options):
    folder = shutil.copytree(corpus_dir, tmp_path / "corpus")
    source = (folder / "train.de").read_bytes()
    models = [trained / "model"] * 2
    made = subprocess.run([TRANSLATE, *models, *options], input=source, capture_output=True, check=True).stdout
    assert made.count(b"\n") == source.count(b"\n")
    (folder / "distilled.en").write_bytes(made)
    (folder / "distilled.de").symlink_to(folder / "train.de")
    config = toy.run_config(folder, tmp_path / "runs", data__train="train+distilled", trainer__max_epochs=2)
    run_dir = train(config).model_dir.parent
    pairs = [
        (folder / f"{name}.{code}").read_text().splitlines()
        for name in ("train", "distilled")
        for code in ("de", "en")
    ]
    different = {*zip(*pairs[:2], strict=True), *zip(*pairs[2:], strict=True)}
    assert len(different) > len(pairs[0])
    held = {line for code in ("de", "en") for line in (folder / f"valid.{code}").read_text().splitlines()}
    kept = sum(src not in held and tgt not in held and bool(tgt) for src, tgt in different)
    assert f"training pairs: {kept};" in (run_dir / "train.log").read_text()
