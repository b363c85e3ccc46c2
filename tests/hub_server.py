"""A hub on loopback, with only the endpoints that huggingface_hub needs to fetch and upload models."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

LARGE = 4000  # bytes from which a file is uploaded separately (Git LFS)


class Hub(ThreadingHTTPServer):
    """`models` maps each name and revision to its files; `token` gives access to private models."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.models: dict[tuple[str, str], dict[str, bytes]] = {}
        self.private: set[str] = set()
        self.large: dict[str, bytes] = {}  # by SHA-256
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def commit(self, name: str, revision: str) -> str:
        """A hash of its files."""
        files = self.models[name, revision]
        return hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()

    def found(self, name: str, revision: str) -> dict[str, bytes] | None:
        for (other, branch), files in self.models.items():
            if other == name and revision in (branch, self.commit(other, branch)):
                return files
        return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, data: object = None, status: int = 200, content: bytes | None = None, **headers: str) -> None:
        body = json.dumps(data).encode() if content is None else content
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, code: str) -> None:
        self.answer({"error": code}, 404, X_Error_Code=code, X_Error_Message=code)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].strip("/")
        self.server.asked.append(path)
        parts = path.removeprefix("api/models/").split("/")
        name = "/".join(parts[:2])
        if name in self.server.private and self.headers.get("Authorization") != "Bearer hf_secret":
            return self.refuse("RepoNotFound")
        if not any(name == other for other, _ in self.server.models):
            return self.refuse("RepoNotFound")
        revision = parts[3] if parts[3:] else "main"
        files = self.server.found(name, revision)
        if files is None:
            return self.refuse("RevisionNotFound")
        sha = self.server.commit(
            name, next(b for (n, b), f in self.server.models.items() if n == name and f is files)
        )
        if parts[2:3] == ["resolve"]:
            content = files.get("/".join(parts[4:]))
            if content is None:
                return self.refuse("EntryNotFound")
            digest = hashlib.sha256(content).hexdigest()
            return self.answer(content=content, ETag=f'"{digest}"', X_Repo_Commit=sha)
        if parts[2:3] == ["tree"]:
            return self.answer([self.entry(file, content) for file, content in files.items()])
        return self.answer({"id": name, "sha": sha, "siblings": [{"rfilename": file} for file in files]})

    @staticmethod
    def entry(file: str, content: bytes) -> dict[str, object]:
        oid = hashlib.sha256(content).hexdigest()
        own = {"lfs": {"oid": oid, "size": len(content), "pointerSize": 9}} if len(content) > LARGE else {}
        return {"type": "file", "path": file, "size": len(content), "oid": oid, **own}

    def do_PUT(self) -> None:
        self.server.large[self.path.rpartition("/")[2]] = self.body()
        self.answer({})

    def do_POST(self) -> None:
        body, path = self.body(), self.path.partition("?")[0].strip("/")
        self.server.asked.append(path)
        if self.headers.get("Authorization") != "Bearer hf_secret":
            return self.answer({"error": "who are you?"}, 401)
        if path == "api/validate-yaml":  # the header of a model card
            return self.answer({"errors": [], "warnings": []})
        if path == "api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            self.server.models.setdefault((name, "main"), {})
            return self.answer({"url": f"{self.server.url}/{name}"})
        user, model, *what, revision = path.removeprefix("api/models/").split("/")
        name = f"{user}/{model}".removesuffix(".git")
        if what == ["branch"]:
            self.server.models[name, revision] = dict(self.server.models[name, "main"])
            return self.answer({}, 201)
        if what == ["preupload"]:
            modes = [(one["path"], one["size"] > LARGE) for one in json.loads(body)["files"]]
            files = [{"path": file, "uploadMode": "lfs" if large else "regular"} for file, large in modes]
            return self.answer({"files": [one | {"shouldIgnore": False} for one in files]})
        if path.endswith("/info/lfs/objects/batch"):
            url = f"{self.server.url}/put"
            objects = [
                one | {"actions": {"upload": {"href": f"{url}/{one['oid']}"}}} for one in json.loads(body)["objects"]
            ]
            return self.answer({"transfer": "basic", "objects": objects})
        files = self.server.models[name, revision]
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.large[value["oid"]]
        sha = self.server.commit(name, revision)
        return self.answer({"success": True, "commitOid": sha, "commitUrl": f"{self.server.url}/{name}/commit/{sha}"})

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))


@contextmanager
def running() -> Iterator[Hub]:
    with Hub() as hub:
        thread = Thread(target=hub.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()
