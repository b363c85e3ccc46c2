"""Files that cannot be written are named; drafts and locks of processes beside one another."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from disks import full_disk

from nmt.common.files import check_writable, claimed, naming, output_at, replacing, write_atomically
from nmt.data.drafts import draft_folder


def test_a_file_that_finds_no_space_is_named_and_the_old_one_stays(tmp_path):
    path = tmp_path / "config.json"
    path.write_text("old")
    with full_disk(), pytest.raises(OSError, match="config.json") as failed:
        write_atomically(path, b"x" * 11)
    assert failed.value.filename == str(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_draft_that_finds_no_space_is_named_by_its_folder(tmp_path):
    with full_disk(), pytest.raises(OSError, match="abc") as failed, draft_folder(tmp_path / "abc") as draft:
        (draft / "counts.json").write_text("x" * 11)
    assert failed.value.filename == str(tmp_path / "abc")


def test_whether_a_folder_can_be_written_is_known_before_the_work_and_nothing_is_left(tmp_path):
    (tmp_path / "file").touch()
    check_writable(tmp_path / "new" / "deep")
    check_writable(tmp_path)
    with pytest.raises(NotADirectoryError) as failed:
        check_writable(tmp_path / "file" / "new" / "deep")
    assert failed.value.filename == str(tmp_path / "file" / "new" / "deep")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


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
        from nmt.common.files import claimed
        with claimed(Path(sys.argv[1]), 3):
            print(flush=True)
            time.sleep(60)
    """
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path / "x"], stdout=subprocess.PIPE)
    process.stdout.readline()
    for byte, is_free in ((3, False), (2, True)):
        with claimed(tmp_path / "x", byte) as file:
            assert (file is not None) == is_free
    threading.Timer(0.1, process.kill).start()
    with claimed(tmp_path / "x", 3, wait=True) as file:
        assert file is not None
    process.communicate()


def test_where_a_file_system_has_no_locks_every_process_has_the_byte_and_other_errors_are_told(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(number, "told")

    monkeypatch.setattr("fcntl.lockf", fail)
    number = errno.ENOLCK
    with claimed(tmp_path / "x", 3) as file:
        assert file is not None
    number = errno.EIO
    with pytest.raises(OSError, match="told"), claimed(tmp_path / "x", 3):
        pass


def test_a_draft_that_another_process_took_for_one_that_was_left_is_made_again(tmp_path, monkeypatch):
    make, made = Path.mkdir, []

    def taken_at_first(path, *arguments, **settings):
        make(path, *arguments, **settings)
        if path != tmp_path:
            made.append(path)
            if len(made) == 1:
                path.rmdir()

    monkeypatch.setattr(Path, "mkdir", taken_at_first)
    with draft_folder(tmp_path / "abc") as draft:
        (draft / "text").touch()
    assert (tmp_path / "abc" / "text").exists()
    assert len(made) == 2


@contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_or_folder_has_the_mode_that_the_umask_leaves_and_so_has_its_draft(tmp_path, mask):
    with umask(mask):
        with replacing(tmp_path / "file") as file:
            assert mode_of(Path(file.name)) == 0o666 & ~mask
        with draft_folder(tmp_path / "abc"):
            pass
    assert mode_of(tmp_path / "file") == 0o666 & ~mask
    assert mode_of(tmp_path / "abc") == 0o777 & ~mask


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o400])
def test_a_file_that_is_replaced_keeps_its_mode_and_the_draft_is_at_no_time_more_open(tmp_path, mode):
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    with umask(0o022), replacing(path) as file:
        file.write(b"new")
        assert mode_of(Path(file.name)) & ~mode == 0
    assert (mode_of(path), path.read_bytes()) == (mode, b"new")


def test_a_group_that_cannot_be_given_away_may_do_what_everybody_may(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o664)
    own, find = path.stat().st_gid, Path.stat

    def of_another_group(one, **settings):
        found = list(find(one, **settings))
        return os.stat_result([*found[:5], own + (one == path), *found[6:]])

    def refused(*_):
        raise PermissionError

    monkeypatch.setattr(Path, "stat", of_another_group)
    monkeypatch.setattr(os, "chown", refused)
    write_atomically(path, b"new")
    monkeypatch.undo()
    assert mode_of(path) == 0o644


def test_an_output_behind_a_link_is_replaced_there_and_a_pipe_is_written_to(tmp_path):
    path, link, gone, pipe = (tmp_path / name for name in ("file", "link", "gone", "pipe"))
    path.write_bytes(b"old")
    path.chmod(0o600)
    link.symlink_to("file")
    gone.symlink_to("new")
    for one in (link, gone):
        with output_at(one) as file:
            file.write(b"new")
        assert one.is_symlink()
    assert (path.read_bytes(), mode_of(path)) == (b"new", 0o600)
    assert (tmp_path / "new").read_bytes() == b"new"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader, output_at(pipe) as file:
        file.write(b"new")
        file.close()
        assert reader.communicate()[0] == b"new"
    assert pipe.is_fifo()


def test_a_link_in_a_folder_of_ours_is_replaced_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "theirs").write_bytes(b"old")
    (tmp_path / "config.json").symlink_to("theirs")
    write_atomically(tmp_path / "config.json", b"new")
    assert (tmp_path / "theirs").read_bytes() == b"old"
    assert not (tmp_path / "config.json").is_symlink()


def test_an_output_that_cannot_be_written_is_named_and_not_its_draft(tmp_path):
    with pytest.raises(FileNotFoundError) as failed:
        write_atomically(tmp_path / "none" / "out", b"new")
    assert failed.value.filename == str(tmp_path / "none" / "out")
