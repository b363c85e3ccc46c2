from __future__ import annotations

import errno
import faulthandler
import json
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIGKILL, SIGSEGV

import pytest
import torch
from commands import command

import nmt
from nmt.search import Greedy
from nmt.translation.workers import Workers

BEFORE: set[int] = set()  # children
TEXTS = [  # those that are equal would be searched once
    *("Der Hund sieht den Ball.", "", "Anna mag kein Boot und sucht das Haus.", "Paul.", "Die Katze"),
    *("Der Hund sucht den Ball.", "", "Anna mag kein Haus und sieht das Boot.", "Anna.", "Der Hund"),
    *("Der Hund mag den Ball.", "", "Paul mag kein Boot und sucht das Haus.", "Katze.", "Das Boot"),
]
DONE_AGAIN = "a worker ended by signal {}; another one does the same sentences again\n"


@pytest.fixture
def translator(bundle_dir):
    translator = nmt.load(bundle_dir, device="cpu", compute="float32")
    translator.search = Greedy(max_ratio=0.5, max_extra=3)
    return translator


def test_workers_give_what_one_process_gives_in_order(translator):
    expected = translator.translate(TEXTS, batch_size=2)
    with Workers(translator, 2) as workers:
        for _ in range(2):
            found = workers.translate(TEXTS, batch_size=2)
            assert [t.text for t in found] == [t.text for t in expected]
            assert [t.tokens for t in found] == [t.tokens for t in expected]


def test_a_single_batch_starts_no_process(translator):
    with Workers(translator, 2) as workers:
        workers.translate(TEXTS[:2])
        assert not workers.pool


def test_workers_whose_context_has_ended_start_no_processes_again(translator):
    with Workers(translator, 2) as workers:
        workers.translate(TEXTS[:1])
    for work in (lambda: workers.translate(TEXTS, batch_size=2), lambda: workers.score(TEXTS, TEXTS)):
        with pytest.raises(ValueError, match="these workers have ended with their `with` block; make new ones"):
            work()
    assert not workers.pool
    with workers:
        workers.translate(TEXTS[:1])


def test_texts_may_be_one_or_come_from_anything_as_for_a_translator(translator):
    counts: list[int] = []
    with Workers(translator, 2, counts.append) as workers:
        assert workers.translate(iter(TEXTS)) == translator.translate(TEXTS)
        assert sum(counts) == len(TEXTS)
        assert workers.translate(TEXTS[0]) == translator.translate(TEXTS[0])
        assert sum(counts) == len(TEXTS) + 1
        assert workers.score(iter(TEXTS), iter(TEXTS)) == translator.score(TEXTS, TEXTS)
        assert workers.score(TEXTS[0], TEXTS[2]) == translator.score(TEXTS[0], TEXTS[2])
        assert sum(counts) == 2 * (len(TEXTS) + 1)
        for wrong in (3, b"a", [1]):
            with pytest.raises(TypeError, match="must be a str"):
                workers.translate(wrong)
        with pytest.raises(ValueError, match="tgts has 1 texts but srcs has 2"):
            workers.score(["a", "b"], ["c"])


def test_options_reach_the_workers(translator):
    with Workers(translator, 2) as workers:
        found = workers.translate(TEXTS, search=Greedy(max_ratio=0.0, max_extra=2), batch_size=2, nbest=1)
    assert max(len(t.tokens) for t in found) <= 2
    assert all(len(t.alternatives) == 1 for t in found if t.text)


@pytest.mark.parametrize(("number", "victims"), [(SIGKILL, [0]), (SIGSEGV, [1]), (SIGKILL, [0, 1])])
def test_an_idle_worker_that_dies_is_replaced_and_no_work_is_lost(translator, monkeypatch, number, victims):
    expected = [t.text for t in translator.translate(TEXTS, batch_size=2)]
    dying(monkeypatch, translator, lambda batch: False, number)
    with Workers(translator, 2) as workers:
        workers.translate(TEXTS, batch_size=2)
        before = [worker.pid for worker in workers.pool]
        for i in victims:
            kill(before[i], number)
        for _ in range(2):
            assert [t.text for t in workers.translate(TEXTS, batch_size=2)] == expected
        after = [worker.pid for worker in workers.pool]
        assert set(before) - set(after) == {before[i] for i in victims}
        assert len(after) == 2
    assert not any(exists(pid) for pid in before + after)


@pytest.mark.parametrize(("number", "victim"), [(SIGSEGV, 0), (SIGKILL, 1)])
def test_a_worker_that_dies_amid_its_batch_is_replaced_and_the_batch_done_again(
    translator, monkeypatch, caplog, number, victim
):
    expected = [t.text for t in translator.translate(TEXTS, batch_size=2)]
    doomed = multiprocessing.RawValue("i", 0)
    dying(monkeypatch, translator, lambda batch: doomed.value == os.getpid(), number)
    with Workers(translator, 2) as workers:
        workers.translate(TEXTS, batch_size=2)
        before = [worker.pid for worker in workers.pool]
        doomed.value = before[victim]
        for _ in range(2):
            assert [t.text for t in workers.translate(TEXTS, batch_size=2)] == expected
        after = [worker.pid for worker in workers.pool]
        assert set(before) - set(after) == {before[victim]}
        assert [f"{record.getMessage()}\n" for record in caplog.records] == [DONE_AGAIN.format(number.value)]
    assert not any(exists(pid) for pid in before + after)


def test_scores_outlive_a_worker_too(translator, monkeypatch):
    pairs = TEXTS, TEXTS[::-1]
    expected = translator.score(*pairs, batch_size=2)
    doomed = multiprocessing.RawValue("i", 0)
    dying(monkeypatch, translator, lambda batch: doomed.value == os.getpid(), SIGKILL, "score_batch")
    with Workers(translator, 2) as workers:
        workers.score(*pairs, batch_size=2)
        doomed.value = workers.pool[1].pid
        assert workers.score(*pairs, batch_size=2) == expected


def test_a_batch_that_kills_every_worker_is_an_error_and_other_work_goes_on(translator, monkeypatch):
    deadly = translator.tokenizer.encode_src(["Paul."])[0]
    dying(monkeypatch, translator, lambda batch: deadly in batch[1], SIGSEGV)
    others = [text for text in TEXTS if text != "Paul."]
    expected = [t.text for t in translator.translate(others, batch_size=2)]
    with Workers(translator, 2) as workers:
        for _ in range(2):
            message = "3 workers ended over the same sentences, the last by signal 11; .*try --workers 1"
            with pytest.raises(ChildProcessError, match=message):
                workers.translate(TEXTS, batch_size=2)
            assert [t.text for t in workers.translate(others, batch_size=2)] == expected
    assert not children()


def test_an_error_of_the_work_itself_comes_back_and_its_worker_lives(translator, monkeypatch):
    usual, wrong = translator.translate_batch, translator.tokenizer.encode_src(["Paul."])[0]

    def translate_batch(batch):
        if wrong in batch[1]:
            raise ValueError("no Paul, please")
        return usual(batch)

    monkeypatch.setattr(translator, "translate_batch", translate_batch)
    with Workers(translator, 2) as workers:
        with pytest.raises(ValueError, match="no Paul, please") as caught:
            workers.translate(TEXTS, batch_size=2)
        assert "in translate_batch" in caught.value.__notes__[0]  # where it arose
        before = {worker.pid for worker in workers.pool}
        assert len(workers.translate(TEXTS[:3], batch_size=1)) == 3
        assert before & {worker.pid for worker in workers.pool}


def test_work_that_was_left_does_not_reach_the_next_one(translator):
    expected = [t.text for t in translator.translate(TEXTS, batch_size=2)]
    with Workers(translator, 2) as workers:

        def interrupted(function, batches):
            yield next(iter(workers._each(function, batches)))
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            translator.translate(TEXTS[2:5], batch_size=1, each=interrupted)
        assert [t.text for t in workers.translate(TEXTS, batch_size=2)] == expected


def test_closing_waits_for_no_work_and_leaves_no_process(translator, monkeypatch):
    dying(monkeypatch, translator, lambda batch: time.sleep(600), SIGKILL)
    workers = Workers(translator, 2)

    def work():
        with workers:
            workers.translate(TEXTS, batch_size=2)

    ended = threading.Event()

    def interrupt():
        while len(children()) < 2:  # not while this process, which may be large, is being forked
            time.sleep(0.01)
        seconds = 0.1
        while not ended.wait(seconds):  # Python drops an exception that comes while what follows a fork is run
            os.kill(os.getpid(), signal.SIGINT)
            seconds = 3

    threading.Thread(target=interrupt, daemon=True).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        work()
    ended.set()
    assert time.monotonic() - start < 30
    assert not workers.pool
    assert not children()


def test_processes_are_as_many_as_there_are_batches(translator):
    with Workers(translator, 1024) as workers:
        workers.translate(TEXTS[:3], batch_size=1)
        assert len(workers.pool) == 2  # one of the texts is empty
        workers.translate(TEXTS, batch_size=4)
        assert len(workers.pool) == 3


@pytest.mark.parametrize("number", [-1, 0, 1025, 100_000, 10**30])
def test_a_number_of_workers_that_cannot_be_is_refused(translator, number):
    with pytest.raises(ValueError, match=f"workers is {number}; it must be from 1 to 1024"):
        Workers(translator, number)


def test_a_model_on_a_gpu_has_one_worker(translator):
    translator.device = torch.device("cuda:0")
    assert Workers(translator).number == 1
    with pytest.raises(ValueError, match="workers is 2; it must be 1 for a model on cuda:0"):
        Workers(translator, 2)


def test_a_system_that_starts_no_process_is_told_in_one_line(translator, monkeypatch):
    def fork():
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", fork)
    message = "no worker can be started: Resource temporarily unavailable; try fewer with --workers"
    with Workers(translator, 2) as workers, pytest.raises(ChildProcessError, match=message):
        workers.translate(TEXTS, batch_size=2)


def test_threads_take_turns(translator):
    expected = [t.text for t in translator.translate(TEXTS, batch_size=2)]
    with Workers(translator, 2) as workers, ThreadPoolExecutor(2) as threads:
        for found in threads.map(lambda _: workers.translate(TEXTS, batch_size=2), range(4)):
            assert [t.text for t in found] == expected


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
def test_a_filter_goes_on_when_each_of_its_workers_dies_in_turn(bundle_dir):
    lines = "".join(f"{text}\n" for text in TEXTS)
    (given, stdin), (stdout, found) = os.pipe(), os.pipe()
    answers = []

    def talk(pid):
        with os.fdopen(stdin, "w") as asking, os.fdopen(os.dup(stdout)) as answered:
            for victim in (None, 0, 1):
                if victim is not None:
                    os.kill(children_of(pid)[victim], SIGSEGV)
                asking.write(lines)
                asking.flush()
                answers.append([answered.readline() for _ in TEXTS])

    options = ["--workers", "2", "--batch-size", "2", "--beam-size", "1"]
    result = command("nmt-translate", bundle_dir, *options, streams={0: given, 1: found}, started=talk)
    os.close(found)
    assert answers[0] == answers[1] == answers[2]
    assert [line == "\n" for line in answers[0]] == [not text for text in TEXTS]
    assert (result.returncode, os.read(stdout, 100)) == (0, b"")
    assert result.stderr.decode() == DONE_AGAIN.format(11) * 2
    for one in (given, stdout):
        os.close(one)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
@pytest.mark.parametrize("name", ["nmt-translate", "nmt-evaluate", "nmt-compare"])
def test_each_command_does_again_what_a_worker_had_that_was_killed(bundle_dir, tmp_path, name):
    texts = [text and f"{text} {number}" for number, text in enumerate(TEXTS * 8)]
    src, hyp = tmp_path / "src", tmp_path / "hyp.txt"
    src.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    hyps = nmt.load(bundle_dir, device="cpu").translate(texts, search=Greedy(), batch_size=1)
    expected = "".join(f"{hyp.text}\n" for hyp in hyps)
    hyp.write_text(expected, encoding="utf-8")
    test_set = ["--src", src, "--ref", src, "--json"]
    arguments = {
        "nmt-translate": [],
        "nmt-evaluate": [*test_set, "--bootstrap", "1", "--output", tmp_path / "evaluation"],
        "nmt-compare": [hyp, *test_set, "--samples", "20"],
    }[name]

    def kill_each(pid):
        for victim in (0, 1):
            while len(workers := children_of(pid)) < 2:
                time.sleep(0.002)
            os.kill(workers[victim], SIGKILL)

    options = ["--workers", "2", "--batch-size", "1", "--beam-size", "1"]
    result = command(name, bundle_dir, *arguments, *options, stdin=src.read_bytes(), started=kill_each)
    found = result.stdout.decode()
    assert (result.returncode, result.stderr.decode()) == (0, DONE_AGAIN.format(9) * 2)
    if name == "nmt-translate":
        assert found == expected
    elif name == "nmt-evaluate":
        assert (tmp_path / "evaluation" / "hyp.txt").read_text(encoding="utf-8") == expected
    else:
        killed, whole = json.loads(found)["systems"].values()
        assert killed["chrf"]["score"] == whole["chrf"]["score"]


def children_of(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def dying(monkeypatch, translator, condition, number, method="translate_batch"):
    """Let a worker send itself a signal where the condition of a batch holds."""
    usual, parent = getattr(translator, method), os.getpid()

    def work(batch):
        if os.getpid() != parent:
            faulthandler.disable()  # pytest's, which would print where
            if condition(batch):
                os.kill(os.getpid(), number)
        return usual(batch)

    work.__name__ = method
    monkeypatch.setattr(translator, method, work)


def kill(pid, number):
    """Send a signal, and wait until the process is dead. It is left to its parent."""
    os.kill(pid, number)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def exists(pid):
    """Whether there is such a process, be it a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(autouse=True)
def _own_children():
    """Not those of tests before, such as a browser's driver."""
    BEFORE.clear()
    BEFORE.update(children())


def children():
    """The processes that this one has begun since the test began."""
    lists = Path("/proc/self/task").glob("*/children")
    return {int(child) for path in lists for child in path.read_text().split()} - BEFORE


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
def test_workers_end_with_a_process_that_is_killed(translator):
    answered, answer = multiprocessing.Pipe()

    def work():
        workers = Workers(translator, 2)
        workers.translate(TEXTS[:3], batch_size=1)
        answer.send([worker.pid for worker in workers.pool])
        time.sleep(60)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    pids = answered.recv()
    assert len(pids) == 2
    assert all(map(_lives, pids))
    process.kill()
    process.join()
    deadline = time.monotonic() + 10
    while any(_lives(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_lives(pid) for pid in pids)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
