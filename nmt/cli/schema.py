"""The only contact with Hydra: our dataclasses as its schema, its result as our config, its errors as one line.

Hydra composes plain data; only `from_dict` decides what is valid. So a key that Hydra would let pass (`+key=...`) is
refused all the same, and no name in a config is ever imported.
"""

from __future__ import annotations

import hashlib
import re
import typing
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from hydra import compose
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nmt.cells import Cell
from nmt.config import CHOICES, RunConfig, from_dict
from nmt.data.corpus import Corpus
from nmt.resources import resource
from nmt.search import Search

GROUPS: dict[str, type] = {"cell": Cell, "data": Corpus, "search": Search}
SCHEMA = "schema/run@_here_"  # in conf/train.yaml
OWN = {"tokenizer", "model", "cell", "encoder", "attention", "decoder"}  # the groups that a model has settings for
EXAMPLES = {"data.dir": "FOLDER", "data.dataset": "NAME", "data.src": "de", "data.tgt": "en"}  # of what must be given
MAX_NAME = 120  # characters of a run's name


def register() -> None:
    """Make the defaults of every dataclass known as `/schema/...`, and the resolver `${run_name:...}`."""
    store = ConfigStore.instance()
    store.store(group="schema", name="run", node=defaults(RunConfig))
    for group, base in GROUPS.items():
        for name, cls in CHOICES[base].items():
            store.store(group=f"schema/{group}", name=name, node={"name": name} | defaults(cls))
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)


def compose_on(own: dict[str, Any], overrides: list[str]) -> Any:
    """conf/train.yaml and the overrides, on top of a model's own settings instead of the default choices for them."""
    store, content = ConfigStore.instance(), OmegaConf.load(resource("conf") / "train.yaml")
    base = defaults(RunConfig)
    store.store(group="schema", name="own", node=base | {group: base[group] | own[group] for group in own})
    choices = typing.cast(list[Any], OmegaConf.to_container(content.defaults))
    choices[choices.index(SCHEMA)] = "schema/own@_here_"
    choices = [dict.fromkeys(choice) if set(choice) & groups_of(own) else choice for choice in choices]
    store.store(name="init", node=OmegaConf.merge(content, {"defaults": choices}))
    return compose("init", overrides=overrides)


def groups_of(own: dict[str, Any]) -> set[str]:
    """Those that a model's own settings stand for."""
    return OWN if "tokenizer" in own else OWN - {"tokenizer"}


def of_model(override: str, own: dict[str, Any]) -> bool:
    """Whether it is for one of the groups that a model has settings for."""
    return re.split(r"[.=@]", override.lstrip("+~"))[0] in groups_of(own)


def defaults(cls: type) -> dict[str, Any]:
    """The dataclass as plain data: its defaults, "???" where a value must be given, {} where a group fills it."""
    hints = typing.get_type_hints(cls)
    data: dict[str, Any] = {}
    for field in fields(cls):
        kind = hints[field.name]
        if is_dataclass(kind):
            data[field.name] = {} if kind in CHOICES else defaults(typing.cast(type, kind))
        else:
            data[field.name] = "???" if field.default is MISSING else field.default
    return data


def run_name(overrides: list[str], _parent_: Any = None) -> str:
    """The name of a run that was given none: what its command line overrides, fit for a folder."""
    parts = [re.sub(r"[^\w.+=-]+", "-", part.lstrip("+")) for part in sorted(overrides)]
    name = "_".join(part.replace("=", "-").strip("-") for part in parts if not part.startswith(("runs_dir=", "run=")))
    if len(name) > MAX_NAME:
        name = f"{name[:MAX_NAME]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return name or "default"


def to_plain(composed: Any) -> dict[str, Any]:
    """Hydra's result -> plain data. Raises ValueError that names the keys of what is missing, and what to give."""
    missing = sorted(OmegaConf.missing_keys(composed))
    if OmegaConf.select(composed, "data.directions"):  # instead of these
        for key in {"data.src", "data.tgt"} & set(missing):
            OmegaConf.update(composed, key, "")
            missing.remove(key)
    if missing:
        examples = " ".join(f"{key}={EXAMPLES.get(key, 'VALUE')}" for key in missing)
        raise ValueError(f"{', '.join(missing)} must be given: {examples}")
    try:
        return typing.cast(dict[str, Any], OmegaConf.to_container(composed, resolve=True))
    except OmegaConfBaseException as error:
        raise ValueError(f"{error.full_key}: {str(error).splitlines()[0]}") from None


def to_run_config(composed: Any) -> RunConfig:
    """Hydra's result -> the config. Raises ValueError that names the key."""
    return from_dict(RunConfig, to_plain(composed))
