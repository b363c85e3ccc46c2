#!/usr/bin/env python3
"""Write docs/settings.md from the comments beside the dataclass fields. Run it after any change of them."""

from __future__ import annotations

import argparse
from itertools import groupby
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir

from nmt.cli.schema import register
from nmt.common.files import write_atomically
from nmt.common.resources import resource
from nmt.config import RunConfig
from nmt.settings import Setting, settings, shown_value

PAGE = Path(__file__).resolve().parents[1] / "docs" / "settings.md"
HEAD = """# Settings

Every setting of `nmt-train KEY=VALUE`. `nmt-train --settings [WORD]` prints those whose name has the word, with the
values that your groups and overrides come to; groups (`optim=linear`, `model=small`) set several at once, and
[train](train.md) lists their choices. A default is that of `nmt-train data=files`, or in `data` what a corpus has
unless its choice in `conf/data` says otherwise; where there is none, the value must be given. What is `auto` is
[decided by the text](data.md#little-text). (`scripts/write_settings.py` makes this page from `nmt/`.)
"""


def page() -> str:
    """The whole page, in Markdown."""
    register()
    with initialize_config_dir(str(resource("conf")), version_base="1.3"):
        composed = compose("train", overrides=["run=x", "data=files"])
    parts = [HEAD]
    every = sorted(settings(RunConfig), key=lambda setting: "." in setting.key)  # ungrouped settings first
    for group, found in groupby(every, lambda setting: setting.key.rpartition(".")[0].partition(".")[0]):
        title = f"`{group}`" if group else "The run"
        parts.append(f"\n## {title}\n\n| setting | value | default | what it is |\n|---|---|---|---|\n")
        for setting in found:
            default = setting.default if group == "data" else _composed(composed, setting)
            cells = [f"`{setting.key}`", setting.kind, f"`{default}`" if default else "", setting.words]
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "".join(parts)


def _composed(composed: Any, setting: Setting) -> str:
    """nmt-train's default value; empty for `run` and `cache_dir`. A setting that its default config does not have
    gets the default of its class."""
    if setting.key in ("run", "cache_dir"):
        return ""
    for part in setting.key.split("."):
        if part not in composed:
            return setting.default
        composed = composed.get(part)
    return shown_value(composed)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    write_atomically(PAGE, page().encode())
