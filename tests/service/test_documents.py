"""Files by DeepL's interface: accepted, asked for again and again, and fetched."""

from __future__ import annotations

import asyncio
import json

import pytest
from files_here import Here, scenario, until

from nmt.service import documents
from nmt.service.limits import KEPT_S

TEXT = "Der Hund\nDie Katze"


async def upload(here, name="a.txt", content=TEXT, headers=(), **fields):
    return await here.post_file(name, content, "/v2/document", headers=headers, **{"target_lang": "EN-US"} | fields)


async def ask(here, handle, rest="", method="POST", **changes):
    """The status of a document, or its result."""
    body = json.dumps({"document_key": handle["document_key"]} | changes).encode()
    return await here.ask(method, f"/v2/document/{handle['document_id']}{rest}", body)


async def done(here, handle):
    """Its status when it is translated."""
    while (answer := await ask(here, handle)).json["status"] in ("queued", "translating"):
        await asyncio.sleep(0.001)
    return answer.json


@scenario
async def test_a_document_is_accepted_translated_and_fetched():
    here = Here(max_waiting=4)  # portions of one line
    here.models.is_open.clear()
    answer = await upload(here, source_lang="DE")
    assert answer.status == 200
    handle = answer.json
    assert handle.keys() == {"document_id", "document_key"}
    assert all(len(value) > 30 for value in handle.values())
    (queued,) = [(await ask(here, handle)).json]
    assert queued.pop("seconds_remaining") >= 1
    assert queued == {"document_id": handle["document_id"], "status": "queued"}
    early = await ask(here, handle, "/result")
    assert (early.status, "retry-after" in early.headers) == (503, True)
    await until(lambda: here.models.batches)
    here.models.is_open.set()
    await until(lambda: len(here.models.batches) == 2)
    assert (await done(here, handle)) == {
        "document_id": handle["document_id"],
        "status": "done",
        "billed_characters": len(TEXT) - 1,
    }
    for method in ("POST", "GET"):
        found = await ask(here, handle, "/result", method)
        assert found.content == b"DER HUND\nDIE KATZE"
        assert found.headers["content-type"] == "text/plain"
        assert found.headers["content-disposition"] == "attachment"
    key = handle["document_key"]
    status = await here.ask("GET", f"/v2/document/{handle['document_id']}?document_key={key}")
    assert status.json["status"] == "done"


@scenario
async def test_progress_is_told():
    here = Here(max_waiting=4)  # portions of one line
    lines = "".join(f"{number}\n" for number in range(4))
    lone = asyncio.Event()

    async def slow(method, batch, run=here.models.run):
        if batch[1] == ["1"]:
            await lone.wait()
        return await run(method, batch)

    here.models.run = slow
    handle = (await upload(here, content=lines)).json
    job = here.files.kept.get(handle["document_id"], handle["document_key"])
    await until(lambda: job.translated)
    here.now = 5.0
    status = (await ask(here, handle)).json
    assert (status["status"], status["seconds_remaining"]) == ("translating", 15)
    lone.set()
    await done(here, handle)


@scenario
async def test_nobody_else_gets_it():
    here = Here()
    handle = (await upload(here)).json
    await done(here, handle)
    other = (await upload(here)).json
    for wrong in ("", "x", "\ud800", other["document_key"]):
        assert (await ask(here, handle, document_key=wrong)).status in (400, 404)
        assert (await ask(here, handle, "/result", document_key=wrong)).status in (400, 404)
    assert (await here.ask("GET", f"/download_file/{handle['document_id']}")).status == 404
    file = (await here.post_file("a.txt", TEXT)).json["translatedFileUrl"].rpartition("/")[2]
    assert (await ask(here, {"document_id": file, "document_key": ""})).status == 400
    here.now = KEPT_S
    assert (await ask(here, handle)).status == 404


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        (None, {}, "missing file"),
        ("a.pdf", {}, "not supported"),
        ("a.txt", {"target_lang": ""}, "missing target_lang"),
        ("a.txt", {"target_lang": "JA"}, "JA is not supported"),
        ("a.txt", {"source_lang": "JA"}, "JA is not supported"),
        ("a.txt", {"glossary_id": "x"}, "Glossaries are not supported"),
        ("a.txt", {"output_format": "pdf"}, "'output_format' not supported"),
        ("a.srt", {}, "the file has no cue"),
        ("a.txt", {"filename": "a.srt"}, "the file has no cue"),
    ],
)
@scenario
async def test_what_is_wrong_is_said_at_once(name, fields, message):
    here = Here()
    answer = await upload(here, name, **fields)
    assert (answer.status, message in answer.json["message"]) == (400, True), answer.json
    assert here.files.at_work == 0


@scenario
async def test_a_name_may_stand_beside_the_file():
    here = Here()
    for name, filename in (("", "a.srt"), ("-", "a.txt")):
        answer = await upload(here, name, "1\n00:01 --> 00:02\nHund", filename=filename, output_format=filename[-3:])
        assert answer.status == 200
        assert (await done(here, answer.json))["billed_characters"] in (4, 20)


@scenario
async def test_what_fails_is_told_and_logged_without_its_text(caplog, monkeypatch):
    here = Here()
    here.models.fails = True
    handle = (await upload(here)).json
    status = await done(here, handle)
    assert (status["status"], status["error_message"]) == ("error", "this text cannot be translated")
    result = await ask(here, handle, "/result")
    assert (result.status, result.json) == (400, {"message": "this text cannot be translated"})
    here.models.fails = False
    monkeypatch.setattr(documents, "written", lambda *_: 1 / 0)
    status = await done(here, (await upload(here)).json)
    assert status["error_message"] == "an error of the server"
    assert "Hund" not in caplog.text


@scenario
async def test_keys_are_asked_for_and_looking_costs_no_rate(tmp_path):
    (tmp_path / "keys").write_text("secret 1\n")
    here = Here(keys=tmp_path / "keys")
    key = [(b"authorization", b"DeepL-Auth-Key secret")]
    assert (await upload(here)).status == 403
    handle = (await upload(here, headers=key)).json
    assert (await upload(here, headers=key)).status == 429
    path, body = f"/v2/document/{handle['document_id']}", json.dumps(handle).encode()
    assert (await here.ask("POST", path, body)).status == 403
    for _ in range(5):
        assert (await here.ask("POST", path, body, headers=key)).status == 200


@scenario
async def test_an_end_waits_for_those_who_come_again():
    here = Here()
    here.models.is_open.clear()
    handle = (await upload(here)).json
    end = asyncio.create_task(here.service.drain(20))
    await asyncio.sleep(0)
    assert (await upload(here)).status == 503
    assert (await ask(here, handle)).json["status"] == "queued"
    here.models.is_open.set()
    assert (await done(here, handle))["status"] == "done"
    await asyncio.sleep(0.1)
    assert not end.done()
    assert (await ask(here, handle, "/result")).status == 200
    await end


@scenario
async def test_an_end_that_comes_too_soon_leaves_nothing():
    here = Here()
    here.models.is_open.clear()
    await upload(here)
    await until(lambda: here.models.batches)
    await here.service.drain(0.01)
    here.service.generations.close = lambda: None
    here.service.close()
    await until(lambda: not here.files.at_work)
    assert here.batcher.jobs == 0
