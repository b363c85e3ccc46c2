"""Every setting is described, in readable words."""

from __future__ import annotations

from pathlib import Path

import pytest

from nmt.cli import train
from nmt.config import RunConfig
from nmt.settings import explained, settings

ROOT = Path(__file__).parents[1]


def test_every_setting_has_words():
    """If it fails: comment the setting beside its field, then run scripts/write_settings.py."""
    every = list(settings(RunConfig))
    assert [one.key for one in every if not one.words.split(" (of ")[0].strip()] == []
    kinds = {one.key: (one.kind, one.default) for one in every}
    assert kinds["optim.warmup_steps"] == ("whole number or auto", "0")
    assert kinds["trainer.max_steps"] == ("whole number or null", "null")
    assert kinds["metric.name"] == ("bleu or chrf or chrf++ or ter or nll", "bleu")
    by_choice = [one.words for one in every if one.key == "search.beam_size"]
    assert by_choice == ["hypotheses a sentence (of beam)"]


def test_the_page_of_settings_is_what_the_fields_say(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import write_settings

    page = write_settings.page()
    assert write_settings.PAGE.read_text(encoding="utf-8") == page
    for key in ("optim.warmup_steps", "tokenizer.vocab_size"):  # nmt-train's default, not the class's or the demo's
        assert f"| `{key}` | whole number or auto | `auto` |" in page


def test_words_are_told_of_what_is_composed(run_here):
    shown = run_here("nmt-train", "data=files", "optim=plateau", "--settings", "plateau").out
    assert shown.startswith('optim.plateau_factor=0.5\n    "plateau" multiplies the rate by this ...\n')
    data = {"data": {"name": "hub", "dataset": "x"}, "metric": {}}
    found = {key: (value, words) for key, value, words in explained(data, RunConfig)}
    assert found["data.name"] == ("hub", "one of demo, files, hub")
    assert found["data.dataset"][0] == "x"
    assert found["metric.name"][1].endswith(" is better (bleu, chrf, chrf++, ter, nll)")


def test_a_setting_is_found_by_another_toolkits_name_or_by_its_description():
    data = {"optim": {"learning_rate": 0.1}, "trainer": {"max_tokens": 512}}
    assert train.explain(data, "lr").startswith("optim.learning_rate=0.1\n")
    assert train.explain(data, "batch-size") == train.explain(data, "max-tokens") == train.explain(data, "padding")
    assert train.explain(data, "padding").startswith("trainer.max_tokens=512\n")
    with pytest.raises(ValueError, match="no setting has 'qqq' in its name or its description$"):
        train.explain(data, "qqq")
