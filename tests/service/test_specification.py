"""What the OpenAPI document allows and forbids, against a real process; scripts/fuzz_service.py asks more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from nmt.service.limits import Limits
from nmt.service.openapi import specification
from nmt.service.pairs import LanguagePair, Pairs
from nmt.service.routes import ROUTES

SCRIPT = Path(__file__).parents[2] / "scripts" / "fuzz_service.py"


def test_every_path_and_method_is_described():
    paths = specification(Pairs([LanguagePair("de", "en", ("model",))]), Limits(), "http://x")["paths"]
    described = {path: {method.upper() for method in methods} for path, methods in paths.items()}
    assert described == {path: set(methods) for path, methods in ROUTES.items() if path not in ("/spec", "/metrics")}


def test_nothing_that_is_asked_is_an_error_of_the_server_and_every_answer_fits(server, tmp_path):
    pytest.importorskip("schemathesis", reason="needs pip install nmt[test]")
    command = [sys.executable, SCRIPT, "--url", server.url, "--examples", "5", "--phases", "fuzzing"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
