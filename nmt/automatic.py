"""The settings that may be "auto": their values are derived from the text once it is known (data/validation.py,
data/vocabulary.py, training/auto_settings.py)."""

from __future__ import annotations

from typing import Any

AUTO = "auto"
# Until the text is known, each has the value that suits a large text; None: its default.
AUTOMATIC: dict[str, Any] = {
    "data.valid": None,
    "tokenizer.vocab_size": 8000,
    "tokenizer.character_coverage": None,
    "model.dropout": 0.3,
    "model.src_word_dropout": None,
    "model.tgt_word_dropout": None,
    "optim.warmup_steps": 200,
    "optim.guided_alignment": None,
    "trainer.max_epochs": 10,
    "trainer.max_tokens": 4096,
    "trainer.val_every_epochs": None,
}


def without_auto(data: dict[str, Any]) -> dict[str, Any]:
    """The plain data of a RunConfig, with a stand-in for each "auto"; the keys of these settings are in `auto`."""
    found = []
    for key, stand_in in AUTOMATIC.items():
        group, name = key.split(".")
        settings = data.get(group)
        if isinstance(settings, dict) and settings.get(name) == AUTO:
            found.append(key)
            others = {other: value for other, value in settings.items() if other != name}
            data = data | {group: others if stand_in is None else others | {name: stand_in}}
    return data | {"auto": [*data.get("auto", []), *found]} if found else data
