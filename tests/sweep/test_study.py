"""A search that is killed, shared and gone on with: no trial is lost or done twice. Nothing is trained here."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

optuna = pytest.importorskip("optuna")

from nmt.sweep import study as module  # noqa: E402
from nmt.sweep.space import Choice, Range, WholeRange  # noqa: E402
from nmt.sweep.study import JOURNAL, STATE, TABLE, StudyPlan, TrialFailedError, mend, search  # noqa: E402
from nmt.training.run import Trained  # noqa: E402

SPACE = {"x": Range(0.001, 1.0, log=True), "n": WholeRange(2, 9), "cell": Choice(("rnn", "gru"))}
EPOCHS = 4


class Toy:
    """Trains nothing. `ends` tells at which call of `watch`, counted from 1 over all trials, its process ends."""

    def __init__(self, *ends: int) -> None:
        self.ends, self.calls = set(ends), 0
        self.epochs: dict[str, int] = {}  # of each run: its checkpoint
        self.given: list[tuple[str, dict]] = []

    def __call__(self, name, values, watch) -> Trained:
        self.given.append((name, dict(values)))
        for epoch in range(self.epochs.get(name, 0) + 1, EPOCHS + 1):
            self.calls += 1
            score = epoch * values["x"] + values["n"]
            if watch(epoch, score, epoch == EPOCHS):
                break
            if self.calls in self.ends:
                raise KeyboardInterrupt
            self.epochs[name] = epoch
        return Trained(Path("model"), score, "", "bleu", (score, 0.0, 0.0), 7, 1.5)


def run(folder: Path, toy, trials: int = 8, **settings):
    return search(folder, SPACE, {"seed": 1}, "bleu", StudyPlan(trials, **settings), toy)


def test_a_search_that_is_killed_again_and_again_makes_the_trials_of_one_that_never_was(tmp_path):
    whole, broken = Toy(), Toy(2, 7, 8, 21)
    expected = run(tmp_path / "a", whole)
    for _ in broken.ends:
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "b", broken)
    assert run(tmp_path / "b", broken) == expected
    assert run(tmp_path / "b", broken) == expected  # there is nothing left to do
    assert [name for name, _ in whole.given] == [f"trial-{i:03}" for i in range(8)]
    again = [name for i, (name, _) in enumerate(broken.given) if name in {one for one, _ in broken.given[:i]}]
    assert len(again) == len(broken.ends)
    assert dict(broken.given) == dict(whole.given)
    assert len({values["x"] for _, values in whole.given}) == 8
    operations = [json.loads(line) for line in (tmp_path / "b" / JOURNAL).read_text().splitlines()]
    ended = [one["trial_id"] for one in operations if one["op_code"] == 6]
    assert sorted(ended) == list(range(8))
    assert len((tmp_path / "b" / TABLE).read_text().splitlines()) == 9


def test_a_trial_that_another_process_is_at_is_left_alone_until_that_ends(tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Toy(1), 3)
    toy, waited = Toy(), []
    real = module.claimed

    def elsewhere(path, byte, wait=False):  # a lock is a process's, and this is one process
        taken = path.name == STATE and byte == 0 and len(waited) < 2
        return nullcontext() if taken else real(path, byte, wait)

    monkeypatch.setattr(module, "claimed", elsewhere)
    monkeypatch.setattr(module.time, "sleep", waited.append)
    run(tmp_path, toy, 3)
    assert [name for name, _ in toy.given] == ["trial-001", "trial-002", "trial-000"]
    assert len(waited) == 2


def test_a_trial_whose_process_ended_before_it_told_is_told_and_not_done_again(tmp_path, monkeypatch):
    toy = Toy()

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(optuna.Study, "tell", killed)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, toy, 1)
    outcomes = run(tmp_path, toy, 1)
    assert len(toy.given) == len(outcomes) == 1


def test_trials_worse_than_the_median_are_pruned_and_say_so(tmp_path):
    outcomes = run(tmp_path, Toy(), 16, sampler="random")
    pruned = [one for one in outcomes if one.end]
    assert {one.end for one in pruned} == {"pruned after epoch 1"}
    assert 0 < len(pruned) < 11
    toy = Toy()
    assert not [one for one in run(tmp_path / "x", toy, 16, sampler="random", pruner="none") if one.end]
    assert 5 < sum(values["x"] < 0.1 for _, values in toy.given) < 16  # two of three powers of ten
    assert {one.end for one in run(tmp_path / "y", Toy(), 16, sampler="random", prune_after=3)} >= {
        "",
        "pruned after epoch 3",
    }
    assert not [one for one in run(tmp_path / "z", Toy(), 16, sampler="random", prune_after=EPOCHS) if one.end]


@pytest.mark.parametrize(
    ("one", "number", "expected"),
    [
        (Range(0.0005, 0.01, log=True), 0.00123456, 0.001235),
        (Range(0.0, 0.5, 0.05), 3 * 0.05, 0.15),
        (Range(0.999, 0.99999), 0.99996543, 0.9999654),
        (Range(1000.0, 2000.0, 0.5), 1234.5, 1234.5),
    ],
)
def test_a_number_is_as_fine_as_its_range_or_step(one, number, expected):
    trial = SimpleNamespace(suggest_float=lambda *_, **__: number)
    assert module._chosen(trial, "x", one) == expected


def test_a_trial_that_fails_is_a_row_and_three_that_do_at_the_start_end_the_search(tmp_path):
    def some(name, values, watch):
        if name != "trial-002":
            raise TrialFailedError(f"n is {values['n']}")
        return Toy()(name, values, watch)

    with pytest.raises(ValueError, match="the first 3 trials failed, the last one: n is \\d"):
        run(tmp_path / "a", lambda *_: some("trial-9", *_[1:]), 6)
    outcomes = run(tmp_path / "b", some, 4)
    assert [one.failed for one in outcomes] == [True, True, False, True]


def test_a_folder_of_another_study_is_refused_with_what_differs(tmp_path):
    run(tmp_path, Toy(), 1)
    with pytest.raises(ValueError, match=r"is a study with seed=1, not 2; choose another run="):
        search(tmp_path, SPACE, {"seed": 2}, "bleu", StudyPlan(2), Toy())
    with pytest.raises(ValueError, match=r"is a study with model.cell.name=None, not gru; "):
        search(
            tmp_path,
            SPACE,
            {"seed": 2, "model.cell.name": "gru", "auto": ["trainer.max_epochs"]},
            "bleu",
            StudyPlan(2),
            Toy(),
        )
    with pytest.raises(ValueError, match=r"is a study with space="):
        search(tmp_path, SPACE | {"n": WholeRange(2, 8)}, {"seed": 1}, "bleu", StudyPlan(2), Toy())


def test_a_torn_line_of_the_journal_is_taken_out(tmp_path):
    outcomes = run(tmp_path, Toy(), 2)
    whole = (tmp_path / JOURNAL).read_bytes()
    (tmp_path / JOURNAL).write_bytes(whole + b'{"op_code":4,"stu')
    assert run(tmp_path, Toy(), 2) == outcomes
    run(tmp_path, Toy(), 3)
    assert all(json.loads(line) for line in (tmp_path / JOURNAL).read_text().splitlines())
    (tmp_path / "empty").touch()
    mend(tmp_path / "empty")
