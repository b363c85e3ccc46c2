#!/usr/bin/env python3
"""Test the web page of an exported model in Chromium: its translations must equal those of translate.py byte by byte.

    scripts/try_page.py runs/demo/model --src data/demo/test.de

Exports the model, fetches onnxruntime-web with npm (or takes it from --packages), serves the folder on the loopback
interface, types the lines into the page, and compares. Prints the number of lines and the seconds of both. Ends with
1 if a line differs.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from nmt.export.folder import export_onnx

VERSION = "1.30.0"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a model directory")
    parser.add_argument("--src", type=Path, required=True, help="lines to translate")
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--int8", action="store_true", help="as of nmt-export")
    parser.add_argument("--packages", type=Path, metavar="FOLDER", help="has node_modules; default: npm fetches it")
    options = parser.parse_args()
    lines = options.src.read_text(encoding="utf-8").split("\n")[: options.lines]
    lines = lines if lines[-1] else lines[:-1]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "exported"
        export_onnx(options.model, folder, options.int8)
        if options.packages:
            (folder / "node_modules").symlink_to((options.packages / "node_modules").resolve())
        else:
            install = ["npm", "install", "--silent", "--ignore-scripts", "--prefix", str(folder)]
            subprocess.run([*install, f"onnxruntime-web@{VERSION}"], check=True)
        expected, of_program = by_program(folder, lines)
        found, of_page = by_page(folder, lines)
    differ = [number for number, pair in enumerate(zip(expected, found, strict=True), 1) if pair[0] != pair[1]]
    print(f"{len(lines)} lines: page {of_page:.1f} s, translate.py {of_program:.1f} s, {len(differ)} differ", end="")
    print(f": lines {', '.join(map(str, differ[:10]))}" if differ else "")
    sys.exit(bool(differ))


def by_program(folder: Path, lines: list[str]) -> tuple[list[str], float]:
    """The translations, and their time in seconds without the start."""

    def seconds(texts: list[str]) -> tuple[str, float]:
        start, text = time.perf_counter(), "".join(f"{line}\n" for line in texts)
        command = [sys.executable, str(folder / "translate.py")]
        made = subprocess.run(command, input=text.encode(), capture_output=True, check=True)
        return made.stdout.decode(), time.perf_counter() - start

    (text, whole), (_, begin) = seconds(lines), seconds([])
    return text.split("\n")[:-1], whole - begin


def by_page(folder: Path, lines: list[str]) -> tuple[list[str], float]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise SystemExit("try_page.py: there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        return typed(browser.new_page(), folder, lines)


def typed(page: Page, folder: Path, lines: list[str]) -> tuple[list[str], float]:
    """The translations of a folder's page, and the seconds that the page reports."""
    with served(folder) as url:
        page.goto(f"{url}/translate.html")
        status = page.locator("#status")
        status.filter(has_text=re.compile("^Ready")).wait_for(timeout=60_000)
        page.locator("#text").fill("\n".join(lines))
        status.filter(has_text=re.compile(r"^Translated|too long|could not")).wait_for(timeout=1_800_000)
        seconds = re.search(r"in ([\d.]+) s$", status.inner_text())
        return (page.locator("#translation").text_content() or "").split("\n"), float(seconds[1]) if seconds else 0.0


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder's files, like `python -m http.server` -> the address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


if __name__ == "__main__":
    main()
