"""The HTTP server: uvicorn on httptools and uvloop, with limits (connection.py) and a graceful shutdown.

A request head that takes too long is answered 408, one that is too long 431; connections beyond the maximum are
refused. At SIGTERM or SIGINT the server refuses new requests, finishes the accepted ones, and exits with 128 + the
signal's number; a second signal ends it at once. SIGHUP reloads the models.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
import uvloop

from nmt.common.signals import Stopped
from nmt.service.app import build_app
from nmt.service.connection import MAX_CONNECTIONS, bounded
from nmt.service.processes import Spawned
from nmt.service.service import Service

KEEP_ALIVE_S = 65  # longer than that of proxies
GRACE_S = 30  # to finish accepted requests after a signal
LAST_ANSWERS_S = 5  # to send the last responses


class _Server(uvicorn.Server):
    """Leaves signals to `serve`: uvicorn would close idle connections whose next request may be on its way."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(
    service: Service,
    bound: socket.socket,
    spawned: Spawned,
    proxy: str | None,
    prefix: str,
    on_ready: Callable[[], None],
) -> None:
    """Serve until a signal. `proxy` is the address of a proxy whose X-Forwarded-For is trusted; `prefix` is
    before all paths. Raises Stopped, ValueError for invalid models, and ChildProcessError when their process cannot
    run."""
    config = uvicorn.Config(
        build_app(service, prefix),
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
        runner.run(_serve(service, _Server(config), bound, spawned, on_ready))


async def _serve(
    service: Service,
    server: uvicorn.Server,
    bound: socket.socket,
    spawned: Spawned,
    on_ready: Callable[[], None],
) -> None:
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Task[None]] = []
    received: list[int] = []

    async def end() -> None:
        await service.drain(GRACE_S)
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
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])  # one during the start has waited
        serving = loop.create_task(server.serve(sockets=[bound]))
        while not server.started and not serving.done():
            await asyncio.sleep(0)
        on_ready()
        await serving
    finally:
        service.close()
    if received:
        raise Stopped(received[0])
