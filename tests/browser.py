"""A page in a headless Chromium, where this machine has one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def dom_of(page: Path, tmp_path: Path, script: str = "") -> str:
    """The page as it is after its scripts ran, and then `script`; skips the test where there is no browser.

    A page that logs anything on the console, or asks for anything, fails.
    """
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip("no Chromium on this machine")
    copy = tmp_path / "shown.html"
    copy.write_text(
        page.read_text(encoding="utf-8").replace("</body>", f"<script>{{{script}}}</script></body>"), encoding="utf-8"
    )
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]
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
