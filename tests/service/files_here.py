"""The service without processes: a translator that writes capitals when a test lets it, asked over ASGI."""

from __future__ import annotations

import asyncio
import functools
import json
import re
from pathlib import Path
from types import SimpleNamespace

from nmt.service.app import build_app
from nmt.service.batcher import Batcher
from nmt.service.generations import Generation, Settings
from nmt.service.limits import Keys, Limits
from nmt.service.messages import SegmentResult
from nmt.service.pairs import Pairs, pairs_of
from nmt.service.service import Service

BOUNDARY = "--b"
CLIENT = {"source": "de", "target": "en"}


class Capitals:
    """In the place of the worker processes. While `is_open` is not set, a batch that has begun waits."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.batches: list[list[str]] = []
        self.markups: set[str] = set()
        self.fails = False

    async def run(self, method, batch):
        _, texts, _, markup = batch
        self.batches.append(list(texts))
        self.markups.add(markup)
        await self.is_open.wait()
        if self.fails:
            raise RuntimeError("x.py:1")
        found = [re.sub(r"(^|>)[^<]*", lambda part: part[0].upper(), text) for text in texts]
        return [SegmentResult(text, [], 0.0, 1) for text in found]

    def close(self) -> None:
        pass


class Here:
    """A server of some pairs, and its client. Belongs to a running loop."""

    def __init__(self, *pairs: str, keys: Path | None = None, prefix: str = "", **limits) -> None:
        found = tuple(one for pair in pairs or ("de-en",) for one in pairs_of(f"{pair}=x"))
        self.now = 0.0
        self.service = Service(Settings(found, 1), Limits(**limits), lambda: self.now)
        self.models = Capitals()
        self.service.batcher = Batcher(self.service._run, 1)
        self.service.generations.current = Generation(self.models, Pairs(found), Keys(keys) if keys else None)
        self.files, self.batcher = self.service.files, self.service.batcher
        self.app = build_app(self.service, prefix)

    async def ask(self, method, path, body=b"", content_type="application/json", headers=(), gone=None):
        """The answer; `gone` is a future that is set when the client closes the connection."""
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "scheme": "http",
            "server": ("127.0.0.1", 5000),
            "client": ("192.0.2.1", 1),
            "headers": [(b"content-type", content_type.encode()), *headers],
        }
        messages = [{"type": "http.request", "body": body}]
        sent = []

        async def receive():
            if messages:
                return messages.pop(0)
            await (gone or asyncio.get_running_loop().create_future())
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        await self.app(scope, receive, send)
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return SimpleNamespace(
            status=sent[0]["status"],
            headers=headers,
            content=sent[1]["body"],
            json=json.loads(sent[1]["body"]) if headers.get("content-type") == "application/json" else None,
        )

    async def post_file(self, name, content, path="/translate_file", gone=None, headers=(), **fields):
        """`content` may be text."""
        data = content.encode() if isinstance(content, str) else content
        if path == "/translate_file":
            fields = CLIENT | fields
        body = b"".join(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in fields.items()
        )
        if name is not None:
            head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
            body += f"--{BOUNDARY}\r\n{head}".encode() + data + b"\r\n"
        body += f"--{BOUNDARY}--\r\n".encode()
        return await self.ask("POST", path, body, f"multipart/form-data; boundary={BOUNDARY}", headers, gone)

    async def download(self, answer):
        """What LibreTranslate's answer leads to."""
        return await self.ask("GET", answer.json["translatedFileUrl"].removeprefix("http://127.0.0.1:5000"))


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


def scenario(function):
    """A test whose coroutine must end soon; pytest hands it what it names."""

    @functools.wraps(function)
    def test(*arguments, **fixtures):
        asyncio.run(asyncio.wait_for(function(*arguments, **fixtures), 20))

    return test
