from __future__ import annotations

import gzip
import json
import logging
import os
import pickle
import signal
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from disks import full_disk

import nmt
from nmt.answers import Form, answers
from nmt.common.files import claimed
from nmt.common.stream import group_lines
from nmt.distribution import folder as folders
from nmt.distribution import outputs
from nmt.distribution import plan as plans
from nmt.distribution import work as works
from nmt.distribution.corpus_translation import translate_corpus
from nmt.distribution.plan import Layout
from nmt.search import Beam, Greedy

TEXTS = [
    "Der Hund sieht den Ball.",
    "",
    "Anna mag kein Boot und sucht das Haus.",
    "a\tb\x00\r",
    "Die Katze",
    "12",
] * 4
CONTENT = "".join(f"{text}\n" for text in TEXTS).encode() + b"\xff\xfe no UTF-8"
PLAIN = Form()
LAYOUT = Layout(lines_per_part=7)  # four parts, the last one of four lines


@pytest.fixture
def translator(bundle_dir):
    loaded = nmt.load(bundle_dir, device="cpu", compute="float32")
    loaded.search = Greedy(max_ratio=0.0, max_extra=3)
    return loaded


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "text.de"
    path.write_bytes(CONTENT)
    return path


def filtered(translator, form=PLAIN, content=CONTENT) -> bytes:
    """What nmt-translate makes of it."""
    (lines,) = group_lines([content], 100)
    return "".join(f"{line}\n" for answer in answers(translator, lines, form) for line in answer.lines).encode()


def run(translator, source, folder, **options):
    setting = {"layout": LAYOUT, "workers": 2} | options
    return translate_corpus(translator, [source], folder, **setting)


def joined(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.glob("part-*")))


def inodes(folder: Path) -> dict[str, int]:
    """What another writing of the parts would change."""
    return {path.name: path.stat().st_ino for path in folder.glob("part-*")}


def test_the_parts_joined_are_what_the_filter_gives(translator, source, tmp_path):
    done = []
    path = tmp_path / "joined"
    summary = run(translator, source, tmp_path / "out", join_to=path, report=lambda *one: done.append(one))
    assert path.read_bytes() == joined(tmp_path / "out") == filtered(translator)
    assert (summary.parts, summary.lines, summary.before, summary.failed) == (4, 25, 0, 0)
    assert sorted((record.part, record.lines, before) for record, before in done) == [
        (0, 7, False), (1, 7, False), (2, 7, False), (3, 4, False),
    ]  # fmt: skip
    assert [record.faults for record, _ in done if record.part == 3] == [
        {"not UTF-8; U+FFFD stands for what is wrong": [25]}
    ]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "manifest.json", "parts.tsv", "summary.tsv", "lock", "state", "done", *inodes(tmp_path / "out"),
    }  # fmt: skip


def test_work_goes_to_another_machine_as_where_things_are(translator, source, bundle_dir, tmp_path):
    run(translator, source, tmp_path / "out", workers=1)
    plan = plans.read_plan(tmp_path / "out")
    sent = pickle.dumps(works.Work(plan, translator, Form()))
    assert len(sent) < 2000
    before = inodes(tmp_path / "out")
    (tmp_path / "out" / "part-000001.txt").write_text("torn")
    outcomes = [pickle.loads(sent)(number) for number in range(4)]
    assert [outcome.error for outcome in outcomes] == [None] * 4
    assert joined(tmp_path / "out") == filtered(translator)
    assert len(before.items() & inodes(tmp_path / "out").items()) == 3
    elsewhere = plans.open_plan(tmp_path / "out2", [source], translator, Form(), LAYOUT)
    assert elsewhere.id == plan.id
    assert pickle.loads(pickle.dumps(works.Work(elsewhere, translator, Form())))(0).error is None
    assert elsewhere.folder.part(0).exists()

    def refused():
        works._opened.clear()
        return str(pickle.loads(pickle.dumps(works.Work(plan, translator, Form())))(0).error)

    translator.search = replace(translator.search, max_extra=4)
    assert refused() == "search.max_extra is 4 on this machine, and 3 in the plan"
    nmt.bundle.save_search(bundle_dir, Beam(beam_size=9))
    assert refused() == "the model has changed since the parts were begun"


@pytest.mark.parametrize(
    "form", [Form(nbest=2), Form(json=True), Form(json=True, nbest=2), Form(score=True), Form(prefix=True)]
)
def test_every_form_is_as_the_filter_has_it(form, translator, source, tmp_path):
    translator.search = Beam(beam_size=2, max_ratio=0.0, max_extra=3)
    run(translator, source, tmp_path / "out", form=form, workers=1)
    assert joined(tmp_path / "out") == filtered(translator, form)
    assert [path.suffix for path in (tmp_path / "out").glob("part-*")] == [".jsonl" if form.json else ".txt"] * 4


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_compressed_text_in_and_out(suffix, translator, tmp_path):
    pack, unpack = {"gz": (gzip.compress, gzip.decompress), "zst": (zstandard.compress, decompress_frames)}[suffix]
    source = tmp_path / f"text.de.{suffix}"
    source.write_bytes(pack(CONTENT))
    layout = replace(LAYOUT, compress=suffix)
    (tmp_path / "out" / "input").mkdir(parents=True)  # of a command that was killed while it planned
    (tmp_path / "out" / "input" / ".000001.gz-abcd1234").touch()
    for name in ("lock", "state", "parts.tsv"):
        (tmp_path / "out" / name).touch()
    for name in ("plain", f"packed.{suffix}"):
        run(translator, source, tmp_path / "out", layout=layout, workers=1, join_to=tmp_path / name)
    assert (tmp_path / "plain").read_bytes() == filtered(translator)
    assert (tmp_path / f"packed.{suffix}").read_bytes() == joined(tmp_path / "out")
    assert unpack(joined(tmp_path / "out")) == filtered(translator)
    assert suffix == "zst" or joined(tmp_path / "out")[4:8] == bytes(4)  # no time: the same content is the same bytes
    assert not (tmp_path / "out" / "input").exists()
    (tmp_path / "out" / f"part-000002.txt.{suffix}").unlink()
    run(translator, source, tmp_path / "out", layout=layout, workers=1)
    assert unpack(joined(tmp_path / "out")) == filtered(translator)
    assert not (tmp_path / "out" / "input").exists()


def decompress_frames(content: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True).read()


def test_a_column_of_a_table_gets_one_beside_it(translator, tmp_path):
    texts = ["Der Hund", "Die Katze", "", "Paul."]
    rows = [(str(i), text) for i, text in enumerate(texts)]
    hyps = filtered(translator, content="\n".join(texts).encode()).decode().splitlines()
    hyps += [""] * (len(texts) - len(hyps))
    expected = [(*row, hyp) for row, hyp in zip(rows, hyps, strict=True)]
    (tmp_path / "x.tsv").write_text("id\tde\n" + "".join("\t".join(row) + "\n" for row in rows))
    pq.write_table(pa.table({"id": [row[0] for row in rows], "de": texts}), tmp_path / "x.parquet")
    (tmp_path / "x.de").write_text("".join(f"{text}\n" for text in texts))
    for name in ("x.tsv", "x.parquet"):
        for kind in ("tsv", "parquet"):
            folder, path = tmp_path / f"{name}-{kind}", tmp_path / f"{name}.{kind}"
            layout = Layout(column="de", format=kind, lines_per_part=3)
            run(translator, tmp_path / name, folder, layout=layout, workers=1, join_to=path)
            if kind == "tsv":
                assert path.read_text() == "".join("\t".join(row) + "\n" for row in [("id", "de", "en"), *expected])
            else:
                table = pq.read_table(path)
                assert table.column_names == ["id", "de", "en"]
                assert [tuple(row.values()) for row in table.to_pylist()] == expected
    run(
        translator, tmp_path / "x.de", tmp_path / "pairs", layout=Layout(format="tsv"), join_to=tmp_path / "pairs.tsv"
    )
    assert (tmp_path / "pairs.tsv").read_text() == "".join("\t".join(row[1:]) + "\n" for row in expected)

    def planned(**layout):
        plans.open_plan(tmp_path / "o", [tmp_path / "x.tsv"], translator, Form(), Layout(**layout))

    with pytest.raises(ValueError, match="there is a column 'de' already; --name gives"):
        planned(column="de", name="de")
    with pytest.raises(ValueError, match="Parquet is compressed by itself"):
        planned(column="de", format="parquet", compress="gz")
    with pytest.raises(ValueError, match="Parquet names its columns; give --column by its name"):
        planned(column="2", format="parquet")
    with pytest.raises(ValueError, match="format is 'csv'; choose one of: text, tsv, parquet"):
        planned(column="de", format="csv")
    with pytest.raises(ValueError, match="compress is 'gzip'; choose one of: gz, zst"):
        planned(column="de", compress="gzip")
    planned(column="de", name="de", format="text")


@pytest.mark.parametrize("packed", ["", ".gz"])
def test_a_joined_table_begins_with_its_header_and_has_a_line_a_row(packed, tmp_path):
    (line,) = outputs._as_tsv([["1\t2", "a\nb"]], [["c\td"]])
    assert line == "1 2\ta b\tc d"
    part, path = tmp_path / f"part.tsv{packed}", tmp_path / f"joined.tsv{packed}"
    pack, unpack = (gzip.compress, gzip.decompress) if packed else (bytes, bytes)
    part.write_bytes(pack(f"{line}\n".encode()))
    outputs.join([part, part], path, "tsv", ["id", "de", "en"])
    assert unpack(path.read_bytes()).decode() == f"id\tde\ten\n{line}\n{line}\n"


def test_what_is_done_is_not_done_again_and_a_torn_part_is(translator, source, tmp_path, caplog):
    folder = tmp_path / "out"
    run(translator, source, folder)
    before = inodes(folder)
    part = folder / "part-000002.txt"
    part.write_bytes(part.read_bytes()[:-9])
    (folder / ".part-000001.txt-abcd1234").write_text("of a process that was killed")
    (folder / "failed.jsonl").write_text("of lines that can be translated now")
    assert run(translator, source, folder).before == 18
    assert [record.getMessage() for record in caplog.records] == [
        "part 2 is not what it was when it was done; it is done again"
    ]
    assert joined(folder) == filtered(translator)
    assert before.items() - inodes(folder).items() == {(part.name, before[part.name])}
    assert not list(folder.glob(".*"))
    assert not (folder / "failed.jsonl").exists()
    assert (folder / "state").read_bytes() == bytes(4)  # nothing is unfinished
    (folder / "part-000000.txt").write_bytes(bytes(folder.joinpath("part-000000.txt").stat().st_size))
    (folder / "done" / "000003.json").write_text("{}")
    assert run(translator, source, folder).before == 14
    assert joined(folder) == filtered(translator)


def test_another_model_option_or_input_is_refused_in_one_line(translator, source, bundle_dir, tmp_path):
    folder = tmp_path / "out"
    run(translator, source, folder)
    before = inodes(folder)

    def refused(path=source, **options):
        with pytest.raises(ValueError, match=".") as error:
            run(translator, path, folder, **options)
        assert "\n" not in str(error.value)
        return str(error.value).removeprefix(f"{folder} has parts ").replace(f"{tmp_path}/", "")

    other = "; take another folder"
    assert refused(form=Form(json=True)) == f"with json False, not True{other}"
    assert refused(layout=Layout(lines_per_part=8)) == f"with --lines-per-part 7, not 8{other}"
    assert refused(layout=replace(LAYOUT, compress="gz")) == f"with compress (none), not gz{other}"
    translator.search = replace(translator.search, max_extra=4)
    assert refused() == f"with search.max_extra 3, not 4{other}"
    translator.search = replace(translator.search, max_extra=3)
    (tmp_path / "other.de").write_bytes(CONTENT.replace(b"Anna", b"Paul"))
    assert refused(tmp_path / "other.de") == "of another input: other.de is not what text.de was"
    (tmp_path / "same.de").write_bytes(CONTENT)
    assert run(translator, tmp_path / "same.de", folder).before == 25
    with pytest.raises(ValueError, match="out has parts of 1 input files, not 2"):
        plans.open_plan(folder, [source, source], translator, Form(), LAYOUT)
    status = source.stat()
    source.write_bytes(CONTENT.replace(b"Anna", b"Paul"))
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert refused() == "of another input: text.de is not what text.de was"
    nmt.bundle.save_search(bundle_dir, Beam(beam_size=9))
    assert refused(tmp_path / "same.de") == f"of another model{other}"
    assert inodes(folder) == before
    for content in ("{", "{}", "[]"):
        (folder / "manifest.json").write_text(content)
        with pytest.raises(ValueError, match="manifest.json or parts.tsv is damaged or of another version"):
            plans.read_plan(folder)
    with pytest.raises(ValueError, match="same.de is no folder"):
        run(translator, source, tmp_path / "same.de")
    with pytest.raises(ValueError, match="has other files, such as model, and no manifest"):
        run(translator, source, tmp_path)


@pytest.mark.parametrize("how", ["an error", "a death"])
def test_a_line_that_cannot_be_translated_costs_itself_alone(how, translator, source, tmp_path, monkeypatch):
    usual, deadly = translator.translate_batch, translator.tokenizer.encode_src(["Die Katze"])[0]

    def translate_batch(batch):
        if deadly in batch[1]:
            if how == "a death":
                os.kill(os.getpid(), signal.SIGKILL)
            raise RuntimeError("no cats")
        return usual(batch)

    expected = filtered(translator).decode().split("\n")
    for i, text in enumerate(TEXTS):
        expected[i] = "" if text == "Die Katze" else expected[i]
    monkeypatch.setattr(translator, "translate_batch", translate_batch)
    monkeypatch.setattr(works, "MAX_TEXT", 8)
    summary = run(translator, source, tmp_path / "out", workers=1)
    assert joined(tmp_path / "out").decode().split("\n") == expected
    assert summary.failed == 4
    failed = [json.loads(line) for line in (tmp_path / "out" / "failed.jsonl").read_text().splitlines()]
    reason = {
        "an error": "RuntimeError: no cats",
        "a death": "ChildProcessError: the process that translated it ended by signal 9",
    }[how]
    assert failed == [{"part": (n - 1) // 7, "line": n, "error": reason, "text": "Die Katz"} for n in (5, 11, 17, 23)]
    assert run(translator, source, tmp_path / "out").failed == 4


def test_work_that_always_fails_is_an_error_and_not_a_folder_of_empty_lines(translator, tmp_path, monkeypatch):
    def translate_batch(batch):
        raise RuntimeError("no GPU any more")

    monkeypatch.setattr(translator, "translate_batch", translate_batch)
    monkeypatch.setattr(works, "MAX_FAILED", 3)
    (tmp_path / "text").write_text("Anna\n" * 7)
    with pytest.raises(
        ChildProcessError, match="more than 3 lines .* line 4: RuntimeError: no GPU any more"
    ) as error:
        run(translator, tmp_path / "text", tmp_path / "out")
    assert "in translate_batch" in error.value.__notes__[0]  # where it arose
    assert inodes(tmp_path / "out") == {}


def test_a_worker_that_dies_is_replaced_and_its_part_done_again(translator, source, tmp_path, monkeypatch, caplog):
    usual = translator.translate_batch

    def translate_batch(batch):
        with claimed(tmp_path / "deaths", 0, wait=True) as file:
            deaths = os.fstat(file).st_size
            if deaths < 2:
                os.pwrite(file, b"x", deaths)
                os.kill(os.getpid(), signal.SIGKILL)
        return usual(batch)

    expected = filtered(translator)
    monkeypatch.setattr(translator, "translate_batch", translate_batch)
    run(translator, source, tmp_path / "out")
    assert joined(tmp_path / "out") == expected
    assert len(caplog.records) == 2
    assert all(
        "a worker ended by signal 9; another one does part" in record.getMessage() for record in caplog.records
    )


@pytest.mark.parametrize(
    ("max_extra", "size", "named", "some"),
    [(3, 50, "summary.tsv", True), (99, 200, "part-0000", False)],
    ids=["short parts", "long parts"],
)
def test_a_full_disk_leaves_whole_parts_and_no_drafts(translator, source, tmp_path, max_extra, size, named, some):
    translator.search = Greedy(max_ratio=0.0, max_extra=max_extra)
    run(translator, source, tmp_path / "whole")
    plans.open_plan(tmp_path / "out", [source], translator, Form(), LAYOUT)
    with full_disk(size), pytest.raises(OSError, match="File too large") as error:
        run(translator, source, tmp_path / "out")
    assert named in error.value.filename
    parts = list((tmp_path / "out").glob("part-*"))
    assert bool(parts) == some
    assert all(path.read_bytes() == (tmp_path / "whole" / path.name).read_bytes() for path in parts)
    assert not list((tmp_path / "out").rglob(".*"))
    run(translator, source, tmp_path / "out")
    assert joined(tmp_path / "out") == filtered(translator)


def test_shares_make_the_whole_and_only_the_whole_is_joined(translator, source, tmp_path):
    assert run(translator, source, tmp_path / "out", share=(1, 3)).lines == 7
    assert sorted(inodes(tmp_path / "out")) == ["part-000001.txt"]
    run(translator, source, tmp_path / "out", share=(0, 3))
    run(translator, source, tmp_path / "out", share=(2, 3))
    assert joined(tmp_path / "out") == filtered(translator)
    assert run(translator, source, tmp_path / "out", share=(7, 9)).parts == 0
    with pytest.raises(ValueError, match="only all parts can be joined"):
        run(translator, source, tmp_path / "out", share=(0, 3), join_to=tmp_path / "x")
    with pytest.raises(ValueError, match="the share is 3/3; of 3 shares it must be from 0 to 2"):
        run(translator, source, tmp_path / "out", share=(3, 3))


@pytest.mark.parametrize("ends", ["done", "killed"])
def test_a_part_that_another_command_is_at_is_waited_for(ends, translator, source, tmp_path):
    folder = tmp_path / "out"
    plan = plans.open_plan(folder, [source], translator, Form(), LAYOUT)
    ready, begun = os.pipe()
    others_done, last_left = os.pipe()
    other = os.fork()
    if other == 0:
        try:
            with plan.folder.claimed(2):
                os.write(begun, b"x")
                os.read(others_done, 1)
                if ends == "done":
                    works.Work(plan, translator, Form()).translate(2)
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    os.read(ready, 1)
    (folder / ".part-000001.txt-abcd1234").touch()
    (folder / ".part-000002.txt-abcd1234").touch()
    plan.folder.sweep()
    assert [path.name for path in folder.glob(".*")] == [".part-000002.txt-abcd1234"]  # it is being written
    done = []

    def report(record, before):
        done.append(record.part)
        if len(done) == len(plan.parts) - 1:
            os.write(last_left, b"x")

    run(translator, source, folder, report=report)
    os.waitpid(other, 0)
    for descriptor in (ready, begun, others_done, last_left):
        os.close(descriptor)
    assert joined(folder) == filtered(translator)
    assert done[-1] == 2


def test_the_log_says_nothing_where_nothing_happens(translator, source, tmp_path, monkeypatch, caplog):
    """Nor where there are so many parts that they lie in several folders."""
    monkeypatch.setattr(folders, "TWO_LEVELS", 3)
    with caplog.at_level(logging.INFO):
        run(translator, source, tmp_path / "out", join_to=tmp_path / "joined")
    assert caplog.records == []
    assert (tmp_path / "joined").read_bytes() == filtered(translator)
    assert [len(list((tmp_path / "out" / name).glob("part-*"))) for name in ("0000", "0001")] == [3, 1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("text.de", "text.de, which is the input"),
        ("link", "link, which is the input"),
        ("out/part-000000.txt", "which is in their own folder"),
        ("folder", "folder, which is a folder"),
        ("nowhere/x", "there is no folder .*nowhere"),
        ("/proc/x", "the parts cannot be joined to /proc/x: "),  # no system has a folder there that can be written
        ("x.tsv", "the parts are text, and .*x.tsv has another suffix"),
        ("x.tsv.gz", "the parts are text, and .*x.tsv.gz has another suffix"),
        ("x.parquet", "the parts are text, and .*x.parquet has another suffix"),
    ],
)
def test_parts_are_not_joined_to_what_would_be_lost_or_cannot_be(name, message, translator, source, tmp_path):
    (tmp_path / "link").symlink_to(source)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=message):
        run(translator, source, tmp_path / "out", join_to=tmp_path / name)
    assert not (tmp_path / "out").exists()
    assert source.read_bytes() == CONTENT


def test_no_lines_are_a_table_of_no_rows(translator, tmp_path):
    (tmp_path / "none.de").touch()
    path = tmp_path / "none.parquet"
    run(translator, tmp_path / "none.de", tmp_path / "text", join_to=tmp_path / "none.en")
    assert (tmp_path / "none.en").read_bytes() == b""
    run(translator, tmp_path / "none.de", tmp_path / "out", layout=Layout(format="parquet"), join_to=path)
    assert pq.read_schema(path).names == ["de", "en"]
    with pytest.raises(ValueError, match="the parts are parquet, and .* has another suffix"):
        run(translator, tmp_path / "none.de", tmp_path / "o", layout=Layout(format="parquet"), join_to=f"{path}.gz")


def test_what_translations_lack_is_told_of_their_lines(translator, tmp_path, monkeypatch):
    monkeypatch.setattr("nmt.answers._advice", lambda translation: "long")
    (tmp_path / "text.de").write_text("Anna\nAnna 4711 {name}\n")
    records = []
    run(
        translator,
        tmp_path / "text.de",
        tmp_path / "out",
        form=Form(check=True),
        report=lambda record, before: records.append(record),
    )
    assert [record.faults for record in records] == [{"long": [1, 2], "lost: 4711, {name}": [2]}]
    record = replace(records[0], seconds=2.0, faults={"a": [1, 2], "b": [2]}, failed=[{}])
    assert [*folders._summary([record])][1] == f"0\t2\t2.00\t1\t{record.size_bytes}\t3\t1\n"
