"""A run's logs: where a resumed run goes on, and who else's lines they hold."""

from __future__ import annotations

import logging

from nmt.training.folder import LOG, METRICS
from nmt.training.logs import cut_logs, log_sizes, open_log


def test_logs_are_cut_to_what_they_were_and_later_ones_to_nothing(tmp_path):
    events, later = "tensorboard/events.1", "tensorboard/events.2"
    (tmp_path / "tensorboard").mkdir()
    for name in (METRICS, LOG, events):
        (tmp_path / name).write_text(f"{name}\n")
    before = {name: (tmp_path / name).stat().st_size for name in (METRICS, LOG, events)}
    assert log_sizes(tmp_path) == before
    for name in (METRICS, events, later):
        with (tmp_path / name).open("a") as file:
            file.write("what follows the checkpoint")
    (tmp_path / LOG).write_text("\n")  # shorter: nothing is filled in
    (tmp_path / "config.yaml").write_text("x")
    cut_logs(tmp_path, before)
    assert log_sizes(tmp_path) == before | {LOG: 1, later: 0}
    assert (tmp_path / METRICS).read_text() == f"{METRICS}\n"
    assert (tmp_path / "config.yaml").read_text() == "x"


def test_each_run_of_a_process_logs_to_its_own_file_and_goes_on_in_it(tmp_path):
    log = logging.getLogger("nmt.training")
    log.parent.setLevel(logging.WARNING)
    for name, told in (("a", "one"), ("b", "two"), ("a", "three")):
        with open_log(tmp_path / name):
            log.info(told)
        log.info("outside")
    lines = {name: (tmp_path / name).read_text().splitlines() for name in ("a", "b")}
    assert {name: [line.split()[-1] for line in of] for name, of in lines.items()} == {
        "a": ["one", "three"],
        "b": ["two"],
    }
