"""The table of a sweep's runs."""

from __future__ import annotations

import csv
from dataclasses import replace

from nmt.sweep.outcomes import (
    RECORDS,
    Outcome,
    keep_finished,
    read_records,
    seeds_table,
    shared,
    text_table,
    write_record,
    write_table,
)

RUNS = [
    Outcome("a", {"cell": "gru", "seed": "1", "x": "0"}, 12.345, "bleu", (12.345, 40.0, -1.0), 1_234_567, 3723.4),
    Outcome("b", {"cell": "rnn", "seed": "1", "x": "0"}, failed=True, end="no space is left"),
    Outcome(
        "c", {"cell": "rnn", "seed": "2", "x": "0"}, 12.345, "bleu", (12.345, 41.0, -1.0), 999, 61.0, end="pruned"
    ),
    Outcome("d", {"cell": "gru", "seed": "2", "x": "0"}, 30.0, "bleu", (30.0, 9.0, -1.0), 5, 0.4),
]


def test_the_best_is_first_by_what_chooses_models_and_what_failed_is_last():
    assert text_table(RUNS).splitlines() == [
        "  BLEU  cell  seed  parameters     time  run",
        " 30.00  gru   2              5     0:00  d",
        " 12.35  rnn   2            999     1:01  c    pruned",
        " 12.35  gru   1      1,234,567  1:02:03  a",
        "failed  rnn   1                          b    no space is left",
    ]


def test_less_is_better_of_nll_and_figures_of_several_metrics_stay_apart():
    of_nll = [Outcome(name, {}, nll, "nll", (-nll, 0.0, 0.0), 1, 1.0) for name, nll in (("e", 2.5), ("f", 1.25))]
    assert [line.split()[-1] for line in text_table([*of_nll, RUNS[0]]).splitlines()] == ["run", "a", "f", "e"]
    assert text_table([*of_nll, RUNS[1]]).split()[0] == "nll"  # what failed has no figure
    assert text_table(of_nll).splitlines()[1].split()[0] == "1.250"


def test_the_csv_has_every_digit_and_only_what_differs(tmp_path):
    write_table(tmp_path / "runs.csv", RUNS)
    with (tmp_path / "runs.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert list(found[0]) == ["run", "metric", "score", "cell", "seed", "parameters", "seconds", "end"]
    assert found[2] == {
        "run": "a", "metric": "bleu", "score": "12.345", "cell": "gru", "seed": "1", "parameters": "1234567",
        "seconds": "3723.4", "end": "",
    }  # fmt: skip
    assert (found[3]["metric"], found[3]["score"], found[3]["end"]) == ("", "", "no space is left")
    swept = [replace(RUNS[i], differs=RUNS[i].differs | {"metric": name}) for i, name in enumerate(("bleu", "nll"))]
    write_table(tmp_path / "runs.csv", swept)
    assert (tmp_path / "runs.csv").read_text().startswith("run,metric,score,cell,parameters,seconds,end\na,bleu,")
    assert "\nb,nll,,rnn,,,no space is left\n" in (tmp_path / "runs.csv").read_text()


def test_runs_that_differ_in_their_seed_alone_have_a_mean_and_a_deviation_the_best_first():
    def run(cell, seed, nll):
        return Outcome(f"{cell}{seed}", {"cell": cell, "seed": seed}, nll, "nll", (-nll,))

    runs = [
        run("rnn", "1", 3.0),
        run("rnn", "2", 4.0),
        run("gru", "1", 2.0),
        run("gru", "2", 2.5),
        run("ssru", "1", 1.0),
    ]
    failed = Outcome("gru3", {"cell": "gru", "seed": "3"}, failed=True)
    again = Outcome("gru", {"cell": "gru"}, 2.5, "nll", (-2.5,), fixed={"seed": "2"})  # of an earlier start
    header = ["metric", "mean", "sd", "seeds", "cell"]
    rows = [["nll", "2.250", "0.354", "2", "gru"], ["nll", "3.500", "0.707", "2", "rnn"]]
    assert seeds_table([*runs, failed, again]) == [header, *rows]
    assert seeds_table(runs[1:3]) == []  # two cells, not two seeds of one
    assert seeds_table(RUNS[:1]) == []
    swept = [replace(one, differs={"metric": "nll", **one.differs}) for one in runs]
    other = [replace(one, metric="bleu", differs={**one.differs, "metric": "bleu"}) for one in swept[:2]]
    assert seeds_table([*swept, *other]) == [header, ["bleu", "3.500", "0.707", "2", "rnn"], *rows]


def test_a_record_is_what_was_written_whatever_stands_in_it(tmp_path):
    odd = Outcome("x", {"data.dir": "a\n,\"'\udcff"}, failed=True, end="\x1b[31m")
    for one in (*RUNS, odd):
        write_record(tmp_path, one)
    assert sorted(read_records(tmp_path), key=lambda one: one.run) == [*RUNS, odd]


def test_a_failure_leaves_what_had_finished_and_goes_when_the_run_does_not_fail_again(tmp_path):
    failure = Outcome("a", RUNS[0].differs, failed=True, end="no space is left")
    for one, records in ((RUNS[0], RUNS[:1]), (failure, [failure, RUNS[0]]), (RUNS[0], RUNS[:1])):
        write_record(tmp_path, one)
        assert read_records(tmp_path) == records


def test_runs_are_named_by_what_any_start_has_swept_but_those_of_the_same_command_as_before():
    assert shared({"cell": "gru,rnn", "seed": "3"}, ["cell"], []) == {"seed"}
    earlier = [Outcome("cell-gru", {"cell": "gru"}, fixed={"seed": "3"}), Outcome("x", {"cell": "sru", "seed": "5"})]
    assert shared({"cell": "lstm"}, [], earlier) == frozenset()
    assert shared({"cell": "gru,rnn", "seed": "3"}, ["cell"], earlier) == {"seed"}
    assert shared({"cell": "gru,rnn", "seed": "4"}, ["cell"], earlier) == frozenset()


def test_a_sweep_with_further_values_keeps_what_has_finished_and_is_there(tmp_path):
    for one in RUNS:
        write_record(tmp_path, one)
        (tmp_path / one.run).mkdir()
    (tmp_path / RUNS[0].run).rmdir()
    (tmp_path / RECORDS / "e.json").write_text("{")
    assert sorted(keep_finished(tmp_path), key=lambda one: one.run) == RUNS
    assert read_records(tmp_path) == RUNS[2:]
