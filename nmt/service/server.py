"""The HTTP server: uvicorn with bounds that it lacks, and an end that loses nothing.

A client that sends the head of a request a byte at a time is answered 408 when its time is over; more connections
than there may be are refused. SIGTERM and SIGINT refuse what is new, finish what was accepted, and end the process
with 128 and their number; the second one ends it at once. SIGHUP loads the models again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from nmt.json_text import to_json
from nmt.service.app import build_app
from nmt.service.service import Service
from nmt.signals import Stopped

MAX_CONNECTIONS = 2000
MAX_HEAD_BYTES = 32_768
KEEP_ALIVE_S = 65  # longer than proxies keep theirs
LAST_ANSWERS_S = 5  # to write what was found


def bounded(head_s: float) -> type[H11Protocol]:
    """A connection whose requests' heads come within so many seconds."""

    class Bounded(H11Protocol):
        timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > MAX_CONNECTIONS:
                self._end(503, "too many connections")
                return
            self._wait_for_head()

        def data_received(self, data: bytes) -> None:
            if self.timer is None and self._is_between_requests():
                self._wait_for_head()
            super().data_received(data)
            if not self._is_between_requests():
                self._stop()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

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
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
    )
    asyncio.run(_serve(service, _Server(config), bound, spawned, grace_s, on_ready))


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
        loop.add_signal_handler(signal.SIGHUP, service.begin_reload)
        serving = loop.create_task(server.serve(sockets=[bound]))
        while not server.started and not serving.done():
            await asyncio.sleep(0)
        on_ready()
        await serving
    finally:
        service.close()
    if received:
        raise Stopped(received[0])
