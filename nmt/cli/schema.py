"""Our dataclasses as Hydra's schema, and Hydra's result as plain data.

Hydra only composes plain data; `from_dict` alone decides what is valid. So a key that Hydra would accept (`+key=...`)
is still refused, and no name in a config is ever imported.
"""

from __future__ import annotations

import hashlib
import re
import typing
from contextlib import suppress
from functools import cache
from typing import Any

from hydra import compose
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nmt.common.resources import resource
from nmt.composition import (
    SCHEMAS,
    TABLES,
    Data,
    defaults,
    groups_of,
    has_file,
    package_of,
    schema,
    with_all_given,
    without_file,
)
from nmt.config import RunConfig

SCHEMA = "schema/run@_here_"  # in conf/train.yaml
MAX_NAME = 120  # characters of a run's name


def register() -> None:
    """Register the defaults of every dataclass as `/schema/...`, and the resolver `${run_name:...}`."""
    store = ConfigStore.instance()
    # Hydra copies the store, which it never changes, for each composition, and for each group of --help.
    vars(store)["__deepcopy__"] = lambda memo: store
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)
    if "schema" not in store.repo:
        store.store(group="schema", name="run", node=defaults(RunConfig))
    for group, parts in TABLES.items():
        for name in parts.names():
            with suppress(ValueError):  # reported when it is chosen
                _register_choice(group, name)


@cache
def _register_choice(group: str, name: str) -> None:
    store = ConfigStore.instance()
    if group in SCHEMAS:
        store.store(group=f"schema/{group}", name=name, node=schema(group, name))
    if not has_file(group, name):
        store.store(group=group, name=name, node=without_file(group, name), package=package_of(group))


def compose_on(own: Data, overrides: list[str]) -> Data:
    """The groups of `own`, a model's own settings, with the overrides, as plain data. `own` replaces the default
    choices."""
    store, content = ConfigStore.instance(), OmegaConf.load(resource("conf") / "train.yaml")
    base = defaults(RunConfig)
    store.store(group="schema", name="own", node=base | {group: base[group] | own[group] for group in own})
    choices = typing.cast(list[Any], OmegaConf.to_container(content.defaults))
    choices[choices.index(SCHEMA)] = "schema/own@_here_"
    choices = [dict.fromkeys(choice) if set(choice) & groups_of(own) else choice for choice in choices]
    store.store(name="init", node=OmegaConf.merge(content, {"defaults": choices}))
    found = compose("init", overrides=overrides)
    return {group: OmegaConf.to_container(found[group], resolve=True) for group in own}


def of_model(overrides: list[str], own: Data) -> list[str]:
    """The overrides of the groups whose settings come with a model, and those that Hydra needs to compose these."""
    keys = {*groups_of(own), "hydra"}
    return ["~data", *(one for one in overrides if re.split(r"[.=@]", one.lstrip("+~"))[0] in keys)]


def run_name(overrides: list[str], _parent_: Any = None) -> str:
    """The default name of a run: its overrides, made fit for a folder name. If characters were replaced or cut off, a
    hash of all overrides is appended, so different values have different names."""
    typed = [part.lstrip("+") for part in sorted(overrides) if not part.startswith(("runs_dir=", "run="))]
    parts = [re.sub(r"[^\w.+-]+", "-", part).strip("-") for part in typed]
    name = told = "_".join(parts)
    if parts != [part.replace("=", "-", 1) for part in typed]:
        told = "\0".join(typed)
    if len(name) > MAX_NAME or told != name:
        name = f"{name[:MAX_NAME]}-{hashlib.sha256(told.encode(errors='surrogateescape')).hexdigest()[:8]}"
    return name or "default"


def to_plain(composed: Any) -> Data:
    """Hydra's result -> plain data. Raises ValueError, which names the missing keys and what to give."""
    try:
        return with_all_given(typing.cast(Data, OmegaConf.to_container(composed, resolve=True)))
    except OmegaConfBaseException as error:
        raise ValueError(f"{error.full_key}: {str(error).splitlines()[0]}") from None
