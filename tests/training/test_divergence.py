"""What is not finite never reaches the weights, and a run that diverges says so or goes back."""

from __future__ import annotations

import math
import re
import shutil
from types import SimpleNamespace

import pytest
import torch
import toy
from safetensors.torch import load_file

from nmt.data.corpora import FileCorpus
from nmt.training import divergence
from nmt.training.divergence import DivergenceError, Updates, described, is_finite_update, nan_if_not_finite
from nmt.training.module import TrainingModule
from nmt.training.run import train


def poisoned(monkeypatch, poison, calls):
    """The loss of the training steps with these numbers, counted over all starts, goes through `poison`."""
    original, count = TrainingModule.loss, [0]

    def loss(self, batch):
        value, nll = original(self, batch)
        if torch.is_grad_enabled() and self.trainer.fit_loop.epoch_loop.batch_progress.current.ready:
            count[0] += 1
            if count[0] in calls:
                return poison(self, value), nll
        return value, nll

    monkeypatch.setattr(TrainingModule, "loss", loss)


def unpadded(rows, lengths):
    return [ids[:length].tolist() for ids, length in zip(rows, lengths, strict=True)]


def explode(module, loss):
    """The loss is finite, its gradient is not."""
    return loss + (module.model.output_bias[5] - module.model.output_bias[5].detach()).abs().sqrt()


@pytest.mark.parametrize(
    "poison", [lambda module, loss: loss * math.nan, lambda module, loss: loss + math.inf, explode]
)
def test_an_update_that_is_not_finite_changes_nothing(corpus_dir, tmp_path, monkeypatch, caplog, poison):
    poisoned(monkeypatch, poison, calls={4})
    before = []
    step = torch.optim.AdamW.step

    def watched(self, closure=None):
        weights = [p.detach().clone() for group in self.param_groups for p in group["params"]]
        result = step(self, closure)
        after = [p for group in self.param_groups for p in group["params"]]
        before.append(all(torch.equal(a, b) for a, b in zip(weights, after, strict=True)))
        return result

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    config = toy.run_config(corpus_dir, tmp_path, trainer__max_epochs=1, optim__weight_decay=0.1)
    run_dir = train(config).model_dir.parent
    assert [i for i, same in enumerate(before) if same] == [3]
    assert all(w.isfinite().all() for w in load_file(run_dir / "model" / "model.safetensors").values())
    assert (
        "an update is not finite and is left out: the one after step 3 (of the training text the lines" in caplog.text
    )


def test_a_diverged_run_can_stop_and_name_the_lines(corpus_dir, tmp_path, monkeypatch):
    poisoned(monkeypatch, explode, calls=range(5, 99))
    settings = {"trainer__on_divergence": "stop", "trainer__max_skipped": 2, "trainer__max_tokens": 64}
    with pytest.raises(
        DivergenceError, match="3 updates in a row were not finite; the last is the one after step 6"
    ) as error:
        train(toy.run_config(corpus_dir, tmp_path, **settings))
    lines = [
        int(number)
        for number in str(error.value).split("the lines ")[1].split(")")[0].replace(" and", ",").split(", ")
        if number.isdigit()
    ]
    lengths = [
        len(pair.src) for pair in FileCorpus("de", "en", dir=str(corpus_dir)).pairs("train") if pair.line in lines
    ]
    assert len(lengths) == len(lines) > 0
    assert max(lengths) - min(lengths) < 9  # a batch holds lines of like lengths


def test_a_diverged_batch_of_a_text_of_several_parts_names_the_part_of_each_line(corpus_dir, tmp_path, monkeypatch):
    text = shutil.copytree(corpus_dir, tmp_path / "text")
    for code in ("de", "en"):
        lines = (text / f"train.{code}").read_text(encoding="utf-8").splitlines(keepends=True)
        (text / f"train.{code}").write_text("".join(lines[:50]), encoding="utf-8")
        (text / f"more.{code}").write_text("".join(lines[50:]), encoding="utf-8")
    poisoned(monkeypatch, explode, calls=range(1, 99))
    settings = {"trainer__on_divergence": "stop", "trainer__max_skipped": 0, "data__train": "train+more"}
    seen = []
    step = TrainingModule.training_step

    def watched(self, batch, batch_idx):
        seen.extend(self.prepared.tokenizer.decode_tgt(ids[:-1]) for ids in unpadded(batch.tgt_out, batch.tgt_len))
        return step(self, batch, batch_idx)

    monkeypatch.setattr(TrainingModule, "training_step", watched)
    with pytest.raises(DivergenceError) as error:
        train(toy.run_config(text, tmp_path, trainer__max_tokens=128, **settings))
    named = []
    for part in ("train", "more"):
        lines = (text / f"{part}.en").read_text(encoding="utf-8").splitlines()
        (numbers,) = re.findall(rf"of {part} the lines ([\d, ]+)", str(error.value))
        named += [lines[int(number) - 1] for number in numbers.split(", ")]
    assert sorted(named) == sorted(seen)


@pytest.fixture
def _asked_later(monkeypatch):
    """As on a GPU."""
    monkeypatch.setattr(divergence, "is_known_at_once", lambda norm, scale: False)


def test_a_gpu_that_is_asked_later_makes_the_same_model(corpus_dir, tmp_path, monkeypatch, caplog):
    settings = {"trainer__max_epochs": 2, "optim__weight_decay": 0.1, "trainer__log_every_steps": 3}
    models, messages = [], []
    for name, at_once in (("at once", True), ("later", False)):
        with monkeypatch.context() as patched:
            patched.setattr(divergence, "is_known_at_once", lambda norm, scale, at_once=at_once: at_once)
            poisoned(patched, explode, calls={1, 4, 5, 11})
            caplog.clear()
            run_dir = train(toy.run_config(corpus_dir, tmp_path / name, **settings)).model_dir.parent
        models.append(load_file(run_dir / "model" / "model.safetensors"))
        messages.append([text for text in caplog.messages if "not finite" in text])
    assert all(torch.equal(weight, models[1][name]) for name, weight in models[0].items())
    assert messages[0] == messages[1]
    assert len(messages[0]) == 4


@pytest.mark.usefixtures("_asked_later")
@pytest.mark.parametrize("log_every", [2, 1000])
def test_a_gpu_that_is_asked_later_still_counts_how_many_were_bad_in_a_row(
    corpus_dir, tmp_path, monkeypatch, log_every
):
    settings = {"trainer__on_divergence": "stop", "trainer__max_skipped": 2, "trainer__max_epochs": 1}
    settings |= {"trainer__max_tokens": 64, "trainer__log_every_steps": log_every}
    poisoned(monkeypatch, explode, calls={2, 3, 5, 6, 7, 9})
    with pytest.raises(DivergenceError, match="3 updates in a row were not finite; the last is the one after step 6"):
        train(toy.run_config(corpus_dir, tmp_path, **settings))


@pytest.mark.usefixtures("_asked_later")
def test_what_a_gpu_left_out_is_in_the_checkpoint(corpus_dir, tmp_path, monkeypatch):
    saved = []
    state_dict = divergence.Updates.state_dict

    def watched(self):
        saved.append(state_dict(self))
        return saved[-1]

    monkeypatch.setattr(divergence.Updates, "state_dict", watched)
    poisoned(monkeypatch, explode, calls={2, 3})
    settings = {"trainer__checkpoint_every_steps": 3, "trainer__log_every_steps": 50, "trainer__max_epochs": 1}
    train(toy.run_config(corpus_dir, tmp_path, **settings))
    assert saved[0] == {"skipped": 2}
    assert saved[-1] == {"skipped": 0}


@pytest.mark.parametrize("between", [4, 2])  # checkpoints: the second return is to the same one, or to a later one
def test_a_diverged_run_goes_back_and_on_at_half_the_rate_each_time(corpus_dir, tmp_path, monkeypatch, between):
    rates = []
    start = TrainingModule.on_train_batch_start

    def watched(self, batch, batch_idx):
        rates.append((self.trainer.global_step, self.trainer.optimizers[0].param_groups[0]["lr"]))
        start(self, batch, batch_idx)

    monkeypatch.setattr(TrainingModule, "on_train_batch_start", watched)
    poisoned(monkeypatch, explode, calls={6, 7, 8, 12, 13, 14, 19, 20, 21})
    settings = {"trainer__max_skipped": 2, "trainer__checkpoint_every_steps": between, "trainer__max_epochs": 2}
    run_dir = train(toy.run_config(corpus_dir, tmp_path, **settings)).model_dir.parent
    by_return = {}
    for step, rate in rates:
        by_return.setdefault(rate, []).append(step)
    assert [rate / rates[0][1] for rate in by_return] == [1, 0.5, 0.25, 0.125]
    assert all(steps == list(range(steps[0], steps[-1] + 1)) for steps in by_return.values())
    assert "3 updates in a row were not finite" in (run_dir / "train.log").read_text()


def test_a_run_that_diverges_again_and_again_begins_anew_ever_slower_and_stops(corpus_dir, tmp_path, monkeypatch):
    rates = []
    loss = TrainingModule.loss

    def watched(self, batch):
        rates.append(self.trainer.optimizers[0].param_groups[0]["lr"])
        return loss(self, batch)

    monkeypatch.setattr(TrainingModule, "loss", watched)
    poisoned(monkeypatch, explode, calls=range(3, 999))
    with pytest.raises(DivergenceError, match="try a lower optim.learning_rate"):
        train(toy.run_config(corpus_dir, tmp_path, trainer__max_skipped=0))
    assert [rate / rates[0] for rate in dict.fromkeys(rates)] == [0.5**n for n in range(6)]


@pytest.mark.parametrize(
    ("norm", "loss", "scale", "sense"),
    [
        (1.0, 1.0, None, True),
        (math.inf, 1.0, None, False),
        (math.inf, 1.0, 65536.0, True),  # float16's scaler lowers its scale, and leaves the update out itself
        (math.inf, 1.0, 1.0, False),
        (math.nan, math.nan, 65536.0, False),
    ],
)
def test_overflow_in_float16_is_no_divergence(norm, loss, scale, sense):
    assert is_finite_update(torch.tensor(norm), torch.tensor(loss), scale) == sense


def test_in_float16_what_is_not_finite_is_the_loss_of_its_own_update():
    updates = Updates(clip_norm=0.0, max_skipped=5)
    updates.load_state_dict({"skipped": 2})  # before the run went on
    trainer = SimpleNamespace(
        precision_plugin=SimpleNamespace(scaler=SimpleNamespace(get_scale=lambda: 65536.0)),
        global_step=7,
        accumulate_grad_batches=1,
        datamodule=SimpleNamespace(batches_done=3, lines=lambda batches: [], prepared=SimpleNamespace(parts=["x"])),
    )
    parameter = torch.nn.Parameter(torch.ones(1))
    module = SimpleNamespace(parameters=lambda: [parameter])
    for loss, gradient, skipped in ((math.nan, math.nan, 3), (1.0, math.inf, 0), (1.0, 99.0, 0)):
        parameter.grad = torch.tensor([gradient])
        updates.on_before_backward(trainer, module, torch.tensor(loss))
        updates.on_before_optimizer_step(trainer, module, None)
        assert updates.state_dict() == {"skipped": skipped}
        assert (parameter.grad is None) == bool(skipped)
    assert parameter.grad == 99  # not clipped


def test_of_many_lines_the_first_are_named():
    assert described([("a", n) for n in range(22)], ["a"]).endswith(" 18, 19 and 2 more")
    assert described([("a", 3), ("b", 1), ("a", 9)], ["a", "b"]) == "of a the lines 3, 9; of b the lines 1"


def test_a_guarded_loss_is_the_same_to_the_bit_and_spreads_what_is_not_finite():
    for value in (0.1, -3e38, 1e-40):
        loss = torch.tensor(value, requires_grad=True)
        nan_if_not_finite(loss).backward()
        assert nan_if_not_finite(loss) == loss
        assert loss.grad == 1
    weights = torch.tensor([2.0, 0.0], requires_grad=True)
    nan_if_not_finite((weights * torch.tensor([1.0, 0.0])).sum() + math.inf).backward()
    assert weights.grad.isnan().all()
