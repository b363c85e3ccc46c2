"""What goes wrong while a real process serves: too much, too slow, gone, killed, replaced, told to end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

import httpx2
import pytest
from commands import command
from conftest import children, save_model, serving


@contextmanager
def with_one_worker(folder):
    """A server with one worker, one model that may be replaced, and little room."""
    arguments = ["--workers", "1", "--max-waiting", "30", "--read-timeout", "1", "--max-bytes", "100000"]
    with serving("--pair", f"de-en={folder}", *arguments) as served:
        served.folder = folder
        yield served


@pytest.fixture(scope="module")
def own(tmp_path_factory, model_dirs):
    """For tests that leave it alive."""
    folder = shutil.copytree(model_dirs["de-en"], tmp_path_factory.mktemp("own") / "model")
    with with_one_worker(folder) as served:
        yield served


@pytest.fixture
def mortal(model_dirs):
    """For tests that do not."""
    with with_one_worker(model_dirs["de-en"]) as served:
        yield served


def until(condition):
    """Ask again and again; a test that hangs is ended."""
    while not condition():
        time.sleep(0.01)


def stopped(served):
    """Its only worker, which does nothing until it is continued."""
    (pid,) = served.workers()
    os.kill(pid, signal.SIGSTOP)
    return pid


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_full_queue_is_refused_at_once_and_what_nobody_waits_for_is_not_translated(own):
    pid, dropped = stopped(own), own.metric("nmt_dropped_segments_total")
    with ThreadPoolExecutor(2) as clients:
        first = clients.submit(own.ask, q="Der Hund")
        until(lambda: own.metric("nmt_jobs") == 1 and not own.metric("nmt_waiting_segments"))
        with httpx2.Client(base_url=own.url) as gone:
            clients.submit(lambda: _leaving(gone, [f"Text {i}." for i in range(29)]))
            until(lambda: own.metric("nmt_waiting_segments") == 29)
        until(lambda: own.metric("nmt_dropped_segments_total") == dropped + 29)
        assert own.metric("nmt_waiting_segments") == 0

        second = clients.submit(own.ask, q=[f"Text {i}." for i in range(30)])
        until(lambda: own.metric("nmt_waiting_segments") == 30)
        begun = time.perf_counter()
        refused = own.ask(q="Die Katze")
        assert time.perf_counter() - begun < 0.5  # a machine that does nothing else: 0.005
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        os.kill(pid, signal.SIGCONT)
        assert first.result().status_code == second.result().status_code == 200


def _leaving(client, texts):
    """Ask, and close the connection soon."""
    with suppress(httpx2.TimeoutException):
        client.post("/translate", json={"q": texts, "source": "de", "target": "en"}, timeout=0.5)


def test_a_worker_that_is_killed_costs_no_answer(own):
    expected, deaths, seen = own.ask(q="Der Hund").json(), own.metric("nmt_worker_deaths_total"), len(own.lines)
    pid = stopped(own)
    with ThreadPoolExecutor(1) as clients:
        answer = clients.submit(own.ask, q="Der Hund")
        until(lambda: own.metric("nmt_jobs") == 1 and not own.metric("nmt_waiting_segments"))
        os.kill(pid, signal.SIGKILL)
        assert answer.result().json() == expected
    own.wait_for("a worker ended by signal 9; another one has taken its place", seen)
    assert own.metric("nmt_worker_deaths_total") == deaths + 1
    assert own.workers() != [pid]


def test_the_process_with_the_models_may_be_killed_too(own):
    expected = own.ask(q="Der Hund").json()
    (models,), seen = children(own.process.pid), len(own.lines)
    os.kill(models, signal.SIGKILL)
    assert own.ask(q="Der Hund").json() == expected
    own.wait_for("models are loaded again", seen)
    assert own.ask(q="Der Hund").json() == expected


def test_reloading_under_load_loses_no_request_and_mixes_no_models(own, tokenizer, lexicon, tmp_path):
    text = "\n".join(f"Der Hund {i} sieht den Ball." for i in range(12))
    old = own.ask(q=text).json()["translatedText"]
    other = save_model(tmp_path / "other", tokenizer, lexicon, seed=9)
    before = shutil.copytree(own.folder, tmp_path / "before")
    is_over, seen = Event(), len(own.lines)

    def ask():
        with httpx2.Client(base_url=own.url, timeout=60) as client:
            found = []
            while not is_over.wait(0.02):
                answer = client.post("/translate", json={"q": text, "source": "de", "target": "en"})
                found.append((answer.status_code, answer.json().get("translatedText")))
            return found

    with ThreadPoolExecutor(2) as clients:
        asking = [clients.submit(ask) for _ in range(2)]
        try:
            for path in other.iterdir():
                path.replace(own.folder / path.name)
            own.process.send_signal(signal.SIGHUP)
            own.wait_for("models are loaded again", seen)
            new = own.ask(q=text).json()["translatedText"]
        finally:
            is_over.set()
        answers = {answer for one in asking for answer in one.result()}
    assert new != old
    assert answers <= {(200, old), (200, new)}
    seen = len(own.lines)
    (own.folder / "model.safetensors").write_bytes(b"broken")
    own.process.send_signal(signal.SIGHUP)
    own.wait_for("not loaded again", seen)
    assert own.ask(q=text).json()["translatedText"] == new
    until(lambda: len(children(own.process.pid)) == 1)  # of the old models none is left
    shutil.copytree(before, own.folder, dirs_exist_ok=True)


def test_sigterm_answers_what_was_accepted_and_refuses_what_is_new(mortal):
    own = mortal
    pid = stopped(own)
    (models,) = children(own.process.pid)
    with ThreadPoolExecutor(3) as clients:
        accepted = [clients.submit(own.ask, q=[f"Der Hund {i}", "Ein Boot"]) for i in range(3)]
        until(lambda: own.metric("nmt_jobs") == 3)
        own.process.send_signal(signal.SIGTERM)
        until(lambda: own.client.get("/health").status_code == 503)
        assert own.ask(q="Die Katze").status_code == 503
        os.kill(pid, signal.SIGCONT)
        assert [one.result().status_code for one in accepted] == [200] * 3
    assert own.process.wait(30) == 143
    until(lambda: not any(Path(f"/proc/{one}").exists() for one in (pid, models)))
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{own.url}/health")


def test_a_second_signal_ends_it_at_once(mortal):
    own = mortal
    pid = stopped(own)
    with ThreadPoolExecutor(1) as clients:
        clients.submit(lambda: _leaving(httpx2.Client(base_url=own.url), ["Der Hund"]))
        until(lambda: own.metric("nmt_jobs") == 1)
        own.process.send_signal(signal.SIGINT)
        until(lambda: own.client.get("/health").status_code == 503)
        own.process.send_signal(signal.SIGINT)
        assert own.process.wait(30) == 130
    os.kill(pid, signal.SIGCONT)
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_what_comes_slowly_or_is_too_much_leaves_no_trace(own):
    host, port = own.url.removeprefix("http://").split(":")
    own.ask(q="Der Hund")
    before = resident(own.process.pid)
    slow = [socket.create_connection((host, int(port)), 30) for _ in range(3)]
    slow[0].sendall(b"POST /translate HT")
    slow[1].sendall(b"POST /translate HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nq=")
    for text in (b"q=" + b"a" * 10_000_000, b"[" * 90_000):
        answer = own.client.post("/translate", content=text, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 413)
    assert own.ask(q=["a"] * 20_000).status_code == 400
    for connection, status in zip(slow, (b"408", b"408", b"408"), strict=True):
        assert connection.recv(1000).split()[1] == status
        while connection.recv(1000):  # and then it is closed
            pass
        connection.close()
    assert resident(own.process.pid) - before < 25_000_000


def test_a_wrong_start_is_one_line_and_exit_code_2(tmp_path, model_dirs):
    for arguments, message in (
        (["--pair", f"de-en={tmp_path}"], "no model directory: it has no config.json"),
        (["runs/demo/model"], "say which models to serve by --pair: --pair runs/demo/model"),
        (["--pair", "nonsense"], "nonsense is no model directory"),
        (["--pair", f"de-en={model_dirs['de-en']}", "--keys", str(tmp_path / "none")], "none is missing"),
        (["--pair", f"de-en={model_dirs['de-en']}", "--host", "203.0.113.1"], "assign requested address"),
        (["--pair", f"de-en={model_dirs['de-en']}", "--host", "no.invalid"], "nmt-serve: --host no.invalid: "),
    ):
        result = command("nmt-serve", "--port", "0", *arguments)
        assert result.returncode == 2
        (line,) = result.stderr.decode().splitlines()
        assert message in line


def test_sighup_during_the_start_ends_nothing():
    """Later it reloads the models, as above."""
    hang_up = "serve.run = lambda _: (os.kill(os.getpid(), signal.SIGHUP), print('goes on'))"
    code = f"import os, signal; from nmt.cli import serve; {hang_up}; serve.main()"
    started = subprocess.run([sys.executable, "-c", code, "--pair", "x"], stdout=subprocess.PIPE)
    assert (started.returncode, started.stdout) == (0, b"goes on\n")
