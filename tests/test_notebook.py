"""docs/notebook.ipynb runs from top to bottom."""

from __future__ import annotations

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"
BRIEF = 'cell, epochs, embedding_size, hidden_size, sentence = "gru", 1, 8, 8, "Der Hund schläft."'
SOME = '"progress": False}'
FEW = '"progress": False, "max_steps": 2, "accelerator": "cpu"}, data={"train": "valid", "valid": "test"}'


def test_the_notebook_trains_and_shows_attention_and_gates(tmp_path):
    book = nbformat.read(NOTEBOOK, as_version=4)
    assert not [cell for cell in book.cells if cell.get("outputs")]  # pictures are not stored in the repository
    (parameters,) = (cell for cell in book.cells if "parameters" in cell.metadata.get("tags", []))
    parameters.source = BRIEF
    (training,) = (cell for cell in book.cells if "nmt.train(" in cell.source and cell.cell_type == "code")
    assert SOME in training.source
    training.source = training.source.replace(SOME, FEW)
    nbclient.NotebookClient(book, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if "image/svg+xml" in output.get("data", {})]
    assert len(pictures) == 4  # training, attention, two of the gates
    assert "<svg" in (tmp_path / "runs" / "gates.html").read_text(encoding="utf-8")
