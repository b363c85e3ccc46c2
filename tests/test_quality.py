"""The comparison with other toolkits, using stand-ins that train for a second: saved, chosen and tested models."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import pytest
import yaml

SCRIPTS = Path(__file__).parent.parent / "scripts"

# Saves models repeatedly: files that contain the number of correct sentences in ten. The fifth is the best.
TRAIN = """
import sys, time
from pathlib import Path
run, skill, log = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
run.mkdir(parents=True)
print("number of parameters: 1234567")
log.open("a").write(f"train {skill}\\n")
for number in range(1000):
    (run / f"model_step_{number}.pt").write_text(str(skill + 4 * (number == 4)))
    time.sleep(0.1)
"""
# Translates this number of sentences in ten correctly; in the others, and in "one.txt", the last word is wrong.
TRANSLATE = """
import sys
from pathlib import Path
model, src, output, log = map(Path, sys.argv[1:5])
beam, skill = sys.argv[5], int(model.read_text())
refs = src.with_suffix(".en").read_text().splitlines() if src.suffix == ".de" else ["x"]
log.open("a").write(f"{src.stem} {skill} {beam}\\n")
output.write_text("".join(" ".join(r.split()[:-1] + ["?"] * (i % 10 >= skill)) + "\\n" for i, r in enumerate(refs)))
"""


@pytest.fixture
def bench(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import bench_quality
    from bench.quality import systems

    def fake(skill, kind="recurrent", train=TRAIN):
        return systems.System(
            kind,
            lambda place: ["-c", train, str(place.run), str(skill), str(tmp_path / "told")],
            systems.newest("model_step_*.pt"),
            lambda place, model, src, output, beam: [
                *("-c", TRANSLATE),
                *map(str, (model, src, output, tmp_path / "told", beam)),
            ],
            re.compile(r"number of parameters: (\d+)"),
        )

    monkeypatch.setattr(systems, "WHOLE_S", 0.0)
    made = {"nmt": fake(5), "other": fake(2, "Transformer"), "broken": fake(1, train="import sys; sys.exit(3)")}
    for module in (bench_quality, systems):
        monkeypatch.setattr(module, "SYSTEMS", made)
    return bench_quality


def command(bench, monkeypatch, corpus_dir, tmp_path, *more):
    wanted = ["--pairs=40", "--minutes=0.02", "--points=2", "--test=test", f"--output={tmp_path / 'out'}"]
    wanted = [one for one in wanted if one.split("=")[0] not in [other.split("=")[0] for other in more]]
    monkeypatch.setattr(sys, "argv", ["bench_quality.py", str(corpus_dir), "de", "en", *wanted, *more])
    bench.main()


@pytest.fixture
def with_test(corpus_dir, tmp_path):
    """The tiny corpus, with a test set."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for path in corpus_dir.iterdir():
        (folder / path.name).symlink_to(path)
    for code in ("de", "en"):
        (folder / f"test.{code}").write_text((corpus_dir / f"valid.{code}").read_text())
    return folder


def test_systems_train_then_validation_chooses_and_the_test_is_last(bench, monkeypatch, with_test, tmp_path, capsys):
    more = ("--systems=nmt,other,broken", "--for=40:tokenizer.vocab_size=320", "--valid-lines=15")
    with pytest.raises(SystemExit, match="1"):  # one is broken
        command(bench, monkeypatch, with_test, tmp_path, *more)
    output, told = tmp_path / "out", (tmp_path / "told").read_text().splitlines()
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| 40 ")]
    ours, other = (json.loads((output / f"40/0.02/{name}/trained.json").read_text()) for name in ("nmt", "other"))
    assert [row.split(" | ")[2].split()[0] for row in rows] == ["nmt", "other"]
    assert "| 1.23 M |" in rows[0]
    assert ours["pieces"] == 320
    assert ours["minutes"] >= 0.02
    assert [point["mark"] for point in ours["curve"]] == [1, 2, 3]
    assert ours["valid_bleu"] == max(point["bleu"] for point in ours["curve"]) > other["valid_bleu"]
    # All tests (with a beam) run after all trainings and (greedy) validations.
    tests = [number for number, line in enumerate(told) if line.startswith("test ")]
    assert tests[0] > max(number for number, line in enumerate(told) if line.startswith(("train", "judged")))
    assert [told[number].split()[2] for number in tests] == ["5", "5"]
    assert {line.split()[2] for line in told if line.startswith("judged")} == {"1"}
    found = json.loads((output / "40/0.02/compared.json").read_text())["tests"]["test"]
    assert found["nmt"]["bleu"]["p_value"] is None
    assert found["other"]["bleu"]["p_value"] < 0.05
    assert rows[1].endswith(f"| {found['other']['bleu']['p_value']:.4f} |")
    assert (output / "table.md").read_text().startswith("| pairs |")
    assert "<svg" in (output / "curves.svg").read_text()
    # The same command repeats only failed systems.
    with pytest.raises(SystemExit, match="1"):  # one is broken
        command(bench, monkeypatch, with_test, tmp_path, *more)
    assert (tmp_path / "told").read_text().splitlines() == told
    assert "FAILED: broken does not train" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("--systems=nmt,marian", "--systems has 'marian'; choose among: nmt"),
        ("--for=experiment=multi30k", "it must be PAIRS:OVERRIDE"),
        ("--pairs=100000", "pairs, so no 100000"),
        ("--minutes=0", "each must be above 0"),
        ("--threads=4000", "need more cores"),
    ],
)
def test_what_cannot_be_compared_costs_one_line(bench, monkeypatch, with_test, tmp_path, capsys, more, message):
    with pytest.raises(SystemExit) as stopped:
        command(bench, monkeypatch, with_test, tmp_path, more)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "told").exists()


def test_a_command_is_ended_by_its_signal_and_killed_if_it_does_not_hear(bench, monkeypatch, tmp_path):
    from bench.quality import process

    monkeypatch.setattr(process, "GRACE_S", 0.3)
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    began = time.monotonic()
    used = process.run([sys.executable, "-c", deaf], tmp_path / "log", tmp_path, 1, limit_s=1.0)
    assert time.monotonic() - began < 20
    assert used.timed_out
    assert not used.ended_well
    busy = "import time; time.sleep(1.5)\nwhile True: pass"
    used = process.run([sys.executable, "-c", busy], tmp_path / "log", tmp_path, 1, limit_s=0.5, clock="processor")
    assert used.timed_out
    assert used.seconds > 1.5 + 0.3  # sleeping does not count
    assert used.cpu_seconds >= 0.5
    used = process.run([sys.executable, "-c", "x = bytearray(50_000_000)"], tmp_path / "log", tmp_path, 1)
    assert used.ended_well
    assert used.peak_bytes > 50_000_000


def test_a_model_is_kept_while_the_next_one_is_written(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from bench.quality.systems import keep

    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / ".model.safetensors-x1").symlink_to(tmp_path / "gone")  # a temporary file renamed before the copy
    keep(model, tmp_path / "kept")
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["config.json"]


def test_our_own_training_is_told_a_path_of_any_characters(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from bench.quality.systems import SYSTEMS, Place
    from bench.quality.text import Text

    from nmt.cli.app import parsed_overrides

    folder = tmp_path / "a, b=c's"
    place = Place(folder, Text(folder / "text", "de", "en", ("test",), (), 1234, 567), 1, 1, tmp_path)
    _, _, *overrides = SYSTEMS["nmt"].train(place)
    told = {one.key_or_group: one.value() for one in parsed_overrides(overrides)}
    wanted = {"runs_dir": folder, "data.dir": folder / "text", "cache_dir": folder / "cache"}
    assert {key: told[key] for key in wanted} == {key: str(path) for key, path in wanted.items()}


@pytest.mark.parametrize("name", ["opennmt-rnn", "opennmt-transformer", "joeynmt-transformer", "fairseq-transformer"])
def test_a_peer_has_the_pieces_and_batches_that_are_ours(monkeypatch, name, tmp_path):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from bench.quality.systems import SYSTEMS, Place
    from bench.quality.text import Text

    text = Text(tmp_path / "a, b: c", "de", "en", ("test",), (), 1234, 567)
    place = Place(tmp_path, text, 1, 1, tmp_path)
    arguments = SYSTEMS[name].train(place)
    if files := [one for one in arguments if one.endswith(".yaml")]:
        settings = str(yaml.safe_load(Path(files[0]).read_text()))
        assert f"{tmp_path}/a, b: c/tokenizer.model" in settings
    else:
        settings = " ".join(arguments)
    assert f"{tmp_path}/a, b: c" in settings
    assert f"{tmp_path}/run" in settings
    assert "567" in re.findall(r"\d+", settings)
    assert "$" not in settings
    found = SYSTEMS[name].translate(place, Path("model"), Path("src"), Path("hyp"), 5)
    assert any("5" in one for one in found)
    assert "model" in " ".join(found)
    assert SYSTEMS[name].version[0].isdigit()
