"""The HTTP server: uvicorn on httptools and uvloop, with bounds that they lack, and an end that loses nothing.

A client that sends the head of a request a byte at a time is answered 408 when its time is over, one whose head has
no end 431; more connections than there may be are refused. SIGTERM and SIGINT refuse what is new, finish what was
accepted, and end the process with 128 and their number; the second one ends it at once. SIGHUP loads the models
again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httptools
import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from nmt.json_text import to_json
from nmt.service.app import build_app
from nmt.service.service import Service
from nmt.signals import Stopped

MAX_CONNECTIONS = 2000
MAX_HEAD_BYTES = 32_768
KEEP_ALIVE_S = 65  # longer than proxies keep theirs
LAST_ANSWERS_S = 5  # to write what was found


def bounded(head_s: float) -> type[HttpToolsProtocol]:
    """A connection whose requests' heads come within so many seconds."""

    class Bounded(HttpToolsProtocol):
        timer: asyncio.TimerHandle | None = None
        head_bytes = 0  # of the headers, and of those behind a body in chunks
        fed = b""
        unread_bytes = 0  # since the parser has last told of a whole header or of a piece of a body

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > MAX_CONNECTIONS:
                self._end(503, "too many connections")
                return
            self._wait_for_head()

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            self.unread_bytes += len(data)
            self.fed = data
            super().data_received(data)
            if max(self.head_bytes, self.unread_bytes) > MAX_HEAD_BYTES:
                self._end(431, f"the headers have more than {MAX_HEAD_BYTES} bytes")
            if not self._is_between_requests():
                self._stop()
            elif self.timer is None:
                self._wait_for_head()

        def on_message_begin(self) -> None:
            self.head_bytes = 0
            super().on_message_begin()

        def on_header(self, name: bytes, value: bytes) -> None:
            self.unread_bytes = 0
            self.head_bytes += len(name) + len(value)
            if self.head_bytes <= MAX_HEAD_BYTES:
                super().on_header(name, value)

        def on_headers_complete(self) -> None:
            self.unread_bytes = 0
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            self.unread_bytes = 0
            super().on_body(body)

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def send_400_response(self, msg: str) -> None:
            self._end(400, "this is no request of HTTP")

        def _should_upgrade(self) -> bool:
            return True

        def handle_websocket_upgrade(self) -> None:
            """Answer an offer to speak another protocol in this one, as if it had not been made: the parser stops at
            it, and so another one begins with the same head."""
            stopped = sys.exc_info()[1]
            assert isinstance(stopped, httptools.HttpParserUpgrade)
            method = self.scope["method"]
            if method == "CONNECT":
                self._end(405, "CONNECT is not allowed here")
                return
            kept = (b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade")
            head = b"%s %s HTTP/%s\r\n" % (method.encode(), self.url, self.scope["http_version"].encode())
            self.parser = httptools.HttpRequestParser(self)
            self.data_received(head + b"".join(kept) + b"\r\n" + self.fed[stopped.args[0] :])

        def _is_between_requests(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _wait_for_head(self) -> None:
            self.timer = self.loop.call_later(head_s, self._too_slow)

        def _stop(self) -> None:
            if self.timer is not None:
                self.timer.cancel()
                self.timer = None

        def _too_slow(self) -> None:
            self.timer = None
            if not self.transport.is_closing() and self._is_between_requests():
                self._end(408, f"the request has not come within {head_s:g} s")

        def _end(self, status: int, message: str) -> None:
            body = to_json({"error": message})
            self.transport.write(
                f"HTTP/1.1 {status} Refused\r\nconnection: close\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\n\r\n{body}".encode()
            )
            self.transport.close()

    return Bounded


class _Server(uvicorn.Server):
    """Signals are answered by `serve`, not by uvicorn, which would end idle connections whose next request is on its
    way."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(
    service: Service,
    bound: socket.socket,
    spawned: tuple[subprocess.Popen[bytes], socket.socket],
    proxy: str | None,
    grace_s: float,
    on_ready: Callable[[], None],
) -> None:
    """Serve until a signal. `proxy` is the address of one whose X-Forwarded-For is believed. Raises Stopped,
    ValueError for models that are not sound, and ChildProcessError where their process cannot live."""
    config = uvicorn.Config(
        build_app(service),
        loop="asyncio",
        http=bounded(service.limits.body_s),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=proxy is not None,
        forwarded_allow_ips=proxy,
        backlog=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=LAST_ANSWERS_S,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(service, _Server(config), bound, spawned, grace_s, on_ready))


async def _serve(
    service: Service, server: uvicorn.Server, bound: socket.socket, spawned: Any, grace_s: float, on_ready: Any
) -> None:
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Task[None]] = []
    received: list[int] = []

    async def end() -> None:
        await service.drain(grace_s)
        server.should_exit = True

    def stop(number: int) -> None:
        if received:
            os._exit(128 + number)
        received.append(number)
        ends.append(loop.create_task(end()))

    await service.start(spawned)
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop, number)
        loop.add_signal_handler(signal.SIGHUP, service.generations.begin_reload)
        serving = loop.create_task(server.serve(sockets=[bound]))
        while not server.started and not serving.done():
            await asyncio.sleep(0)
        on_ready()
        await serving
    finally:
        service.close()
    if received:
        raise Stopped(received[0])
