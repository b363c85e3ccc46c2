"""The commands as a user meets them: in a shell, with pipes, typos and broken models."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import browser
import pytest
import toy
from commands import command

from nmt.answers import CROWDED
from nmt.cli import evaluate, translate

pytestmark = pytest.mark.long


def unread(*arguments, stdin=b""):
    """A command whose stdout nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stdout:
        return command(*arguments, stdin=stdin, streams={1: stdout.fileno()})


def test_translate_answers_every_line_in_order_and_nothing_else(trained):
    stdin = "Anna mag den Ball.\n\nDer Hund sieht das Haus.\r\n \nPaul \rsucht\u2028Anna.\x00\nEin Kind".encode()
    result = command("nmt-translate", trained / "model", stdin=stdin)
    assert result.returncode == 0
    assert result.stderr == b""
    lines = result.stdout.decode().split("\n")
    assert len(lines) == 7
    assert lines[-1] == ""  # after the last newline
    assert lines[0] == "Anna likes the ball."
    assert lines[2] == "The dog sees the house."
    assert lines[1] == lines[3] == ""


def test_translate_answers_a_line_before_the_next_is_typed(trained):
    (stdin, typed), (answered, stdout) = os.pipe(), os.pipe()
    streams = {0: stdin, 1: stdout}
    with ThreadPoolExecutor() as pool, os.fdopen(typed, "wb", 0) as typing, os.fdopen(answered) as reading:
        done = pool.submit(command, "nmt-translate", trained / "model", streams=streams)
        for text, expected in (("Anna mag den Ball.", "Anna likes the ball."), ("", "")):
            typing.write(f"{text}\n".encode())
            assert reading.readline() == f"{expected}\n"
        typing.close()
        assert done.result().returncode == 0
    for end in streams.values():
        os.close(end)


def test_translate_warns_of_bad_lines_by_number_and_goes_on(trained):
    result = command("nmt-translate", trained / "model", "--beam-size", 1, stdin=b"Anna.\n\xff\xfe\n" + b"x " * 2000)
    assert result.returncode == 0
    assert result.stdout.count(b"\n") == 3
    first, second = result.stderr.decode().splitlines()
    assert first.startswith("nmt-translate: line 2: not UTF-8")
    assert second == "nmt-translate: line 3: too long; its end is left out"


def test_translate_ends_quietly_when_nobody_reads(trained):
    result = unread("nmt-translate", trained / "model", stdin=b"Anna mag den Ball.\n" * 5000)
    assert (result.returncode, result.stderr) == (141, b"")


def test_translate_counts_no_lines_of_a_pipe(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("opened to be counted, it loses its writer"))
    assert translate.number_of_lines(tmp_path / "pipe") is None


def test_translate_writes_json_and_nbest(trained):
    stdin = b"Anna mag den Ball.\n\n"
    rows = command("nmt-translate", trained / "model", "--json", "--nbest", 2, "--beam-size", 3, stdin=stdin).stdout
    first, blank = map(json.loads, rows.decode().splitlines())
    assert first["text"] == "Anna likes the ball."
    assert len(first["nbest"]) == 2
    assert len(first["alignment"]) == len(first["tokens"])
    assert first["score"] < 0
    assert blank["text"] == ""
    rows = command("nmt-translate", trained / "model", "--nbest", 2, "--beam-size", 3, stdin=stdin).stdout
    assert [row.split(" ||| ")[0] for row in rows.decode().splitlines()] == ["1", "1", "2"]
    assert rows.decode().splitlines()[2] == "2 |||  ||| 0.0000"


def test_translate_keeps_tags_that_it_is_told_of(trained):
    stdin = b"Anna mag <b>den Ball</b>.\n<p>Anna mag<x/> den Ball.</p>\n"
    rows = command("nmt-translate", trained / "model", "--tags", stdin=stdin).stdout.decode().splitlines()
    assert rows == ["Anna likes <b>the ball</b>.", "<p>Anna likes<x/> the ball.</p>"]
    rows = command("nmt-translate", trained / "model", "--tags", "--nbest", 1, "--json", stdin=stdin).stdout
    assert json.loads(rows.splitlines()[0])["nbest"][0]["text"] == "Anna likes <b>the ball</b>."


def test_translate_keeps_checks_and_forces(trained, tmp_path):
    (tmp_path / "terms.tsv").write_text("Ball\tsphere\n")
    stdin = b"Anna mag {x} den Ball.\nAnna mag den Ball.\n"
    done = command(
        "nmt-translate", trained / "model", "--keep", "all", "--glossary", tmp_path / "terms.tsv", stdin=stdin
    )
    first, second = done.stdout.decode().splitlines()
    assert "{x}" in first
    assert "sphere" in second  # where, the attention of a tiny model says, which is another on another processor
    done = command("nmt-translate", trained / "model", "--check", "--json", stdin=stdin)
    assert [json.loads(row)["lost"] for row in done.stdout.splitlines()][1] == []
    assert b"check: " in done.stderr


def test_translate_says_what_is_estimated_and_copies_what_has_no_letter(trained):
    stdin = b"Anna mag den Ball.\n 1.000,5 % \n\n"
    for option, estimated in (("--no-repeat-ngram=9", True), ("--shortlist=off", False), ("--sample=2", False)):
        rows = command("nmt-translate", trained / "model", "--json", "--nbest", 2, option, stdin=stdin).stdout
        first, *others = map(json.loads, rows.decode().splitlines())
        assert first["estimated"] == first["nbest"][1]["estimated"] == estimated
        assert [other["estimated"] for other in others] == [False, False]
        assert [other["text"] for other in others] == [" 1.000,5 % ", ""]
    lines = command("nmt-translate", trained / "model", "--copy-letterless", "off", stdin=stdin).stdout.decode()
    assert lines.split("\n")[1] != " 1.000,5 % "
    scored = command("nmt-translate", trained / "model", "--score", "--json", stdin=b"Anna\tAnna").stdout
    assert json.loads(scored)["estimated"] is False


def test_translate_takes_a_paragraph_sentence_by_sentence_and_warns_where_it_does_not(trained):
    stdin = b"Anna mag den Ball.  Der Hund sieht das Haus. Paul sucht Anna. Anna mag kein Haus.\n" * 3
    result = command("nmt-translate", trained / "model", "--split", "sentences", stdin=stdin)
    ones = command("nmt-translate", trained / "model", stdin=re.sub(rb"(?<=\.) +", b"\n", stdin)).stdout.decode()
    expected = "{}  {} {} {}".format(*ones.splitlines()[:4])
    assert expected.startswith("Anna likes the ball.  The dog sees the house. ")
    assert result.stdout.decode().splitlines() == [expected] * 3
    assert result.stderr == b""
    result = command("nmt-translate", trained / "model", stdin=stdin)
    assert result.stdout.count(b"\n") == 3
    assert result.stderr.decode().splitlines() == [
        f"nmt-translate: line 1: {CROWDED}",
        f"nmt-translate: so are 2 more lines: {CROWDED}",
    ]


def test_translate_scores_given_pairs(trained):
    stdin = b"Anna mag den Ball.\tAnna likes the ball.\nAnna mag den Ball.\tThe dog.\tx\nAnna\n\n"
    result = command("nmt-translate", trained / "model", "--score", stdin=stdin)
    lines = result.stdout.decode().splitlines()
    assert len(lines) == 4
    assert 0 > float(lines[0]) > float(lines[1])
    assert result.stderr.decode().splitlines() == [
        f"nmt-translate: line {number}: no TAB; its translation is taken for empty" for number in (3, 4)
    ]
    first = json.loads(
        command("nmt-translate", trained / "model", "--score", "--json", stdin=stdin).stdout.splitlines()[0]
    )
    assert first["text"] == "Anna likes the ball."
    assert sum(first["token_log_probs"]) == pytest.approx(first["log_prob"], abs=1e-4)
    assert f"{first['log_prob']:.4f}" == lines[0]


def test_translate_begins_as_it_is_told(trained):
    stdin = b"Anna mag den Ball.\tThe cat\nAnna mag den Ball.\n\n"
    first, second, third = (
        command("nmt-translate", trained / "model", "--prefix", stdin=stdin).stdout.decode().splitlines()
    )
    assert first.startswith("The cat")
    assert (second, third) == ("Anna likes the ball.", "")


def test_translate_samples_the_same_however_the_work_is_cut(trained, corpus_dir):
    stdin = (corpus_dir / "valid.de").read_bytes()
    options = [trained / "model", "--compute", "float32", "--sample", 2, "--temperature", 1.5]
    usual = command("nmt-translate", *options, stdin=stdin).stdout
    assert usual.count(b"\n") == 20
    assert command("nmt-translate", *options, "--workers", 2, "--batch-size", 3, stdin=stdin).stdout == usual
    assert command("nmt-translate", *options, "--seed", 9, stdin=stdin).stdout != usual
    both = command("nmt-translate", *options, "--nbest", 2, stdin=stdin).stdout
    assert both.count(b"\n") == 40


def test_every_command_that_translates_takes_the_least_risk(trained, corpus_dir, tmp_path, run_here):
    src, ref = corpus_dir / "valid.de", corpus_dir / "valid.en"
    options = ["--compute", "float32", "--mbr", 6, "--temperature", 2, "--utility", "bleu"]
    stdin, model = src.read_bytes(), trained / "model"
    expected = command("nmt-translate", model, *options, stdin=stdin).stdout
    cut = "--workers", 2, "--batch-size", 3
    assert command("nmt-translate", model, *options, *cut, stdin=stdin).stdout == expected
    sampled = ["--compute", "float32", "--sample", 6, "--temperature", 2]
    assert command("nmt-translate", model, *sampled, stdin=stdin).stdout != expected
    json_rows = command("nmt-translate", model, *options, "--json", stdin=stdin).stdout.splitlines()
    assert all(0 <= json.loads(row)["score"] <= 100 for row in json_rows)

    files = ["--src", src, "--ref", ref]
    run_here("nmt-evaluate", model, *files, *options, "--output", tmp_path, "--bootstrap", 9)
    assert (tmp_path / "hyp.txt").read_bytes() == expected
    assert json.loads((tmp_path / "scores.json").read_text())["mbr"] == "bleu"

    other = shutil.copytree(model, tmp_path / "other")
    systems = [tmp_path / "hyp.txt", model, other]
    found = json.loads(run_here("nmt-compare", *systems, *files, *options, "--samples", 9, "--json").out)
    assert found["differ_most"] == {str(model): [], str(other): []}  # none differs from hyp.txt


def test_translate_gives_the_same_however_the_work_is_cut(trained, corpus_dir):
    stdin = (corpus_dir / "train.de").read_bytes()
    call = "nmt-translate", trained / "model", "--compute", "float32"
    usual = command(*call, stdin=stdin).stdout
    assert usual.count(b"\n") == 130
    for options in (
        ["--batch-size", 1],
        ["--batch-size", 7, "--threads", 2],
        ["--workers", 2, "--batch-size", 9],
        ["--workers", 1],
    ):
        found = command(*call, *options, stdin=stdin)
        assert (found.stderr, found.stdout) == (b"", usual), options


@pytest.mark.parametrize("options", [["--shortlist", "off"], ["--compute", "float32"], ["--compute", "auto"]])
def test_translate_takes_every_way_to_compute(trained, options):
    result = command("nmt-translate", trained / "model", *options, stdin=b"Anna mag den Ball.\n")
    assert result.stdout == b"Anna likes the ball.\n", result.stderr


def test_translate_refuses_a_precision_that_it_has_not(trained):
    result = command("nmt-translate", trained / "model", "--compute", "int4")
    assert result.returncode == 2
    assert result.stderr.startswith(b"nmt-translate: argument --compute: invalid choice: 'int4'")
    assert result.stderr.count(b"\n") == 1


def test_compare_tells_which_system_is_better(trained, corpus_dir, tmp_path, run_here):
    src, ref = corpus_dir / "valid.de", corpus_dir / "valid.en"
    (tmp_path / "bad").write_text("The dog.\n" * 20)
    files = ["--src", src, "--ref", ref, "--train", corpus_dir / "train.de", "--samples", 100]
    found = json.loads(run_here("nmt-compare", tmp_path / "bad", trained / "model", *files, "--json").out)
    bad, good = (found["systems"][str(name)]["bleu"] for name in (tmp_path / "bad", trained / "model"))
    assert good["score"] > bad["score"]
    assert bad["p_value"] is None
    assert good["p_value"] < 0.05
    assert found["bleu_by_rarest_word"].keys() == found["systems"].keys()
    assert len(found["differ_most"][str(trained / "model")]) == 3
    shown = run_here("nmt-compare", tmp_path / "bad", trained / "model", *files, "--test", "ar").out
    assert "baseline" in shown
    assert f"{good['score']:.2f}" in shown
    assert "ar:100" in shown


def test_compare_ends_quietly_when_nobody_reads(corpus_dir, tmp_path):
    ref = corpus_dir / "valid.en"
    (tmp_path / "bad").write_text("The dog.\n" * 20)
    arguments = [tmp_path / "bad", ref, "--src", corpus_dir / "valid.de", "--ref", ref, "--samples", 20]
    result = unread("nmt-compare", *arguments)
    assert (result.returncode, result.stderr) == (141, b"")


def test_compare_refuses_what_does_not_match(corpus_dir, tmp_path, run_here):
    files = ["--src", corpus_dir / "valid.de", "--ref", corpus_dir / "valid.en"]
    (tmp_path / "short").write_text("one\n")
    assert "two systems" in run_here("nmt-compare", files[3], *files, code=2).err
    assert "has 20 lines but" in run_here("nmt-compare", files[3], tmp_path / "short", *files, code=2).err


def test_evaluate_scores_and_keeps_what_it_scored(trained, corpus_dir, tmp_path):
    options = ["--src", corpus_dir / "valid.de", "--ref", corpus_dir / "valid.en", "--bootstrap", 50]
    result = command("nmt-evaluate", trained / "model", *options, "--output", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    table = result.stdout.decode()
    assert "nrefs:1|bs:50|seed:12345|case:mixed|eff:no|tok:13a" in table
    assert "±" in table
    assert (tmp_path / "out" / "hyp.txt").read_text(encoding="utf-8").count("\n") == 20
    report = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert report["sentences"] == 20
    assert f"{report['scores']['bleu']['score']:.2f}" in table

    run = shutil.copytree(trained, tmp_path / "run")
    command("nmt-evaluate", run / "model", *options)
    assert (run / "evaluation" / "valid" / "scores.json").exists()


def test_translations_are_kept_where_they_cannot_be_scored(trained, corpus_dir, tmp_path, monkeypatch):
    files = [tmp_path / f"few.{code}" for code in ("de", "en")]
    for file in files:
        file.write_text("".join((corpus_dir / f"valid{file.suffix}").read_text().splitlines(keepends=True)[:3]))

    def scores(*_):
        raise ValueError("no scores")

    monkeypatch.setattr("nmt.metrics.measure.Measure.scores", scores)
    options = [trained / "model", "--src", files[0], "--ref", files[1], "--output", tmp_path]
    with pytest.raises(ValueError, match="no scores"):
        evaluate.evaluated(evaluate.parser().parse_args(list(map(str, options))))
    assert (tmp_path / "hyp.txt").read_text().count("\n") == 3


@pytest.mark.parametrize("options", [[], ["--tune", "--save", "--beam-size", "2"]])
def test_evaluate_does_no_work_whose_result_cannot_be_written(trained, corpus_dir, tmp_path, monkeypatch, options):
    def no_draft(path, mode):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("nmt.common.files._draft_of", no_draft)
    for module in ("evaluate", "ranking"):
        monkeypatch.setattr(f"nmt.cli.{module}.translated", lambda *_, **__: pytest.fail("it has translated"))
    files = ["--src", corpus_dir / "valid.de", "--ref", corpus_dir / "valid.en", "--output", tmp_path]
    given = evaluate.parser().parse_args(list(map(str, [trained / "model", *files, *options])))
    with pytest.raises(PermissionError) as failed:
        (evaluate.tuned if options else evaluate.evaluated)(given)
    assert failed.value.filename == str(trained / "model" if options else tmp_path)


def test_evaluate_tells_of_rare_things_and_of_what_nothing_supports(
    trained, corpus_dir, tmp_path, capsys, monkeypatch
):
    (tmp_path / "train.de").write_text("ein Hund\n")
    (tmp_path / "foreign.txt").write_text("le chat\nil dort\n")
    lines = toy.lines(corpus_dir, "valid")
    for code, of in zip(("de", "en"), lines, strict=True):
        (tmp_path / f"few.{code}").write_text("".join(f"{line} 12\n" for line in of[:5]))
    files = ["--src", tmp_path / "few.de", "--ref", tmp_path / "few.en", "--rare", "--keep", "numbers"]
    more = ["--train", tmp_path / "train.de", "--foreign", tmp_path / "foreign.txt", "--output", tmp_path]
    monkeypatch.setattr(
        sys, "argv", ["nmt-evaluate", *map(str, [trained / "model", *files, *more, "--bootstrap", 9])]
    )
    evaluate.main()
    table = capsys.readouterr().out
    found = json.loads((tmp_path / "scores.json").read_text())["rare"]
    assert found["things"]["numbers"].pop("bleu") > 0
    assert found["things"]["numbers"] == {"sentences": 5, "in_reference": 5, "right": 5, "share": 1.0}
    assert "5 of 5 (100.0 %)" in table
    assert found["things"]["unseen words"]["sentences"] == 5
    assert list(found["unsupported"]) == ["translations", "references", "noise", "foreign.txt"]
    assert all(0 <= row["unsupported"] <= row["words"] for row in found["unsupported"].values())
    assert found["unsupported"]["references"]["words"] == sum(len(line.split()) + 1 for line in lines[1][:5])
    assert re.search(r"^foreign\.txt +\d+ +\d", table, re.MULTILINE)


def test_evaluate_tunes_the_search_and_keeps_it_when_told(trained, corpus_dir, tmp_path):
    model = shutil.copytree(trained / "model", tmp_path / "model")
    before = (model / "config.json").read_text()
    options = ["--src", corpus_dir / "valid.de", "--ref", corpus_dir / "valid.en", "--tune", "--beam-size", 3]
    shown = command("nmt-evaluate", model, *options)
    assert shown.returncode == 0, shown.stderr
    assert "to keep it, add --save" in shown.stdout.decode()
    assert (model / "config.json").read_text() == before
    shown = command("nmt-evaluate", model, *options, "--save").stdout.decode()
    assert f"written to {model / 'config.json'}" in shown
    kept = json.loads((model / "config.json").read_text())["search"]
    best = f"beam_size=3 normalisation={kept['normalisation']} alpha={kept['alpha']:g} coverage={kept['coverage']:g}"
    assert f"{best}: written to" in shown
    assert kept["beam_size"] == 3
    found = json.loads(command("nmt-evaluate", model, *options, "--json").stdout)
    assert found[0]["search"] == kept
    assert found[0]["bleu"] == max(one["bleu"] for one in found)


def test_inspect_draws_the_attention(trained, tmp_path):
    for name in ("attention.png", "attention.svg"):
        result = command("nmt-inspect", trained / "model", "Anna mag den Ball.", "--output", tmp_path / name)
        assert result.returncode == 0, result.stderr
        assert (tmp_path / name).stat().st_size > 1000


def test_inspect_shows_everything_on_one_page_that_a_browser_opens(trained, tmp_path):
    page = tmp_path / "page.html"
    result = command("nmt-inspect", trained / "model", "--output", page, stdin=b"Anna mag den Ball.\n")
    assert result.stdout.decode().strip() == str(page), result.stderr
    dom = browser.dom_of(page, tmp_path)
    for section in ("attention", "gates-and-states", "gradient-flow", "search"):
        assert f'<section id="{section}">' in dom
    figures = dom.count("<figure")
    assert figures == dom.count("<svg")
    assert f'data-ready="{figures}"' in dom


def test_inspect_reads_what_is_not_utf_8_as_the_filter_does(trained, tmp_path):
    warning = b"nmt-inspect: not UTF-8; U+FFFD stands for what is wrong\n"
    options = ("--json", "--show", "attention")
    by_stdin = command("nmt-inspect", trained / "model", *options, stdin=b"Anna m\xffag\r\nPaul\n")
    by_argument = command("nmt-inspect", trained / "model", os.fsdecode(b"Anna m\xffag"), *options)
    for result in (by_stdin, by_argument):
        assert (result.returncode, result.stderr) == (0, warning)
        assert json.loads(result.stdout)["src"] == "Anna m\ufffdag"
    page = tmp_path / "page.html"
    result = command("nmt-inspect", trained / "model", *options[1:], "--output", page, stdin=b"Anna m\xffag\n")
    assert (result.returncode, result.stderr) == (0, warning)
    assert "Anna m\ufffdag" in page.read_text(encoding="utf-8")


def test_inspect_prints_numbers_and_alignments_for_programs(trained, corpus_dir, run_here):
    def printed(*arguments):
        return run_here("nmt-inspect", trained / "model", *arguments).out

    files = "--src", corpus_dir / "valid.de", "--ref", corpus_dir / "valid.en"
    found = json.loads(printed(*files, "--line", 3, "--json"))
    assert found["src"] == (corpus_dir / "valid.de").read_text(encoding="utf-8").splitlines()[2]
    layer = found["layers"]["decoder layer 1"]
    assert {"i", "f", "g", "o"} == set(layer["gates"])
    assert len(layer["half_life"]["c"]) == len(layer["gates"]["f"][0]) == 48
    assert len(found["attention"][0]) == len(found["tgt_pieces"]) == len(layer["states"]["c"])
    lines = printed(*files, "--alignment").splitlines()
    assert len(lines) == 20
    assert all(re.fullmatch(r"\d+-\d+( \d+-\d+)*", line) for line in lines)
    assert re.fullmatch(r"\d+-\d+:[01]\.\d{3}( .*)?", printed("Anna mag den Ball.", "--alignment", "0.01").strip())


def test_inspect_warns_of_what_it_cuts_and_of_bytes_that_are_no_text(trained, tmp_path):
    (tmp_path / "long.de").write_text("Anna.\n" + "Anna mag " * 9_999 + "\n")
    model, warning = trained / "model", b"nmt-inspect: line 2: too long; its end is left out\n"
    result = command("nmt-inspect", model, "--src", tmp_path / "long.de", "--alignment")
    assert (result.returncode, result.stdout.count(b"\n"), result.stderr) == (0, 2, warning)
    shown = ["--show", "attention", "--json"]
    result = command(
        "nmt-inspect", model, "--src", "/dev/stdin", "--line", 2, *shown, stdin=b"\n" + b"Anna mag " * 9_999
    )
    assert (result.returncode, result.stderr) == (0, warning)
    assert json.loads(result.stdout)["truncated"]
    result = command("nmt-inspect", model, *shown, stdin=b"Anna\xff mag.\n")
    assert (result.returncode, result.stderr) == (0, b"nmt-inspect: not UTF-8; U+FFFD stands for what is wrong\n")


def bad_calls(trained, corpus_dir, tmp_path):
    model = trained / "model"
    short = tmp_path / "short.en"
    short.write_text("One line.\n")
    yield ("nmt-translate",), "the following arguments are required: MODEL"
    yield ("nmt-translate", model, "--beam-size", 0), "argument --beam-size: invalid positive value: '0'"
    yield ("nmt-translate", tmp_path / "none"), "none is no model directory"
    yield ("nmt-translate", trained / "modle"), f"there is no such folder; did you mean {model}?"
    yield ("nmt-translate", trained.parent / f"{trained.name}s/model"), f"did you mean {model}?"
    unvalidated = tmp_path / "run"
    unvalidated.mkdir()
    for name in ("config.yaml", "origin.json"):
        shutil.copy(trained / name, unvalidated)
    for folder in (unvalidated, unvalidated / "model"):
        yield ("nmt-translate", folder), f"{unvalidated} is a run without a model yet: none was validated; the same"
    yield ("nmt-translate", short), f"{short} is a file, and a model is a folder; -i FILE translates one"
    yield ("nmt-translate", model, "--beemsize", 2), "--beemsize 2; did you mean --beam-size?"
    yield (
        ("nmt-translate", model, "--compute=int9"),
        "invalid choice: 'int9'; did you mean int8? choose one of: auto,",
    )
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.yaml").touch()  # alone it makes no run
    yield ("nmt-translate", tmp_path / "empty"), "empty is no model directory: it has no config.json"
    exported = tmp_path / "exported"
    exported.mkdir()
    (exported / "encoder.onnx").touch()
    yield ("nmt-translate", exported), "exported is no model directory: it has no config.json; translate.py in it tr"
    yield ("nmt-translate", trained), f"{trained} is no model directory; did you mean {model}?"
    for option, most in {"--threads": 1024, "--batch-size": 100_000, "--sample": 1000, "--mbr": 1000}.items():
        yield (
            ("nmt-translate", model, option, 10**30),
            f"argument {option}: {10**30} is too many; it must be {most} at",
        )
    yield ("nmt-translate", model, "--beam-size", 1001), "argument --beam-size: 1001 is too many; it must be 1000 at"
    yield ("nmt-translate", model, "--nbest", 1001), "argument --nbest: 1001 is too many; it must be 1000 at most"
    yield (
        ("nmt-evaluate", model, "--bootstrap", 10**6),
        "argument --bootstrap: 1000000 is too many; it must be 100000",
    )
    yield ("nmt-compare", "a", "b", "--src", "s", "--samples", 10**6), "argument --samples: 1000000 is too many"
    yield ("nmt-translate", model, "--beam-size", 2, "--beam", 3), "--beam-size is given twice; it counts once"
    yield ("nmt-translate", model, "--json", "--json"), "--json is given twice; it counts once"
    yield ("nmt-evaluate", model, "--src", "a", "--src", "b"), "--src is given twice; it counts once"
    yield ("nmt-compare", "a", "b", "--src", "s", "--test", "bs", "--test", "ar"), "--test is given twice"
    yield ("nmt-inspect", model, "--show", "gates", "--show", "search"), "--show is given twice; it counts once"
    yield ("nmt-translate", model, "--device", "tpu"), "device is 'tpu'"
    yield ("nmt-translate", model, "--device", "cuda:99"), "device is 'cuda:99', but there are"
    yield ("nmt-translate", model, "--nbest", 7), "--nbest 7 needs --beam-size 7 or --sample 7, or more"
    yield ("nmt-translate", model, "--top-p", 0.5), "--top-p needs --sample"
    yield ("nmt-translate", model, "--sample", 1, "--top-p", 1.5), "top_p is 1.5; it must be from"
    yield ("nmt-translate", model, "--sample", 1, "--beam-size", 2), "--sample and --beam-size exclude each other"
    yield ("nmt-translate", model, "--score", "--prefix"), "not allowed with argument"
    for option in ("--nbest", "--beam-size", "--sample", "--mbr", "--no-repeat-ngram", "--repetition-penalty"):
        yield ("nmt-translate", model, "--score", option, 2), f"--score searches nothing; leave {option} out"
    for option, message in {"--score": "--score searches nothing", "--prefix": "--prefix is how a whole"}.items():
        yield ("nmt-translate", model, option, "--split", "sentences"), message
    yield ("nmt-translate", model, "--score", "--seed", 0), "--score searches nothing; leave --seed out"
    yield ("nmt-translate", model, "--utility", "chrf"), "--utility needs --mbr"
    yield ("nmt-translate", model, "--sample", 2, "--mbr", 2), "--mbr N draws N samples itself; leave --sample out"
    yield ("nmt-translate", model, "--mbr", 2, "--utility", "ter"), "argument --utility: invalid choice: 'ter'"
    yield ("nmt-evaluate", model), "give --src and --ref"
    yield ("nmt-evaluate", model, "--src", tmp_path / "x", "--ref", short), "x is missing"
    yield ("nmt-evaluate", model, "--src", corpus_dir / "valid.de", "--ref", short), "has 20 lines but"
    files = ("--src", corpus_dir / "valid.de", "--ref", corpus_dir / "valid.en")
    yield ("nmt-evaluate", model, *files, "--tune", "--beam-size", 1), "--tune is for beam search"
    yield ("nmt-evaluate", model, *files, "--tune", "--beam-size", 3, "--mbr", 3), "leave one of them out"
    yield ("nmt-evaluate", model, *files, "--tune", "--beam-size", 3, "--split", "sentences"), "leave --split out"
    yield ("nmt-evaluate", model, *files, "--save"), "--save needs --tune"
    yield ("nmt-evaluate", model, *files, "--train", "a"), "--train needs --rare"
    yield ("nmt-evaluate", model, *files, "--foreign", "a"), "--foreign needs --rare"
    yield ("nmt-evaluate", model, *files, "--rare", "--foreign", tmp_path / "x"), "x is missing"
    yield ("nmt-evaluate", model, *files, "--rare", "--train", tmp_path), "is a folder, not a file"
    yield ("nmt-evaluate", model, *files, "--output", short / "x"), "x: Not a directory"
    yield ("nmt-compare", model, short, *files), "has 20 lines but"
    yield ("nmt-compare", model, tmp_path, *files), "is no model directory: it has no config.json"
    yield ("nmt-compare", model, corpus_dir / "valid.en", *files, "--train", tmp_path / "x"), "x is missing"
    again = ("--foreign", short, "--foreign", short)  # their counts would be one
    yield ("nmt-evaluate", model, *files, "--rare", *again), "another text of the report is called short.en"
    yield ("nmt-evaluate", model, *files, "--tune", "--rare"), "leave --rare out"
    yield ("nmt-evaluate", model, "--testset", "wmt14"), "--testset needs --langpair"
    both = ("--testset", "wmt14", "--langpair", "de-en")
    yield ("nmt-evaluate", model, *files, *both), "or --testset and --langpair, not both"
    yield ("nmt-lab",), "no experiment is given; choose one of: memory"
    yield ("nmt-lab", "memry"), "'memry' is no experiment"
    yield ("nmt-lab", "translation", "cell=gru"), "cell=gru is one of several here; say cells=[gru]"
    yield ("nmt-inspect", model, " "), "the sentence is empty"
    yield ("nmt-inspect", model, "Anna.", "--output", tmp_path / "a.xyz"), "xyz"
    yield ("nmt-inspect", model, "Anna.", "--alignment", "much"), "--alignment is 'much'; it takes a weight"
    for weight in ("nan", "-0.1", "1.1"):
        yield ("nmt-inspect", model, "Anna.", "--alignment", weight), f"--alignment is '{weight}'; it takes a weight"
    yield ("nmt-inspect", model, "Anna.", "--src", short), "give a sentence or --src, not both"
    yield ("nmt-inspect", model, "--src", short, "--line", 2), "--line is 2, but there are 1 lines"
    yield ("nmt-inspect", model, "Anna.", "--json", "--output", tmp_path / "j.json"), "leave --output out"
    for option in ("--json", "--show=gates", f"--output={short}", f"--beside={model}", "--line=0"):
        left_out = f"leave {option.partition('=')[0]} out"
        yield ("nmt-inspect", model, "--src", short, "--alignment", "0.1", option), left_out
    yield ("nmt-inspect", model, "Anna.", "--alignment", ""), "--alignment is ''; it takes a weight"
    yield ("nmt-inspect", model, "Anna.", "--beside", model), "--beside is for the gradients; add --show gradients"
    for other in (model, "hf://user/model"):
        yield (
            ("nmt-inspect", model, other),
            f"{other} is a model, not a sentence; one model is looked at, and --beside",
        )


def test_what_is_wrong_is_said_in_one_line_with_exit_code_2(trained, corpus_dir, tmp_path, monkeypatch, run_here):
    monkeypatch.setattr("nmt.translation.workers.Workers.translate", None)  # it is said before anything is translated
    for (name, *arguments), message in bad_calls(trained, corpus_dir, tmp_path):
        _, out, err = run_here(name, *arguments, code=2)
        assert out == ""
        (line,) = err.splitlines()
        assert line.startswith(f"{name}: ")
        assert message in line


@pytest.mark.parametrize(
    "name", ["nmt-train", "nmt-translate", "nmt-evaluate", "nmt-inspect", "nmt-compare", "nmt-lab"]
)
def test_every_command_explains_itself(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    result = command(name, "--help")
    assert result.returncode == 0
    assert b"nmt-" in result.stdout
