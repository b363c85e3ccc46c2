"""Shared by all APIs: requests, their fields in any encoding, translated texts, and refusals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from nmt.common.stream import valid

MAX_FIELDS = 10_000  # in a form
JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"
KEYS = ("api_key", "auth_key")  # LibreTranslate's and DeepL's field; either may be in the query, with any body


class RefusedError(Exception):
    """A refused request. The message is one sentence; it may quote the request's settings, but none of its texts."""

    def __init__(self, status: int, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class TranslationRequest:
    """A client's request for translations, in any of the APIs."""

    texts: tuple[str, ...]
    source: str  # a code; "" to detect it
    target: str
    is_list: bool = True  # whether the client sent a list, and expects one
    is_html: bool = False
    alternatives: int = 0  # of each text, besides the best


@dataclass(frozen=True)
class Upload:
    """A file in a form."""

    name: str  # given by the client
    content: bytes


@dataclass(frozen=True)
class FileRequest:
    """A client's request to translate a file."""

    upload: Upload
    source: str  # a code; "" to detect it
    target: str


@dataclass(frozen=True)
class TranslatedText:
    """The translation of one text."""

    text: str
    source: str  # the code of the language it was translated from
    confidence: float  # 0 to 100, in that language; 100 if the client gave it
    alternatives: tuple[str, ...] = ()
    score: float = 0.0


@dataclass(frozen=True)
class HttpRequest:
    """An HTTP request with its whole body."""

    query: str = ""
    content_type: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case
    method: str = "POST"
    address: str = ""  # the URL at which the client reached this server, such as http://localhost:5000


def fields_of(request: HttpRequest) -> dict[str, Any]:
    """The fields by name; see `form_of`. Raises RefusedError(400)."""
    return form_of(request)[0]


def form_of(request: HttpRequest) -> tuple[dict[str, Any], Upload | None]:
    """The fields by name, and the form's file, if it has one. Fields of JSON have any type; those of forms and of the
    query are strings, or lists of them for a repeated name. With a JSON body the query counts for a GET only. An
    empty body may have any content type. Raises RefusedError(400) for a body that cannot be read."""
    query = _of_form(request.query)
    if not request.body.strip():
        return query, None
    _check_coding(request)
    kind = request.content_type.partition(";")[0].strip().lower()
    if "json" in kind:
        found = json_of(request)
        if not isinstance(found, dict):
            raise RefusedError(400, "Invalid request: the body must be a JSON object")
        return found | (query if request.method in ("GET", "HEAD") else {}), None
    if kind == MULTIPART:
        fields, uploads = _of_multipart(request.content_type, request.body)
        return query | _single(fields), uploads.get("file")
    is_form = kind in (FORM, "")
    # A form never begins like JSON, but JSON is often sent as one: `curl -d` does.
    if is_form and request.body.lstrip()[:1] not in (b"{", b"["):
        return query | _of_form(_text(request.body)), None
    if not is_form and query.keys() - set(KEYS):  # it is asked for in the query
        return query, None
    what = f"the body cannot be read as {kind[:60] or FORM}"
    raise RefusedError(400, f"Invalid request: {what}; send JSON with Content-Type: {JSON}")


def _check_coding(request: HttpRequest) -> None:
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise RefusedError(400, "Invalid request: send the body as it is, without Content-Encoding")


def key_of(request: HttpRequest, fields: Mapping[str, Any]) -> str:
    """The API key from a field, the query or the Authorization header, with a scheme or without; "" for none. Raises
    RefusedError(400)."""
    query, header = _of_form(request.query), request.headers.get("authorization", "").strip()
    found = (text_field(given, name, "") for given in (fields, query) for name in KEYS)
    return next(filter(None, found), header.rpartition(" ")[2])  # a key contains no space


def json_of(request: HttpRequest) -> Any:
    """The body as JSON, of any type. Raises RefusedError(400)."""
    _check_coding(request)
    try:
        return json.loads(_text(request.body) or "null")
    except (ValueError, RecursionError):
        raise RefusedError(400, "Invalid request: the body is no JSON") from None


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RefusedError(400, "Invalid request: the body is not UTF-8") from None


def _of_form(text: str) -> dict[str, Any]:
    """The fields of a form, or of a query."""
    try:
        return _single(parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"))
    except UnicodeDecodeError:
        raise RefusedError(400, "Invalid request: a field is not UTF-8") from None
    except ValueError:
        raise RefusedError(400, f"Invalid request: there are more than {MAX_FIELDS} fields") from None


def _of_multipart(content_type: str, body: bytes) -> tuple[dict[str, list[str]], dict[str, Upload]]:
    """The fields, and the files by the names of their fields; files are never written to disk."""
    from python_multipart.multipart import create_form_parser

    fields: dict[str, list[str]] = {}
    uploads: dict[str, Upload] = {}
    parts = 0

    def count() -> None:
        nonlocal parts
        parts += 1
        if parts > MAX_FIELDS:
            raise RefusedError(400, f"Invalid request: there are more than {MAX_FIELDS} fields")

    def on_field(one: Any) -> None:
        count()
        fields.setdefault(_text(one.field_name), []).append(_text(one.value))

    def on_file(one: Any) -> None:
        count()
        one.file_object.seek(0)
        upload = Upload(one.file_name.decode("utf-8", "replace"), one.file_object.read())
        uploads.setdefault(_text(one.field_name), upload)
        one.close()

    headers = {"Content-Type": content_type.encode("latin-1", "replace")}
    try:
        parser = create_form_parser(headers, on_field, on_file, {"MAX_MEMORY_FILE_SIZE": len(body) + 1})
        parser.write(body)
        parser.finalize()
        parser.close()
    except ValueError:
        raise RefusedError(400, "Invalid request: the body is no multipart form") from None
    return fields, uploads


def _single(fields: Mapping[str, list[str]]) -> dict[str, Any]:
    """The fields, with a list only for a repeated name."""
    return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}


def text_field(fields: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A string. Raises RefusedError(400) for another type, and if it is missing or empty without a default."""
    value = fields.get(name)
    if value is None or value == "":
        if default is None:
            raise RefusedError(400, f"Invalid request: missing {name} parameter")
        return default
    if not isinstance(value, str):
        raise RefusedError(400, f"Invalid request: {name} must be a string")
    return valid(value)


def texts_field(fields: Mapping[str, Any], name: str) -> tuple[tuple[str, ...], bool]:
    """Strings, and whether they were given as a list. Raises RefusedError(400) for none and for other types."""
    value = fields.get(name)
    if value is None or value in ("", []):
        raise RefusedError(400, f"Invalid request: missing {name} parameter")
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise RefusedError(400, f"Invalid request: {name} must be a string or a list of strings")
    return tuple(map(valid, texts)), isinstance(value, list)


def number_field(fields: Mapping[str, Any], name: str, most: int) -> int:
    """A whole number from 0 to `most`; 0 if it is missing. Raises RefusedError(400) for anything else."""
    value = fields.get(name)
    if value is None or value == "":
        return 0
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise RefusedError(400, f"Invalid request: {name} must be a whole number from 0 to {most}")
    return value
