"""Files that cannot be written are named; drafts and locks of processes beside one another."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from nmt.data.drafts import draft_folder
from nmt.files import claimed, naming, write_atomically


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


def test_a_byte_is_held_by_one_process_until_that_ends(tmp_path):
    code = """if True:
        import sys, time
        from pathlib import Path
        from nmt.files import claimed
        with claimed(Path(sys.argv[1]), 3):
            print(flush=True)
            time.sleep(60)
    """
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path / "x"], stdout=subprocess.PIPE)
    process.stdout.readline()
    for byte, is_free in ((3, False), (2, True)):
        with claimed(tmp_path / "x", byte) as file:
            assert (file is not None) == is_free
    process.kill()
    process.communicate()
    with claimed(tmp_path / "x", 3) as file:
        assert file is not None


def test_a_draft_that_another_process_took_for_one_that_was_left_is_made_again(tmp_path, monkeypatch):
    make, made = tempfile.mkdtemp, []

    def taken_at_first(**settings):
        made.append(make(**settings))
        if len(made) == 1:
            Path(made[0]).rmdir()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", taken_at_first)
    with draft_folder(tmp_path / "abc") as draft:
        (draft / "text").touch()
    assert (tmp_path / "abc" / "text").exists()
    assert len(made) == 2
