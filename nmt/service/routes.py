"""The handlers of all paths, called when a request's body has arrived. Independent of the HTTP server."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from nmt.service import deepl, detection, documents, huggingface, libretranslate, metrics, opennmt
from nmt.service.files import Job, in_thread
from nmt.service.limits import MAX_INSPECTED_CHARS
from nmt.service.messages import INSPECTED, SIDES, Inspection
from nmt.service.openapi import specification
from nmt.service.page import page
from nmt.service.service import Service
from nmt.service.wire import (
    HttpRequest,
    RefusedError,
    Upload,
    fields_of,
    form_of,
    json_of,
    key_of,
    number_field,
    text_field,
)

CORS = {"access-control-allow-origin": "*"}
COMMON = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
FILE_HEADERS = {  # of a file to save, which must never be shown as a page of this server
    **CORS,
    **COMMON,
    "content-disposition": "attachment",  # a file name here would override the name that a page gives
    "content-security-policy": "default-src 'none'",
}
DEEPL = "/v2/"  # the beginning of its paths


class Response(NamedTuple):
    """An HTTP response."""

    body: bytes
    headers: Mapping[str, str]
    status: int = 200


Handler = Callable[["Asked"], Awaitable[Any]]  # returns a Response, or data to send as JSON; a str is JSON already


@dataclass(frozen=True)
class Asked:
    """A request whose body has arrived, and the service."""

    service: Service
    request: HttpRequest
    client: str  # its address
    path: str  # in ROUTES
    name: str  # the value of {name} in the path

    def fields(self) -> dict[str, Any]:
        """The fields. Raises RefusedError for a client without access."""
        fields = fields_of(self.request)
        self._admit(fields)
        return fields

    def json(self) -> Any:
        """The body as JSON. Raises RefusedError for a client without access."""
        data = json_of(self.request)
        self._admit(data if isinstance(data, dict) else {})
        return data

    async def form(self) -> tuple[dict[str, Any], Upload | None]:
        """The fields and the file, which may be long, parsed in a thread. Raises RefusedError as `fields`."""
        fields, upload = await in_thread(form_of, self.request)
        self._admit(fields)
        return fields, upload

    def key(self, fields: Mapping[str, Any]) -> str:
        """The client's key; "" for none. Raises RefusedError where DeepL's API needs one."""
        key = key_of(self.request, fields)
        if not key and self.service.keys and self.path.startswith(DEEPL):
            raise RefusedError(403, deepl.NO_KEY)
        return key

    def _admit(self, fields: Mapping[str, Any]) -> None:
        self.service.admit(self.key(fields), self.client)


async def translate(asked: Asked) -> Any:
    wanted = libretranslate.translation_request(asked.fields())
    return libretranslate.answer(wanted, await asked.service.translate(wanted))


async def translate_file(asked: Asked) -> Any:
    wanted = libretranslate.file_request(*await asked.form())
    asked.service.check_room()
    job = await asked.service.files.translated(wanted)
    return libretranslate.file_answer(asked.request.address, job.name)


async def download_file(asked: Asked) -> Response:
    return _fetched(asked.service.files.kept.get(asked.name, ""))


def _fetched(job: Job) -> Response:
    job.is_fetched = True
    return Response(job.content, FILE_HEADERS | {"content-type": documents.CONTENT_TYPES[job.suffix]})


async def detect(asked: Asked) -> Any:
    found = detection.detect(text_field(asked.fields(), "q"), asked.service.pairs.sources)
    return [libretranslate.detected(*one) for one in found if one[1] >= 1] or [libretranslate.detected(*found[0])]


async def languages(asked: Asked) -> Any:
    return libretranslate.languages(asked.service.pairs)


async def settings(asked: Asked) -> Any:
    service = asked.service
    return libretranslate.settings(service.pairs, service.limits, service.keys is not None, documents.suffixes())


async def health(asked: Asked) -> Any:
    if asked.service.is_draining:
        raise RefusedError(503, "the server is about to end")
    return {"status": "ok"}


async def spec(asked: Asked) -> Any:
    return specification(asked.service.pairs, asked.service.limits, asked.request.address)


async def inspect(asked: Asked) -> Any:
    fields = asked.fields()
    parts = fields.get("parts", ["attention"])
    if not isinstance(parts, list) or not all(part in INSPECTED for part in parts):
        raise RefusedError(400, f"Invalid request: parts must be a list of {', '.join(INSPECTED)}")
    source, target = text_field(fields, "source"), text_field(fields, "target")
    side = text_field(fields, "side", "tgt")
    if side not in SIDES:
        raise RefusedError(400, f"Invalid request: side must be {' or '.join(SIDES)}")
    piece = None if fields.get("at") is None else (side, number_field(fields, "at", MAX_INSPECTED_CHARS))
    wanted = Inspection("", text_field(fields, "q"), text_field(fields, "translation", "") or None, parts, piece)
    return await asked.service.inspect(wanted, source, target)


async def deepl_translate(asked: Asked) -> Any:
    wanted = deepl.translation_request(asked.fields())
    return deepl.answer(wanted, await asked.service.translate(wanted))


async def deepl_languages(asked: Asked) -> Any:
    kind = text_field(asked.fields(), "type", "source")
    if kind not in ("source", "target"):
        raise RefusedError(400, "Value for 'type' not supported.")
    return deepl.languages(asked.service.pairs, as_targets=kind == "target")


async def deepl_usage(asked: Asked) -> Any:
    asked.fields()
    return deepl.usage(asked.service.characters)


async def deepl_upload(asked: Asked) -> Any:
    wanted = deepl.document_request(*await asked.form())
    asked.service.check_room()
    job = await asked.service.files.accept(wanted)
    return {"document_id": job.name, "document_key": job.key}


async def deepl_document(asked: Asked) -> Any:
    job = _job(asked)
    job.is_fetched |= job.refusal is not None  # there will be nothing to fetch
    return deepl.document_status(job, asked.service.files.seconds_left(job))


async def deepl_result(asked: Asked) -> Response:
    job = _job(asked)
    if job.refusal:
        raise RefusedError(400, job.refusal.message)
    if job.done is None:
        raise RefusedError(503, "the document is not translated yet", asked.service.files.seconds_left(job))
    return _fetched(job)


def _job(asked: Asked) -> Job:
    """The document that a client polls, also while the server shuts down. Raises RefusedError."""
    fields = fields_of(asked.request)
    asked.service.rate_of(asked.key(fields))
    return asked.service.files.kept.get(asked.name, text_field(fields, "document_key"))


async def opennmt_translate(asked: Asked) -> Any:
    wanted = opennmt.translation_requests(asked.json(), asked.service.pairs.by_name)
    asked.service.limits.check([one.texts[0] for one in wanted])
    answers = await asyncio.gather(*map(asked.service.translate, wanted))
    return opennmt.answer(wanted, [one for (one,) in answers])


async def opennmt_models(asked: Asked) -> Any:
    return opennmt.models(asked.service.pairs.by_name)


async def hf_translate(asked: Asked) -> Any:
    wanted = huggingface.translation_request(asked.json(), asked.service.pairs)
    return huggingface.answer(await asked.service.translate(wanted))


async def front(asked: Asked) -> Response:
    content, policy = page(secrets.token_urlsafe(16))
    headers = COMMON | {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
    }
    return Response(content.encode(), headers)


async def counts(asked: Asked) -> Response:
    return Response(asked.service.metrics.text().encode(), COMMON | {"content-type": metrics.CONTENT_TYPE})


# The handler of each path and method. {name} is any single part of a path.
ROUTES: dict[str, dict[str, Handler]] = {
    "/translate": {"POST": translate},
    "/translate_file": {"POST": translate_file},
    "/download_file/{name}": {"GET": download_file},
    "/detect": {"POST": detect},
    "/languages": {"GET": languages},
    "/frontend/settings": {"GET": settings},
    "/health": {"GET": health},
    "/spec": {"GET": spec},
    "/inspect": {"POST": inspect},
    "/v2/translate": {"POST": deepl_translate},
    "/v2/document": {"POST": deepl_upload},
    "/v2/document/{name}": {"GET": deepl_document, "POST": deepl_document},
    "/v2/document/{name}/result": {"GET": deepl_result, "POST": deepl_result},
    "/v2/languages": {"GET": deepl_languages, "POST": deepl_languages},
    "/v2/usage": {"GET": deepl_usage, "POST": deepl_usage},
    "/translator/translate": {"POST": opennmt_translate},
    "/translator/models": {"GET": opennmt_models},
    "/": {"GET": front, "POST": hf_translate},
    "/metrics": {"GET": counts},
}
WITH_FILE = (translate_file, deepl_upload)  # their requests carry a file
_NAMED = [(re.compile(path.replace("{name}", "([^/]+)")), path) for path in ROUTES if "{name}" in path]


def route_of(path: str) -> tuple[str, str] | None:
    """The route in ROUTES and the value of {name}; None for an unknown path."""
    for one in (path, path.rstrip("/")):
        if one in ROUTES and "{name}" not in one:
            return one, ""
        for pattern, route in _NAMED:
            if found := pattern.fullmatch(one):
                return route, found[1]
    return None


def refused(path: str, refusal: RefusedError) -> Any:
    """A refusal in the format of the path's API."""
    if path.startswith(DEEPL):
        return deepl.error(refusal)
    if path.startswith("/translator/"):
        return opennmt.error(refusal)
    return libretranslate.error(refusal)
