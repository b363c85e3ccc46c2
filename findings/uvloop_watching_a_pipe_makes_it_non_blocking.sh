#!/usr/bin/env bash
# uvloop 0.23.0: a descriptor that add_reader watches becomes non-blocking; asyncio's own loop leaves it as it is.
# Guessed: a drop-in loop only tells when there is something to read. Found: a multiprocessing.Connection whose pipe is
# watched can then break off inside recv(): its header has come, the rest of a long answer has not, and what blocked
# before raises BlockingIOError. Short answers come whole, so tests with small models pass.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uvloop==0.23.0
"$folder/venv/bin/python" - <<'PY'
import asyncio
import os
from multiprocessing import Pipe

import uvloop


async def is_blocking_when_watched() -> bool:
    reader, writer = Pipe()
    loop = asyncio.get_running_loop()
    loop.add_reader(reader.fileno(), print)
    is_blocking = os.get_blocking(reader.fileno())
    loop.remove_reader(reader.fileno())
    return is_blocking


blocking = {"asyncio": asyncio.run(is_blocking_when_watched()), "uvloop": uvloop.run(is_blocking_when_watched())}
print(f"uvloop {uvloop.__version__}: is a watched pipe blocking? {blocking}")
if blocking != {"asyncio": True, "uvloop": False}:
    raise SystemExit("it has changed")
PY
