"""nmt-serve: translation over HTTP, for clients of LibreTranslate and DeepL, and a web page."""

from __future__ import annotations

import argparse
import logging
import re
import signal
import socket
import sys
import time
from dataclasses import fields
from pathlib import Path

from nmt.cli.errors import Parser, command, warn
from nmt.cli.options import MAX_WIDTH, add_common, up_to
from nmt.common.files import naming
from nmt.common.process import usable_cores
from nmt.service.limits import MAX_RATE, Limits
from nmt.service.pairs import Pairs, misnamed, pairs_of

COMMAND = "nmt-serve"


def parser() -> Parser:
    parser = Parser(
        prog=COMMAND,
        description="Serve translations over HTTP: to clients of LibreTranslate (/translate, /detect, /languages) "
        "and of DeepL (/v2), and to people by a page that shows what the model attends to.",
    )
    add = parser.add_argument
    add(
        "--pair",
        action="append",
        default=[],
        metavar="SRC-TGT=MODEL",
        help="languages and the model directory that translates between them, or a MODEL alone, which says its "
        "languages itself; MODEL,MODEL is an ensemble; may be repeated",
    )
    add("models", nargs="*", help=argparse.SUPPRESS)  # given as in other commands; refused
    add("--host", default="127.0.0.1", help="where to listen; 0.0.0.0: everywhere (%(default)s)")
    add("--port", type=port, default=5000, help="0: any free one (%(default)s)")
    add("--workers", type=up_to(MAX_WIDTH), metavar="N", help="processes that translate (one a core)")
    add(
        "--compute",
        choices=["auto", "float32", "bfloat16", "int8"],
        default="auto",
        help="precision of matrix products; in float32 a text's translation does not depend on what is translated "
        "beside it (%(default)s)",
    )
    add("--beam-size", type=up_to(MAX_WIDTH), metavar="K", help="1 is greedy search; default: each model's own")
    add("--keys", type=Path, metavar="FILE", help="answer only requests with a key from this file, one a line")
    add_limits(parser)
    add("--cache", type=up_to(10_000_000), default=0, metavar="N", help="keep the translations of N sentences (none)")
    add(
        "--watch",
        type=seconds,
        default=5.0,
        metavar="S",
        help="check every S seconds for a changed model, and reload it; 0: only on SIGHUP (%(default)s)",
    )
    add("--proxy", metavar="ADDRESS", help="of a proxy whose X-Forwarded-For is trusted (none)")
    add(
        "--url-prefix",
        type=prefix,
        default="",
        metavar="/PATH",
        help="prefix of all paths, for a proxy that serves other programs as well (none)",
    )
    add_common(parser)
    return parser


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add an option for each field of Limits."""
    group = parser.add_argument_group("limits")
    for field in fields(Limits):
        is_time = field.name.endswith("_s")
        option = field.metadata["option"] or field.name.replace("_", "-")
        usual = "%(default)s" if field.default else "as many as can be"
        group.add_argument(
            f"--{option}",
            dest=field.name,
            type=seconds if is_time else up_to(MAX_RATE) if field.name == "rate" else positive_int,
            default=field.default,
            metavar="S" if is_time else "N",
            help=f"{field.metadata['words']} ({usual})",
        )


def port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 65536:
        raise ValueError
    return number


def prefix(text: str) -> str:
    """A URL's path without its last slash. Refuses one with which the service's own paths begin: what is left by a
    proxy that removes it could not be told from what comes with it."""
    from nmt.service.routes import ROUTES

    found = f"/{text.strip('/')}" if text.strip("/") else ""
    if not re.fullmatch(r"[\w./~-]*", found, re.ASCII):
        raise ValueError
    if found and any(f"{path}/".startswith(f"{found}/") for path in ROUTES):
        raise argparse.ArgumentTypeError(f"{found} is a path of the service itself; choose another, such as /nmt")
    return found


def seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 86_400:
        raise ValueError
    return number


positive_int = up_to(1_000_000_000)


def main() -> None:
    """Entry point."""
    if sys.platform != "win32":
        # SIGHUP waits until the server handles it: it would end the process, and systemd takes that for a wanted end.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
    with command(parser()) as options:
        if sys.platform == "win32":
            raise ValueError("it runs on Linux and macOS; on Windows in WSL or a container")
        if options.models or not options.pair:
            named = options.models[0] if options.models else "MODEL"
            raise ValueError(f"say which models to serve by --pair: --pair {named}")
        run(options)


def run(options: argparse.Namespace) -> None:
    """Serve until a signal. Raises ValueError for invalid models or options."""
    from nmt.service.generations import Settings
    from nmt.service.processes import spawn
    from nmt.service.service import Service

    pairs = tuple(pair for text in options.pair for pair in pairs_of(text))
    Pairs(pairs)
    workers = options.workers or usable_cores()
    settings = Settings(
        pairs, workers, options.compute, options.keys, options.cache, options.watch, options.beam_size
    )
    for pair in pairs:
        if said := misnamed(pair):
            warn(COMMAND, said)
    limits = Limits(**{field.name: getattr(options, field.name) for field in fields(Limits)})
    service = Service(settings, limits, time.monotonic)
    bound = bound_socket(options.host, options.port)
    spawned = spawn(settings.for_models())  # they load while uvicorn is imported
    from nmt.service.server import serve

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=f"{COMMAND}: %(message)s")
    logging.getLogger("nmt").setLevel(logging.WARNING if options.quiet else logging.INFO)
    try:
        serve(
            service,
            bound,
            spawned,
            options.proxy,
            options.url_prefix,
            lambda: None if options.quiet else warn(COMMAND, f"listening on {address_of(bound)}"),
        )
    except ChildProcessError as error:
        raise ValueError(str(error)) from None


def bound_socket(host: str, port: int) -> socket.socket:
    """A bound socket, which refuses connections until it listens. Raises OSError."""
    with naming(f"--host {host}"):
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        error.filename = f"{host}:{port}"
        raise
    return bound


def address_of(bound: socket.socket) -> str:
    host, port, *_ = bound.getsockname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
