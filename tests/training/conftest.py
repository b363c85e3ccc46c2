from __future__ import annotations

import pytest

import nmt.training.curves


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    """To draw curves.png takes as long as to train on the tiny language; test_run and test_curves have them drawn."""
    monkeypatch.setattr(nmt.training.curves, "draw_curves", lambda metrics, picture, selection_metric: None)
