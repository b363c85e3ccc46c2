"""The build hook that hatchling calls for a wheel of nmt: it compiles the C code where that is possible."""

from __future__ import annotations

import runpy
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Not imported: nmt itself needs packages that are not installed yet.
compile_libraries = runpy.run_path(str(Path(__file__).with_name("build.py")))["compile_libraries"]


class CompileKernels(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        try:
            compile_libraries()
        except OSError as error:
            self.app.display_warning(f"Without what is in C (nmt/native), and so slower: {error}")
            return
        build_data["artifacts"].append("nmt/native/*.so")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
