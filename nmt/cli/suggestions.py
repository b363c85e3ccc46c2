"""Suggestions of what a user may have meant by an unknown override."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from nmt.common.suggestions import did_you_mean, nearest
from nmt.composition import SCHEMAS, schema

ELSEWHERE = {  # the names of settings in other toolkits, where they are not like those here
    "lr": "optim.learning_rate",
    "batch_size": "trainer.max_tokens",
    "beam": "search.beam_size",
    "early_stopping": "trainer.patience",
    "early_stopping_patience": "trainer.patience",
    "fp16": "trainer.precision",
    "gradient_accumulation_steps": "trainer.accumulate",
    "rnn_size": "model.hidden_size",
    "train_steps": "trainer.max_steps",
    "update_freq": "trainer.accumulate",
    "word_vec_size": "model.embedding_size",
}


def what_is_missing(error: str, groups: Mapping[str, Collection[str]]) -> str | None:
    """Why Hydra could not load an existing choice; None for other errors."""
    if launcher := re.search(r"Could not find '(hydra/launcher)/(joblib|submitit_local|submitit_slurm)'", error):
        return f"{launcher[1]}={launcher[2]} needs a plugin of Hydra: pip install 'nmt[sweep]'"
    found = re.search(r"Could not (?:find|load) '(schema/)?(\w+)/([^']+)'", error)
    if found and found[2] in SCHEMAS and (found[1] or found[3] in groups[found[2]]):
        try:
            schema(found[2], found[3])
        except ValueError as missing:
            return str(missing)
    return None


def what_is_wrong(override: Any, groups: Mapping[str, Collection[str]], keys: Collection[str]) -> str | None:
    """What is unknown in an override of Hydra's, with suggestions; None if nothing is.

    `groups` has the choices of each group, `keys` the dotted keys of the config.
    """
    key = override.key_or_group
    if key.startswith("hydra") or override.package:
        return None
    if key in groups:
        if wrong := _wrong_choice(override, key, groups[key]):
            return wrong
    elif key not in keys:
        return f"{key} is unknown{_near_key(key, groups, keys)}"
    return f"say {override.input_line.lstrip('+')}, without the +" if override.is_add() else None


def _wrong_choice(override: Any, group: str, choices: Collection[str]) -> str | None:
    for choice in override.sweep_iterator() if override.is_sweep_override() else [override.value()]:
        if isinstance(choice, str) and choice not in choices and not override.is_delete():
            near = did_you_mean(choice, choices, f"{group}=") or ";"
            return f"{group} has no choice {choice!r}{near} choose one of: {', '.join(sorted(choices))}"
    return None


def _near_key(key: str, groups: Mapping[str, Collection[str]], keys: Collection[str]) -> str:
    parent, _, name = key.rpartition(".")
    by_name: dict[str, list[str]] = {}
    for known in sorted(keys):
        by_name.setdefault(known.rpartition(".")[2], []).append(known)
    same_name = _or(by_name.get(name, []))
    beside = [last for last, found in by_name.items() if parent and f"{parent}.{last}" in found]
    first = {*groups, *(known for known in keys if "." not in known)}
    if (meant := ELSEWHERE.get(name)) in keys:
        return _or([str(meant)])
    if beside:
        return did_you_mean(name, beside, f"{parent}.") or same_name or f"; {parent} has: {', '.join(sorted(beside))}"
    if parent:
        near = did_you_mean(key, {*groups, *keys}) or same_name
    else:
        near = same_name or did_you_mean(key, first) or _or(by_name.get(nearest(name, by_name), []))
    return near or f"; there are: {', '.join(sorted(first))}"


def _or(keys: Sequence[str]) -> str:
    return f"; did you mean {' or '.join(keys)}?" if keys else ""
