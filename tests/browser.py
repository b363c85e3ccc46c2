"""Pages in a headless Chromium, if it is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def path_of_browser() -> str:
    """The browser's path. Skips the test if there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    return found


@contextmanager
def chromium() -> Iterator:
    """A browser for playwright. Use it in module-scoped fixtures only: while it is open, an asyncio loop runs."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install nmt[test]")
    path = path_of_browser()
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def watched(browser, *allowed: str, console: str = "") -> Iterator:
    """A function that makes pages, each with settings of its own. The test fails in the end if one has requested
    what begins otherwise than `allowed`, has raised an error, or has logged what contains `console`."""
    contexts, wrong = [], []

    def new_page(**settings):
        contexts.append(browser.new_context(**settings))
        page = contexts[-1].new_page()
        page.on("request", lambda one: one.url.startswith((*allowed, "data:")) or wrong.append(one.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: console in said.text and wrong.append(said.text))
        return page

    yield new_page
    for context in contexts:
        context.close()
    assert wrong == []


def barriers(page) -> list[str]:
    """The page's serious accessibility violations, by axe, as "rule: element". Skips the test if axe is missing."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs pip install nmt[test]").Axe()
    return [
        f"{rule['id']}: {node['html'][:200]}"
        for rule in axe.run(page).response["violations"]
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


def dom_of(page: Path, tmp_path: Path, script: str = "") -> str:
    """The page's DOM after its scripts and then `script` have run. Skips the test if there is no browser.

    A page that logs to the console or requests anything fails the test.
    """
    browser = path_of_browser()
    copy = tmp_path / "shown.html"
    copy.write_text(
        page.read_text(encoding="utf-8").replace("</body>", f"<script>{{{script}}}</script></body>"), encoding="utf-8"
    )
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]
    options.append("--virtual-time-budget=2000")  # milliseconds for what the page does after it is loaded
    result = subprocess.run(
        [browser, *options, f"--user-data-dir={tmp_path / 'profile'}", copy.as_uri()],
        capture_output=True,
        text=True,
        timeout=200,
        env=os.environ | {"HOME": str(tmp_path)},
    )
    assert result.returncode == 0, result.stderr
    assert re.findall(r".*CONSOLE.*", result.stderr) == []
    return result.stdout
