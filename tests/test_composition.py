"""Python and Hydra compose the same config from the same choices and settings, and it is accepted."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from nmt.cli.schema import register, to_plain
from nmt.common.resources import resource
from nmt.composition import choices_of, composed, groups
from nmt.config import RunConfig
from nmt.plain_data import from_dict

TEXT = {"dir": "x", "dataset": "y", "src": "de", "tgt": "en"}
OF = {"files": ("dir", "src", "tgt"), "hub": ("dataset", "src", "tgt")}
OF |= dict.fromkeys(("iwslt14", "tatoeba"), OF["files"])
PLACES = {"run": "r", "runs_dir": "q", "cache_dir": "c"}
GROUPS = {group: choices_of(group) for group in groups()}
ALONE = [{}, *({"experiment": name} for name in GROUPS["experiment"])]  # with their choices in other groups
TOGETHER = [  # combined, so that every choice except cells occurs
    {group: names[i % len(names)] for group, names in GROUPS.items() if group != ("experiment", "data")[i % 2]}
    for i in range(max(len(names) for group, names in GROUPS.items() if group != "cell"))
]


@pytest.fixture(autouse=True, scope="module")
def _hydra():
    register()
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(resource("conf"))):
        yield


@pytest.mark.parametrize("choices", ALONE + TOGETHER, ids=str)
def test_python_composes_what_hydra_does(choices):
    chosen = choices.get("data", choices.get("experiment"))
    text = {key: TEXT[key] for key in OF.get(chosen, ())}
    overrides = [f"{key}={value}" for key, value in PLACES.items()]
    overrides += [f"{group}={choice}" for group, choice in choices.items()]
    overrides += [f"data.{key}={value}" for key, value in text.items()]
    by_hydra = to_plain(compose("train", overrides))
    assert composed(choices, PLACES | {"data": text}) == by_hydra
    assert from_dict(RunConfig, by_hydra)


def test_every_folder_is_a_group():
    """As listed by nmt-train --help; the top-level configs of nmt-lab are files."""
    assert {path.name for path in resource("conf").iterdir() if path.is_dir()} == GROUPS.keys()
