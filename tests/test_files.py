"""Files that cannot be written are named."""

from __future__ import annotations

import resource
from contextlib import contextmanager

import pytest

from nmt.data.drafts import draft_folder
from nmt.files import naming, write_atomically


@contextmanager
def small_disk():
    """No file may be longer than 10 bytes: the system says so as it says that no space is left, without a name."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_finds_no_space_is_named_and_the_old_one_stays(tmp_path):
    path = tmp_path / "config.json"
    path.write_text("old")
    with small_disk(), pytest.raises(OSError, match="config.json") as failed:
        write_atomically(path, b"x" * 11)
    assert failed.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_draft_that_finds_no_space_is_named_by_its_folder(tmp_path):
    with small_disk(), pytest.raises(OSError, match="abc") as failed, draft_folder(tmp_path / "abc") as draft:
        (draft / "counts.json").write_text("x" * 11)
    assert failed.value.filename == str(tmp_path / "abc")


def test_a_name_that_an_error_has_stays(tmp_path):
    with pytest.raises(FileNotFoundError) as failed, naming("other"):
        (tmp_path / "x").read_text()
    assert failed.value.filename == str(tmp_path / "x")
    with pytest.raises(OSError, match="^in words$"), naming("other"):
        raise OSError("in words")
