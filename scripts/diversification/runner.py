"""Run the commands of a stage in parallel, and record the time of each."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from diversification.recipe import Stage
from nmt.common.files import write_atomically
from nmt.common.signals import Stopped

STAGES = "stages.json"
TICK_S = 0.1


@dataclass
class Runner:
    """Runs stages, and records the time of each command, over all starts of the recipe."""

    work: Path
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, stage: Stage) -> bool:
        """Run a stage -> whether all its commands succeeded. Their times are recorded even if a signal ends them.

        Raises Stopped on a signal, after the commands, too, have ended.
        """
        beside = len(stage.commands) > 1
        env = dict(os.environ)
        if beside:  # half of the cores each: faster than one after the other on all cores
            env.setdefault("OMP_NUM_THREADS", str(((os.cpu_count() or 1) + 1) // 2))
        began = time.monotonic()
        running: dict[str, subprocess.Popen[str]] = {}
        codes: dict[str, int] = {}
        try:
            for name, command in stage.commands.items():
                say(shlex.join(command))
                running[name] = start(command, env, f"{name}  " if beside else "")
            while len(codes) < len(running):
                for name, process in running.items():
                    if name not in codes and (code := process.poll()) is not None:
                        codes[name] = code
                        self._note(name, time.monotonic() - began, code == 0)
                time.sleep(TICK_S)
        except Stopped as stopped:
            for process in running.values():
                if stopped.number == signal.SIGTERM:  # SIGINT reaches them from the terminal
                    process.terminate()
            for process in running.values():
                process.wait()
            raise
        finally:
            for name in running.keys() - codes.keys():
                self._note(name, time.monotonic() - began, False)
        return not any(codes.values())

    def _note(self, name: str, seconds: float, done: bool) -> None:
        before = self.taken.get(name, {"seconds": 0.0, "done": False})
        if not before["done"]:  # otherwise it only checked that nothing was left to do
            self.taken[name] = {"seconds": before["seconds"] + seconds, "done": done}
            keep(self.work / STAGES, self.taken)


def by_module(command: Sequence[str]) -> list[str]:
    """Runs nmt-NAME with this Python, independent of PATH."""
    name, *arguments = command
    module = name.removeprefix("nmt-").replace("-", "_")
    return [sys.executable, "-c", f"from nmt.cli.{module} import main; main()", *arguments]


def start(command: Sequence[str], env: Mapping[str, str], prefix: str) -> subprocess.Popen[str]:
    """Start a command. A prefix, if any, is put before each of its lines on stderr."""
    process = subprocess.Popen(by_module(command), env=env, stderr=subprocess.PIPE if prefix else None, text=True)
    if process.stderr:
        threading.Thread(target=copy_lines, args=(process.stderr, prefix), daemon=True).start()
    return process


def copy_lines(lines: IO[str], prefix: str) -> None:
    for line in lines:
        print(f"{prefix}{line}", end="", file=sys.stderr, flush=True)


def known(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def keep(path: Path, found: Mapping[str, Any]) -> None:
    write_atomically(path, f"{json.dumps(found, indent=2)}\n".encode())


def say(text: str) -> None:
    print(f"+ {text}", file=sys.stderr, flush=True)
