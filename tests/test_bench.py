"""The benchmark scripts run, and count correctly. No test depends on speed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import toy
import yaml
from commands import programs

from nmt.data.batching import collate

pytestmark = pytest.mark.long

SCRIPTS = Path(__file__).parent.parent / "scripts"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import bench_train

    return bench_train


@pytest.fixture(scope="module")
def little(tmp_path_factory):
    """Settings of a training that is short, of a text that is prepared once."""
    small = ["model.hidden_size=16", "model.embedding_size=8", "trainer.max_tokens=512", "trainer.threads=1"]
    short = ["--warm-up=1", "--updates=10", "trainer.accelerator=cpu"]
    return [*small, *short, f"cache_dir={tmp_path_factory.mktemp('cache')}"]


def printed(script, *arguments):
    """The lines of a script, and the object of its last line."""
    command = [programs() / "python3", SCRIPTS / script, "--json", *arguments]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return lines, json.loads(lines[-1])


def test_it_prints_one_object_last(little):
    _, found = printed("bench_train.py", *little)
    assert found["tgt_tokens_per_s"] > 0
    assert 0 < found["mfu"] < 1
    assert found["peers"] == []
    assert sum(found["parts"].values()) == pytest.approx(1, abs=0.01)
    assert all(share > 0 for share in found["parts"].values())


def test_cells_stand_in_a_table_beside_what_is_written_by_hand(little):
    lines, found = printed("bench_train.py", "--by-hand", "--cells=ssru,lstm", *little)
    assert list(found["cells"]) == ["ssru", "lstm"]
    by_hand = found["by_hand"]
    for name, row in found["cells"].items():
        assert row["over_by_hand"] == pytest.approx(row["tgt_tokens_per_s"] / by_hand["tgt_tokens_per_s"], abs=1e-3)
        assert row["operations"] > 100
        assert any(line.startswith(f"| {name} | {row['tgt_tokens_per_s']:,} |") for line in lines)
    assert by_hand["operations"] > 100
    assert "parts" not in by_hand


@pytest.mark.parametrize(("tie", "layers"), [("all", 1), ("target", 2), ("none", 1)])
@pytest.mark.parametrize("narrow", [False, True])
def test_what_is_written_by_hand_learns_and_sees_no_padding_in_its_loss(bench, tie, layers, narrow):
    if narrow and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        pytest.skip("this processor has no bfloat16 LSTM")
    config = toy.model_config(tie=tie, num_layers=layers)
    model = bench.ByHand(config, toy.VOCAB, toy.VOCAB)
    batch = collate([[5, 3], [6, 7, 5, 3]], [[2, 8, 4, 6, 3], [2, 3]])
    optimizer, losses = torch.optim.AdamW(model.parameters(), 0.02), []
    for _ in range(60):
        with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
            loss, _ = model.loss(*batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    other = batch._replace(
        tgt_out=batch.tgt_out.clone().index_put_((torch.tensor(1), torch.tensor(3)), torch.tensor(9))
    )
    assert model.loss(*other)[0] == model.loss(*batch)[0]


def test_what_a_gpu_is_told_to_do_is_counted_by_what_the_profiler_saw(bench, monkeypatch):
    from bench import timeline

    def event(device, name, begin, end):
        return SimpleNamespace(
            device_type=SimpleNamespace(name=device), name=name, time_range=SimpleNamespace(start=begin, end=end)
        )

    seen = [
        *(event("CPU", name, 0, 1) for name in ("aten::mm", "cudaLaunchKernel", "cudaGraphLaunch", "cudaMemcpy")),
        *(event("CUDA", name, 1e6 * i, 1e6 * i + 2e6) for i, name in enumerate(("gemm", "add", "Memcpy", "mul"))),
    ]
    profiler = SimpleNamespace(events=lambda: seen)
    monkeypatch.setattr(timeline, "profile", lambda **_: nullcontext(profiler))
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    found = timeline.started("cuda", lambda: None, 2, 10.0)
    assert found == {"kernels": 1.5, "launches": 1.0, "busy": 0.25}  # from 0 to 3 and from 3 to 5 seconds


def test_cells_are_timed_beside_the_lstm():
    few = ["--cells", "ssru", "mlstm", "--lengths", "3", "5", "--batch=2", "--size=8", "--rounds=2"]
    found = printed("bench_cells.py", *few, "--precision=float32")[1]["seconds"]
    assert list(found) == ["lstm", "ssru", "mlstm"]
    assert all(set(of_cell) == {"3", "5"} and min(of_cell.values()) > 0 for of_cell in found.values())


def test_useful_flops_are_six_for_each_weight_and_real_token(bench):
    from bench import training

    model = toy.model("lstm", "gnmt", "dot")
    src, tgt = [[5, 3], [6, 7, 5, 3]], [[2, 8, 3], [2, 3]]
    batch = collate(src, tgt)  # 6 source tokens, 3 target tokens
    config = model.config
    e, h, v = config.embedding_size, config.hidden_size, toy.VOCAB
    encoder = 2 * 4 * (h // 2) * (e + h // 2)
    decoder = 4 * h * (e + h) + e * 2 * h + v * e
    bridge = h * 2 * h
    pairs = 2 * 2 + 4 * 1
    expected = 6 * (6 * encoder + 3 * decoder + 2 * bridge + pairs * 2 * h)
    assert training.useful_flops(model, batch) == expected


def test_a_product_rate_is_a_rate(bench):
    assert bench.product_rate(torch.float32, "cpu", bench.time.perf_counter, size=64) > 0


@pytest.mark.parametrize("peer", ["opennmt", "joeynmt", "ctranslate2"])
def test_a_peer_reads_its_speed_from_its_log(bench, peer, tmp_path):
    lines = {
        "opennmt": "Step 10/120; acc: 7.0; ppl: 1; xent: 7.3; sents: 3; bsz: 9/ 8/ 5; 2100/1996 tok/s; 9 sec;",
        "ctranslate2": "Step 10/120; acc: 7.0; sents: 3; bsz: 9/ 8/ 5; 2100/1996 tok/s; 9 sec;",
        "joeynmt": "Epoch 1, Step: 10, Batch Loss: 5.4, Batch Acc: 0.1, Tokens per Sec: 1996, Lr: 0.001000",
    }
    assert bench.PEERS[peer].rate.findall(lines[peer]) == ["1996"]
    from bench import peers

    settings = yaml.safe_load(peers.settings(peer, tmp_path / "a, b: c" / "run", 10, 5))
    assert f"{tmp_path}/a, b: c/run" in str(settings)
    assert f"{tmp_path}/a, b: c/train" in str(settings)
    assert "$" not in str(settings)


@pytest.mark.parametrize(
    ("peer", "minutes", "ref", "message"),
    [
        ("opennmt", "soon", "two.txt", "could not convert string to float: 'soon'"),
        ("opennmt", "0", "two.txt", "0 minutes are no time to train for"),
        ("opennmt", "1", "nowhere.txt", "nowhere.txt is missing"),
        ("opennmt", "1", "empty.txt", "has 2 lines and"),
        ("joeynmt", "1", "two.txt", "--peer-trial needs --peer, of: opennmt"),
        (None, "1", "two.txt", "--peer-trial needs --peer, of: opennmt"),
    ],
)
def test_a_trial_that_cannot_be_made_is_refused_at_once(
    bench, peer, minutes, ref, message, tmp_path, monkeypatch, capsys
):
    (tmp_path / "two.txt").write_text("a\nb\n")
    (tmp_path / "empty.txt").write_text("")
    trial = ["--peer-trial", minutes, str(tmp_path / "two.txt"), str(tmp_path / ref)]
    monkeypatch.setattr(sys, "argv", ["bench_train.py", *(["--peer", peer] if peer else []), *trial])
    with pytest.raises(SystemExit) as stopped:
        bench.main()
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cell=lstmm"], "cell has no choice 'lstmm'; did you mean cell=lstm?"),
        (["+model.dropuot=0.5"], "model.dropuot is unknown"),
        (["data=files", "data.dir=nowhere", "data.src=de", "data.tgt=en"], "'nowhere', which is no folder"),
        (["--updates=3"], "--updates must be at least 10"),
        (["--cells=lstm", "--peer=opennmt"], "--cells are not measured beside a --peer"),
        (["--cells=lstm,gruu"], "cell has no choice 'gruu'; did you mean cell=gru?"),
    ],
)
def test_what_cannot_be_measured_costs_one_line(bench, arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench_train.py", f"cache_dir={tmp_path}", *arguments])
    with pytest.raises(SystemExit) as stopped:
        bench.main()
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_trial_scores_the_newest_checkpoint_that_opens(bench, tmp_path):
    from bench import peers

    (tmp_path / "src").write_text("eins\nzwei\n")
    (tmp_path / "ref").write_text("the first of four words\nthe second of four words\n")
    run = tmp_path / "run"
    run.mkdir()
    for time, name in enumerate(("model_step_25.pt", "model_step_50.pt")):
        (run / name).touch()
        os.utime(run / name, (time, time))
    trial = peers.Trial(1, tmp_path / "src", tmp_path / "ref")
    opened = []

    class Fake(peers.Installed):
        def __init__(self):
            self.run, self.log = run, run / "log"

        def translate(self, model, src, output, beam=5, batch=64):
            opened.append(model.name)
            if not opens or "model_step_25" not in model.name:
                return False
            output.write_text((tmp_path / "ref").read_text())
            return True

    opens = True
    assert peers.trial_bleu(Fake(), trial) == pytest.approx(100)
    assert opened == ["model_step_50.pt", "model_step_25.pt"]
    opens = False
    with pytest.raises(SystemExit, match="no checkpoint"):
        peers.trial_bleu(Fake(), trial)


def test_translation_is_measured_in_every_way(bundle_dir, corpus_dir, tmp_path):
    for side in ("de", "en"):
        lines = (corpus_dir / f"valid.{side}").read_text(encoding="utf-8").splitlines()[:6]
        (tmp_path / f"few.{side}").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    few = ["--src", tmp_path / "few.de", "--ref", tmp_path / "few.en", "--repeats=1", "--latency-sentences=3"]
    _, found = printed("bench_translate.py", bundle_dir, *few, "--compute=float32", "--workers=2")
    ways = {(row["search"], row["batch"], row["compute"], row["shortlist"]) for row in found["rows"]}
    assert ways == {
        (search, batch, "float32", shortlist)
        for search in ("greedy", "beam 5")
        for batch in ("file", 64, 1)
        for shortlist in (True, False)
    }
    assert all(row["sentences_per_s"] > 0 and row["src_tokens_per_s"] > 0 for row in found["rows"])
    assert all(row["limit_sentences_per_s"] > 0 for row in found["rows"])
    assert all((row["bleu"] is None) == (row["batch"] == 1) == (row["p50_ms"] is not None) for row in found["rows"])
    assert found["cold_start_over_import_torch"] > 0.5
    assert found["peers"] == []


def test_the_limit_of_a_translation_counts_each_product_with_a_weight(bench):
    import torch
    from bench.limits import Work

    from nmt.engine.products import float32_product, int8_product, quantised

    x, weight, bias = torch.randn(3, 7), torch.randn(5, 7), torch.zeros(5)
    for product in (float32_product(weight, bias), int8_product(*quantised(weight), bias), lambda x: x @ weight.T):
        with Work() as work:
            product(x)
        assert work.multiply_adds == 3 * 7 * 5
        assert work.operations >= 1


def test_a_peers_speed_is_its_time_for_all_less_its_time_for_one(bench, tmp_path, monkeypatch):
    from bench import peers
    from bench.peers import translation

    (tmp_path / "src").write_text("eins\nzwei\ndrei\nvier\n")
    (tmp_path / "ref").write_text("one\ntwo\nthree\nfour\n")

    class Fake:
        name, run, peer = "opennmt", tmp_path, peers.PEERS["opennmt"]

    def timed(peer, model, texts, beam, batch):
        (tmp_path / "hyp.txt").write_text((tmp_path / "ref").read_text())
        return 5 + 0.5 * len(texts)

    monkeypatch.setattr(translation, "timed", timed)
    rows = translation.translation_rows(Fake, tmp_path, tmp_path / "src", tmp_path / "ref", 3, 2)
    assert [(row["search"], row["batch"]) for row in rows] == [
        (search, batch) for search in ("greedy", "beam 5") for batch in (64, 1)
    ]
    assert all(row["sentences_per_s"] == 2 for row in rows)
    assert [row.get("bleu") is not None for row in rows] == [True, False, True, False]


def test_a_peer_is_told_what_to_translate(bench):
    from bench import peers

    model, src, hyp = (Path(name) for name in ("model", "src", "hyp"))
    found = peers.PEERS["opennmt"].translate(model, src, hyp, 5, 64, 2)
    assert {"-model=model", "-src=src", "-output=hyp", "-beam_size=5", "-batch_size=64"} <= set(found)
    found = peers.PEERS["ctranslate2"].translate(model, src, hyp, 5, 64, 2)
    assert found[1:] == ["model", "tokenizer.model", "src", "hyp", "5", "64", "2"]
    assert Path(found[0]).exists()
