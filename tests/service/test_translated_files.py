"""Files by LibreTranslate's interface: what is translated in them, what is refused, and who waits for whom."""

from __future__ import annotations

import asyncio
import io
import logging
import subprocess
import sys
from dataclasses import fields

import pytest
from files_here import Here, scenario, until

from nmt.cli.serve import parser
from nmt.formats import SUFFIXES
from nmt.service import documents
from nmt.service.files import MAX_ARRIVING
from nmt.service.limits import KEPT_S, MAX_LINE_CHARS, Limits

SRT = "1\n00:00:01,000 --> 00:00:02,000\nDer <i>Hund</i> schläft.\n"
XLIFF = (
    '<xliff version="1.2"><file source-language="de"><body><trans-unit id="1"><source>Der Hund</source></trans-unit>'
    "</body></file></xliff>"
)
MARKER = "Zauberwort"


def lines(count: int, words: str = "Der Hund") -> str:
    return "".join(f"{words} {i}\n" for i in range(count))


@scenario
async def test_a_file_comes_back_translated_under_a_name_that_nobody_guesses():
    here = Here()
    first, second = [await here.post_file("Brief.SRT", SRT) for _ in range(2)]
    assert first.status == 200
    assert first.json.keys() == {"translatedFileUrl"}
    name = first.json["translatedFileUrl"].removeprefix("http://127.0.0.1:5000/download_file/")
    assert name.endswith(".srt")
    assert len(name) > 30
    assert "Brief" not in name
    assert first.json != second.json
    found = await here.download(first)
    assert found.content.decode() == "1\n00:00:01,000 --> 00:00:02,000\nDER <i>HUND</i> SCHLÄFT.\n"
    assert found.headers["content-type"] == "application/x-subrip"
    assert found.headers["content-disposition"] == "attachment"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["cache-control"] == "no-store"
    assert here.models.markups == {"file"}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "Der Hund.\r\n\r\n  <b> & Ball\r\n", "DER HUND.\r\n\r\n  <b> & BALL\r\n"),
        ("a.txt", "\ufeffHund".encode("utf-16-le"), "\ufeffHUND".encode("utf-16-le")),
        ("a.txt", "", ""),
        ("a.html", "<p>Der <b>Hund</b></p>", "<p>DER <b>HUND</b></p>"),
        ("a.csv", "de,en\nHund,\n", "de,en\nHund,HUND\n"),
        ("a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHund\n", "WEBVTT\n\n00:01.000 --> 00:02.000\nHUND\n"),
    ],
)
@scenario
async def test_each_format_keeps_what_is_no_text(name, content, expected):
    here = Here()
    found = await here.download(await here.post_file(name, content))
    assert found.content == (expected.encode() if isinstance(expected, str) else expected)


@scenario
async def test_office_and_xliff():
    docx = pytest.importorskip("docx")
    made = docx.Document()
    made.add_paragraph("Der ").add_run("Hund").bold = True
    data = io.BytesIO()
    made.save(data)
    here = Here()
    found = await here.download(await here.post_file("a.docx", data.getvalue()))
    assert found.headers["content-type"].endswith("wordprocessingml.document")
    assert docx.Document(io.BytesIO(found.content)).paragraphs[0].text == "DER HUND"
    found = await here.download(await here.post_file("a.xlf", XLIFF))
    assert b"<source>Der Hund</source><target" in found.content
    assert b"DER HUND</target>" in found.content


@scenario
async def test_lines_of_text_share_batches_and_the_cache_with_other_texts():
    here = Here()
    here.models.is_open.clear()
    held = asyncio.create_task(here.post_file("a.txt", "erst"))
    await until(lambda: here.models.batches)
    file = asyncio.create_task(here.post_file("a.txt", "Hund\nBall\nHund"))
    await until(lambda: here.batcher.waiting == 2)
    text = asyncio.create_task(here.ask("POST", "/translate", b'{"q": "Katze", "source": "de", "target": "en"}'))
    await until(lambda: here.batcher.waiting == 3)
    here.models.is_open.set()
    await asyncio.gather(held, text)
    assert (await here.download(await file)).content == b"HUND\nBALL\nHUND"
    assert here.models.batches == [["erst"], ["Hund", "Ball", "Katze"]]
    assert here.models.markups == {""}


@pytest.mark.parametrize(
    ("name", "content", "source"),
    [
        ("a.txt", "Das ist nicht mein Hund.", "de"),
        ("a.txt", "This is not my dog, but he is with you.", "en"),
        ("a.html", '<html lang="en"><p class="the of and">Das ist <i>nicht</i> mein Hund.</p>', "de"),
        ("a.csv", "fr,en\nchien,\n", "fr"),
    ],
)
@scenario
async def test_auto_finds_the_language_in_the_text(name, content, source):
    here = Here("de-en", "fr-en", "en-de")
    found = await here.download(await here.post_file(name, content, source="AUTO"))
    if source == "en":
        assert found.content == content.encode()
        assert found.headers["content-disposition"] == "attachment"
        return
    assert here.models.batches
    assert sum(here.service.metrics._counts["nmt_characters_total"].values())
    assert list(here.service.metrics._counts["nmt_characters_total"]) == [(f"{source}-en",)]


@pytest.mark.parametrize(
    ("name", "content", "fields", "status", "message"),
    [
        (None, "", {}, 400, "missing file"),
        ("a.pdf", "x", {}, 400, "not supported; there are: .txt"),
        ("a.docx.gz", "x", {}, 400, "not supported"),
        ("", "x", {}, 400, "not supported"),
        ("a.srt", "x", {}, 400, "the file has no cue"),
        ("Brief.docx", "x", {}, 400, "the file is no zip archive"),
        ("a.csv", "a,b\nx,y\n", {"source": "auto"}, 400, "does not name"),
        ("a.txt", b"\xff\xfe\xff", {}, 400, "not UTF-16"),
        ("a.xlf", '<!DOCTYPE x [<!ENTITY a "ha">]><xliff/>', {}, 400, "declares entities"),
        ("a.txt", "x", {"target": "fr"}, 400, "fr is not supported"),
        ("a.txt", "x", {"source": ""}, 400, "missing source"),
        ("a.txt", "x" * 901, {}, 413, "longer than 900 bytes"),
        ("a.txt", "x" * 70_000, {}, 413, "longer than 900 bytes"),
        ("a.txt", "äöü " * 60, {}, 413, "has 239 characters, and 200 are the most"),
    ],
)
@scenario
async def test_what_is_wrong_or_too_much_is_refused_before_any_work(name, content, fields, status, message):
    here = Here("de-en", "en-de", max_file_bytes=900, max_file_chars=200)
    answer = await here.post_file(name, content, **fields)
    assert (answer.status, message in answer.json["error"]) == (status, True), answer.json
    assert "Brief" not in answer.json["error"]
    assert not here.models.batches
    assert here.files.at_work == here.files.arriving == here.files.kept.size == 0


@scenario
async def test_a_paragraph_that_would_hold_up_others_is_refused():
    here = Here()
    assert (await here.post_file("a.srt", SRT.replace("Hund", "x" * MAX_LINE_CHARS))).status == 413
    assert (await here.post_file("a.txt", "x" * (MAX_LINE_CHARS + 1))).status == 413


@scenario
async def test_a_lone_sentence_does_not_wait_for_a_long_file_and_others_have_room(monkeypatch):
    here = Here(max_waiting=400)
    here.models.is_open.clear()
    file = asyncio.create_task(here.post_file("a.txt", lines(5000)))
    await until(lambda: here.models.batches)
    assert here.batcher.waiting + here.batcher.running == 100  # a quarter
    before = len(here.models.batches)
    lone = asyncio.create_task(here.ask("POST", "/translate", b'{"q": "Katze", "source": "de", "target": "en"}'))
    await until(lambda: here.batcher.waiting == 37)
    here.models.is_open.set()
    assert (await lone).json == {"translatedText": "KATZE"}
    assert len(here.models.batches) <= before + 2
    assert not file.done()
    found = await here.download(await file)
    assert found.content.decode() == lines(5000, "DER HUND")


@scenario
async def test_who_goes_leaves_nothing_in_the_queue():
    here = Here()
    here.models.is_open.clear()
    gone = asyncio.get_running_loop().create_future()
    file = asyncio.create_task(here.post_file("a.txt", lines(500), gone=gone))
    await until(lambda: here.batcher.waiting)
    gone.set_result(None)
    assert (await file).status == 499
    assert here.batcher.waiting == here.batcher.jobs == here.files.at_work == here.files.kept.size == 0
    here.models.is_open.set()
    await until(lambda: not here.batcher.running)
    assert len(here.models.batches) == 1


@scenario
async def test_who_goes_while_the_file_is_read_gives_its_place_back_when_the_thread_is_done(monkeypatch):
    import threading

    here, may_end = Here(), threading.Event()
    monkeypatch.setattr(documents, "read", lambda *_: may_end.wait())
    gone = asyncio.get_running_loop().create_future()
    file = asyncio.create_task(here.post_file("a.txt", "Hund", gone=gone))
    await until(lambda: here.files.at_work)
    gone.set_result(None)
    await asyncio.sleep(0.01)
    assert here.files.at_work == 1
    may_end.set()
    assert (await file).status == 499
    assert here.files.at_work == 0


@scenario
async def test_one_file_too_many_is_told_to_come_again():
    here = Here(max_files=1, max_waiting=4)
    here.models.is_open.clear()
    file = asyncio.create_task(here.post_file("a.txt", "Hund"))
    await until(lambda: here.models.batches)
    refused = await here.post_file("b.txt", "Ball")
    assert (refused.status, refused.headers["retry-after"]) == (429, "5")
    texts = [asyncio.create_task(here.ask("POST", f"/translate?q={q}&source=de&target=en")) for q in "abcde"]
    await until(lambda: here.batcher.waiting == 4)
    assert (await here.post_file("b.txt", "Ball")).status == 429  # the queue is full
    here.models.is_open.set()
    assert (await file).status == 200
    await asyncio.gather(*texts)
    assert (await here.post_file("b.txt", "Ball")).status == 200
    here.files.arriving = MAX_ARRIVING + 1
    assert (await here.post_file("b.txt", "Ball")).status == 429


@scenario
async def test_keys_and_rates_hold_for_files(tmp_path):
    (tmp_path / "keys").write_text("secret 2\n")
    here = Here(keys=tmp_path / "keys")
    assert (await here.post_file("a.txt", "Hund")).status == 400
    assert (await here.post_file("a.txt", "Hund", api_key="x")).status == 403
    assert not here.models.batches
    answers = [await here.post_file("a.txt", "Hund", api_key="secret") for _ in range(3)]
    assert [one.status for one in answers] == [200, 200, 429]
    assert (await here.download(answers[0])).content == b"HUND"  # its name is enough


@scenario
async def test_what_is_kept_is_bounded_in_bytes_and_time():
    here = Here(max_kept_bytes=4000)
    first, second = [await here.post_file("a.txt", "a" * 900) for _ in range(2)]
    assert (await here.download(first)).status == 200
    third = await here.post_file("a.txt", "a" * 900)
    assert [(await here.download(one)).status for one in (first, second, third)] == [404, 200, 200]
    assert here.files.kept.size <= 4000
    here.now = KEPT_S
    assert (await here.download(third)).status == 404
    assert here.files.kept.size == 0
    assert (await here.post_file("a.txt", "a\n" * 2001)).status == 413
    assert (await here.ask("GET", "/download_file/../x")).status == 404


@scenario
async def test_a_signal_to_end_lets_accepted_files_be_finished_and_fetched():
    here = Here(max_waiting=40)
    here.models.is_open.clear()
    file = asyncio.create_task(here.post_file("a.txt", lines(50)))
    await until(lambda: here.models.batches)
    end = asyncio.create_task(here.service.drain(20))
    await asyncio.sleep(0)
    assert (await here.post_file("b.txt", "Ball")).status == 503
    here.models.is_open.set()
    answer = await file
    await asyncio.sleep(0.1)
    assert not end.done()
    assert (await here.download(answer)).content.decode() == lines(50, "DER HUND")
    await end


@scenario
async def test_what_goes_wrong_with_a_file_is_said_without_its_text(caplog, monkeypatch):
    here = Here()
    caplog.set_level(logging.DEBUG, "nmt")
    here.models.fails = True
    assert (await here.post_file(f"{MARKER}.txt", MARKER)).json == {"error": "this text cannot be translated"}
    here.models.fails = False

    def wrong(*_):
        raise LookupError(MARKER)

    with monkeypatch.context() as patch:
        patch.setattr(documents, "written", wrong)
        assert (await here.post_file(f"{MARKER}.txt", MARKER)).json == {"error": "an error of the server"}
        patch.setattr(documents, "read", wrong)
        assert (await here.post_file(f"{MARKER}.txt", MARKER)).status == 500
    assert (await here.post_file(f"{MARKER}.docx", MARKER)).status == 400
    assert (await here.post_file(f"{MARKER}.txt", MARKER)).status == 200
    assert here.files.at_work == 0
    assert MARKER not in caplog.text + here.service.metrics.text()
    assert "/download_file/{name}" in (await here.ask("GET", "/spec")).json["paths"]


@scenario
async def test_a_file_that_takes_too_long_is_given_up():
    here = Here(file_s=0.01)
    here.models.is_open.clear()
    answer = await here.post_file("a.txt", "Hund")
    assert (answer.status, answer.json["error"]) == (503, "not translated within 0.01 s")
    assert here.batcher.waiting == here.batcher.jobs == 0


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("example.org", "http://example.org"),
        ("[::1]:80", "http://[::1]:80"),
        ('x"/y', "http://127.0.0.1:5000"),
        ("", "http://127.0.0.1:5000"),
    ],
)
@scenario
async def test_the_address_is_the_one_that_was_asked(host, origin):
    here = Here()
    answer = await here.post_file("a.txt", "Hund", headers=[(b"host", host.encode())])
    assert answer.json["translatedFileUrl"].startswith(f"{origin}/download_file/")


@scenario
async def test_behind_a_proxy_all_is_below_a_prefix_that_the_proxy_may_remove():
    here = Here(prefix="/a/nmt")
    for path in ("/a/nmt/spec", "/spec"):
        assert (await here.ask("GET", path)).json["servers"] == [{"url": "http://127.0.0.1:5000/a/nmt"}]
    answer = await here.post_file("a.txt", "Hund")
    address = answer.json["translatedFileUrl"].removeprefix("http://127.0.0.1:5000")
    assert address.startswith("/a/nmt/download_file/")
    assert (await here.ask("GET", address)).content == b"HUND"
    for asked, location in (("/a/nmt", "/a/nmt/"), ("/a/nmt?api_key=k", "/a/nmt/?api_key=k")):
        answer = await here.ask("POST", asked)
        assert (answer.status, answer.headers["location"]) == (308, location)
    assert 'nmt_requests_total{route="redirect",status="308"} 2' in here.service.metrics.text()
    assert [(await here.ask("GET", path)).status for path in ("/a/nmt/", "/a/nmtspec", "/a/spec")] == [200, 404, 404]


@pytest.mark.parametrize(("typed", "prefix"), [("nmt/", "/nmt"), ("/a/b", "/a/b"), ("/", "")])
def test_a_prefix_begins_with_a_slash_and_ends_with_none(typed, prefix):
    assert parser().parse_args(["--pair=x", "--url-prefix", typed]).url_prefix == prefix


@pytest.mark.parametrize("typed", ["/translate", "v2/", "/v2/document"])
def test_a_prefix_is_no_path_of_the_service(typed, capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--pair=x", "--url-prefix", typed])
    assert "is a path of the service itself" in capsys.readouterr().err


@scenario
async def test_a_page_is_told_what_can_be_read(monkeypatch):
    here = Here()
    found = (await here.ask("GET", "/frontend/settings")).json["supportedFilesFormat"]
    assert {".txt", ".html", ".srt", ".csv"} <= set(found) <= {".txt", *SUFFIXES}
    assert documents.CONTENT_TYPES.keys() == {".txt", *SUFFIXES}
    monkeypatch.setitem(sys.modules, "lxml", None)
    found = (await here.ask("GET", "/frontend/settings")).json["supportedFilesFormat"]
    assert not {".docx", ".xlf", ".xlsx", ".pptx", ".odt"} & set(found)
    assert (await here.post_file("a.docx", "x")).status == 400


def test_no_format_is_loaded_before_a_file_comes():
    code = "import sys, nmt.service.app; from nmt.service.documents import suffixes; suffixes(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"lxml", "translate", "torch", "numpy", "nmt.formats.html", "nmt.formats.docx"} & set(loaded)


OPTIONS = ["max-bytes", "max-texts", "max-chars", "max-waiting", "timeout", "read-timeout", "rate"]
OPTIONS += ["max-files", "max-file-bytes", "max-file-chars", "max-kept-bytes", "file-timeout"]


def test_limits_are_options():
    from nmt.cli.serve import parser

    def limits_of(*arguments):
        options = parser().parse_args(arguments)
        return Limits(**{field.name: getattr(options, field.name) for field in fields(Limits)})

    assert limits_of() == Limits()
    words = [f"--{name}={number}" for number, name in enumerate(OPTIONS, 1)]
    assert sorted(vars(limits_of(*words)).values()) == list(range(1, len(OPTIONS) + 1))
    assert limits_of("--max-file-bytes=7", "--file-timeout=6") == Limits(max_file_bytes=7, file_s=6.0)
