from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="module")
def _no_pictures(no_pictures):
    """In no test here; `trained` has its pictures all the same."""
