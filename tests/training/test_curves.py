"""curves.png is there when training ends, and costs little before."""

from __future__ import annotations

import pytest

import nmt.training.curves
from nmt.training.curves import AT_FIRST, SHARE, Curves


@pytest.fixture
def drawn(monkeypatch):
    """When a picture was drawn, by a clock of which each takes a second."""
    found, now = [], [0.0]

    def draw(metrics, picture, chooses):
        found.append(now[0])
        now[0] += 1

    monkeypatch.setattr(nmt.training.curves, "draw_curves", draw)
    return found, now


def test_short_epochs_share_a_picture_and_the_last_one_is_in_it(drawn, tmp_path):
    (found, now), epochs = drawn, 1000
    (tmp_path / "metrics.csv").touch()
    curves = Curves(tmp_path, "bleu", lambda: now[0])
    for _ in range(epochs):
        now[0] += 0.5
        curves.on_validation_end(None, None)
    before = len(found)
    assert found[0] == AT_FIRST
    assert 1 < before <= 1 + SHARE * now[0]
    curves.on_train_end(None, None)
    assert len(found) == before + 1
    curves.on_train_end(None, None)
    assert len(found) == before + 1, "nothing is new"


def test_a_validation_after_a_training_that_ended_inside_an_epoch_is_in_it(drawn, tmp_path):
    found, now = drawn
    curves = Curves(tmp_path, "bleu", lambda: now[0])
    curves.on_train_end(None, None)
    curves.on_validation_end(None, None)
    assert found == []  # nothing is logged yet
    (tmp_path / "metrics.csv").touch()
    curves.on_validation_end(None, None)
    assert found == [0.0]


def test_what_ends_a_training_is_not_hidden_by_a_picture_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "metrics.csv").touch()
    curves = Curves(tmp_path, "bleu", lambda: 0.0)
    curves.on_validation_end(None, None)

    def fails(*_):
        raise OSError("no space")

    monkeypatch.setattr(nmt.training.curves, "draw_curves", fails)
    curves.on_exception(None, None, KeyboardInterrupt())
    with pytest.raises(OSError, match="no space"):
        curves.on_train_end(None, None)
