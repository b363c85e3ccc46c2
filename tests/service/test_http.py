"""What a connection may say: requests by the letter, and whatever else comes over a socket."""

from __future__ import annotations

import json
import socket
import time
from contextlib import suppress

import pytest

from nmt.service.connection import MAX_HEAD_BYTES

BODY = b'{"q": "Der Hund", "source": "de", "target": "en"}'
POST = b"POST /translate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
LONG = b"a" * (MAX_HEAD_BYTES + 1000)


@pytest.fixture
def connection(server):
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 30) as connection:
        yield connection


def answers(connection, count: int = 1) -> list[tuple[int, dict]]:
    """So many answers, in order: their status, and their JSON."""
    found, reader = [], connection.makefile("rb")
    for _ in range(count):
        status = int(reader.readline().split()[1])
        headers = dict(line.lower().split(b": ") for line in iter(reader.readline, b"\r\n"))
        found.append((status, json.loads(reader.read(int(headers[b"content-length"])))))
    return found


def is_closed(connection) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:  # with bytes that nobody has read
        return True


def counted(body: bytes) -> bytes:
    return b"content-length: %d\r\n\r\n%s" % (len(body), body)


CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n1"


@pytest.mark.parametrize(
    ("begun", "endless"),
    [
        (b"GET /", LONG),
        (b"GET / HTTP/1.1\r\nx: ", LONG),
        (b"GET / HTTP/1.1\r\n", LONG),
        (b"GET / HTTP/1.1\r\n", b"x: y\r\n" * MAX_HEAD_BYTES),
        (CHUNKED + b";", LONG),
        (CHUNKED + b"\r\nq\r\n0\r\nx: ", LONG),
        (CHUNKED + b"\r\nq\r\n0\r\n", b"x: y\r\n" * MAX_HEAD_BYTES),
    ],
    ids=["url", "header", "name", "headers", "extension", "trailer", "trailers"],
)
def test_what_has_no_end_is_refused(connection, begun, endless):
    connection.sendall(begun)
    time.sleep(0.05)  # so that it is read by itself
    with suppress(ConnectionError):  # it may be closed before all is sent
        connection.sendall(endless)
    (status, answer) = answers(connection)[0]
    assert status == 431
    assert "headers" in answer["error"]
    assert is_closed(connection)


@pytest.mark.parametrize(
    "given", [b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9\r\n\r\n", POST + b"content-length: x\r\n\r\n"]
)
def test_what_is_no_request_is_refused_in_json(connection, given):
    connection.sendall(given + b"\r\n\r\n")
    assert answers(connection)[0][0] == 400
    assert is_closed(connection)


def test_a_body_may_come_in_chunks_and_byte_by_byte(connection, server):
    expected = server.ask(q="Der Hund").json()
    connection.sendall(POST + b"expect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n")
    assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    for byte in BODY:
        connection.sendall(b"1\r\n%c\r\n" % byte)
    connection.sendall(b"0\r\n\r\n")
    assert answers(connection) == [(200, expected)]


def test_requests_may_come_before_the_answers(connection, server):
    expected = server.ask(q="Der Hund").json()
    connection.sendall((POST + counted(BODY)) * 3 + b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answers(connection, 4) == [(200, expected)] * 3 + [(200, {"status": "ok"})]


def test_an_offer_to_speak_http_2_is_answered_in_http_1(connection):
    """As Java's client makes one with its first request."""
    offer = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAA\r\n"
    connection.sendall(POST + offer + counted(BODY))
    connection.sendall(POST + b"content-length: 0\r\n\r\n")
    assert [status for status, _ in answers(connection, 2)] == [200, 400]


def test_nobody_may_tunnel(connection):
    connection.sendall(b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answers(connection)[0][0] == 405
    assert is_closed(connection)


def test_a_path_may_end_with_a_slash_and_a_head_has_no_body(server):
    assert server.client.get("/languages/").json() == server.client.get("/languages").json()
    head = server.client.head("/languages")
    assert head.content == b""
    assert int(head.headers["content-length"]) == len(server.client.get("/languages").content)
    assert server.client.head("/translate").status_code == 405


def test_half_a_character_is_no_error_of_the_server(server):
    for field in ("q", "source", "target", "format"):
        given = json.dumps({"q": "a", "source": "de", "target": "en", field: "\ud800"})
        answer = server.client.post("/translate", content=given, headers={"content-type": "application/json"})
        assert answer.status_code in (200, 400)
        assert answer.json()
