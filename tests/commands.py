"""Run the commands in separate processes: forks of a server that has already imported torch.

Output, exit codes and files are the same as in a shell. A test that kills a command, reads its output while it runs,
or changes how Python starts (its locale) must start the command itself.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from nmt.cli.entry import ending_at_once, register

# The slowest imports of most commands; those of training follow.
IMPORTED = ("nmt.translation.translator", "nmt.metrics.measure", "nmt.cli.options", "nmt.pictures.draw")
TRAINING = (*IMPORTED, "nmt.cli.app", "nmt.training.run")
TRAIN = {"nmt-train", "nmt-tune", "nmt-lab"}

STAND_IN = f"""#!{sys.executable} -IS
import json, os, signal, socket, sys
connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect(os.path.dirname(sys.argv[0]) + "/socket")
request = json.dumps(["__main__", "program", sys.argv, os.getcwd(), dict(os.environ)]).encode()
connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
socket.send_fds(connection, [request], [0, 1, 2])
pid = int(connection.recv(100))
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: os.kill(pid, number))
sys.exit(int(connection.recv(100)))
"""


def command(
    name: str,
    *arguments: object,
    stdin: bytes = b"",
    streams: Mapping[int, int | None] = {},
    started: Callable[[int], object] | None = None,
    **settings: object,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command. `streams` maps 0, 1 and 2 to descriptors, or to None for a closed stream. `started` is called
    with its process id while it runs. `settings` are those of subprocess.run, which is used if there are any."""
    words = [str(Path(sys.executable).with_name(name)), *map(str, arguments)]
    if settings or not hasattr(os, "fork"):
        return subprocess.run(words, input=stdin, capture_output=True, **settings)
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        (entry,) = entry_points(group="console_scripts", name=name)
        closed = [number for number, descriptor in streams.items() if descriptor is None]
        request = json.dumps([entry.module, entry.attr, words, str(Path.cwd()), dict(os.environ), *closed]).encode()
        connection = server(TRAINING if name in TRAIN else IMPORTED)
        files = enumerate((given, out, err))
        socket.send_fds(connection, [request], [streams.get(number) or file.fileno() for number, file in files])
        pid = int(connection.recv(100))
        try:
            if started:
                started(pid)
        finally:
            code = int(connection.recv(100))
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(words, code, out.read(), err.read())


@cache
def server(imported: tuple[str, ...]) -> socket.socket:
    """A connection to this process's own server, which ends with it. It is no child: tests count child processes."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    subprocess.run([sys.executable, __file__, str(its.fileno()), *imported], pass_fds=[its.fileno()], check=True)
    its.close()
    return ours


def serve(connection: socket.socket, imported: list[str]) -> None:
    """Fork for each request. Only a fork returns, after running the command."""
    register()
    for name in imported:
        importlib.import_module(name)
    while True:
        request, streams, *_ = socket.recv_fds(connection, 1 << 20, 3)
        if not request:
            os._exit(0)
        pid = os.fork()
        if not pid:
            break
        for stream in streams:
            os.close(stream)
        connection.send(str(pid).encode())
        connection.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
    connection.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    module, function, sys.argv, folder, environment, *closed = json.loads(request)
    open_as_at_start(closed)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with ending_at_once():
        sys.exit(getattr(importlib.import_module(module), function)())


@cache
def programs() -> Path:
    """A folder of stand-ins for Python and the commands, for scripts that start them. Each stand-in delegates to a
    fork, in which sys.executable is a stand-in, too. It forwards SIGINT and SIGTERM to the fork; any other signal
    ends only the stand-in."""
    folder = Path(tempfile.mkdtemp())
    for name in ("python3", *(entry.name for entry in entry_points(group="console_scripts") if "nmt" in entry.name)):
        (folder / name).write_text(STAND_IN)
        (folder / name).chmod(0o700)
    reader, _ = os.pipe()  # the write end closes with this process
    request = json.dumps(["__main__", "listen", [str(folder)], str(folder), dict(os.environ)]).encode()
    connection = server(TRAINING)
    socket.send_fds(connection, [request], [reader, 1, 2])
    connection.recv(100)  # the process id
    assert connection.recv(100) == b"0"
    os.close(reader)
    return folder


def listen() -> None:
    """Serve all connections to this folder's socket in the background, until stdin ends."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind("socket")
    listener.listen()
    if os.fork():
        os._exit(0)
    while select.select([listener, 0], [], [])[0] == [listener]:
        connection, _ = listener.accept()
        if not os.fork():
            serve(connection, [])
        connection.close()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
    shutil.rmtree(sys.argv[0])
    os._exit(0)


def program() -> object:
    """Run the program of a stand-in: a command, or Python with a script, -c or -m."""
    path, *arguments = sys.argv
    sys.executable = str(Path(path).with_name("python3"))
    if Path(path).name != "python3":
        (entry,) = entry_points(group="console_scripts", name=Path(path).name)
        return entry.load()()
    if arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(arguments[1], {"__name__": "__main__"})
    elif arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, str(Path(arguments[0]).parent))
        runpy.run_path(arguments[0], run_name="__main__")
    return None


def open_as_at_start(closed: list[int]) -> None:
    """Reopen the standard streams (None if closed), because the server's remember whether its files are seekable."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = None
        if number in closed:
            os.close(number)
        else:
            stream = os.fdopen(number, "w" if number else "r", 1 if number == 2 else -1, closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder
    if os.fork():
        os._exit(0)
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
