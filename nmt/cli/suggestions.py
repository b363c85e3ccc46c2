"""Suggestions of what a user may have meant by an unknown override."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from nmt.common.suggestions import did_you_mean
from nmt.composition import SCHEMAS, schema


def what_is_missing(error: str, groups: Mapping[str, Collection[str]]) -> str | None:
    """Why Hydra could not load an existing choice; None for other errors."""
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
        return _wrong_choice(override, key, groups[key])
    if key not in keys:
        return f"{key} is unknown{_near_key(key, groups, keys)}"
    return f"say {override.input_line.lstrip('+')}, without the +" if override.is_add() else None


def _wrong_choice(override: Any, group: str, choices: Collection[str]) -> str | None:
    value = override.value()
    chosen = list(override.sweep_iterator()) if override.is_sweep_override() else [value]
    for choice in chosen:
        if isinstance(choice, str) and choice not in choices and not override.is_delete():
            near = did_you_mean(choice, choices, f"{group}=") or ";"
            return f"{group} has no choice {choice!r}{near} choose one of: {', '.join(sorted(choices))}"
    return f"say {override.input_line.lstrip('+')}, without the +" if override.is_add() else None


def _near_key(key: str, groups: Mapping[str, Collection[str]], keys: Collection[str]) -> str:
    parent, _, name = key.rpartition(".")
    beside = sorted(known.rpartition(".")[2] for known in keys if known.rpartition(".")[0] == parent)
    among_siblings = bool(parent and beside)
    near = did_you_mean(name, beside, f"{parent}.") if among_siblings else did_you_mean(key, {*groups, *keys})
    if near:
        return near
    same_name = sorted(known for known in keys if known.rpartition(".")[2] == name)
    if same_name:
        return f"; did you mean {' or '.join(same_name)}?"
    if among_siblings:
        return f"; {parent} has: {', '.join(beside)}"
    return f"; there are: {', '.join(sorted({*groups, *(known for known in keys if '.' not in known)}))}"
