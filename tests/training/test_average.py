from __future__ import annotations

import torch
from torch import nn

from nmt.config import OptimConfig
from nmt.training.average import EVERY, Averages, LastMean, MovingAverage


def test_the_mean_follows_the_weights():
    model = nn.Linear(3, 2)
    average = MovingAverage(model, 0.9)
    mean = model.weight.detach().clone()
    for step in range(1, 41):
        with torch.no_grad():
            model.weight += torch.randn(2, 3)
        average.after_update(model, step)
        if step % EVERY == 0:
            decay = min(0.9**EVERY, (1 + step // EVERY) / (10 + step // EVERY))
            mean = decay * mean + (1 - decay) * model.weight.detach()
    torch.testing.assert_close(average.mean()[0], mean)


def test_the_weights_come_back_whatever_happens():
    model = nn.Linear(3, 2)
    averages = Averages(model, OptimConfig(learning_rate=0.1, schedule="constant", average_decay=0.9))
    with torch.no_grad():
        model.weight.fill_(5)
    with averages.applied(None, model):
        assert (model.weight == 5).all()
    try:
        with averages.applied("moving", model):
            assert not (model.weight == 5).all()
            raise KeyError
    except KeyError:
        pass
    assert (model.weight == 5).all()


def test_the_mean_is_in_the_state_of_a_model():
    model = nn.Sequential(nn.Linear(3, 2))
    average = MovingAverage(model, 0.9)
    other = MovingAverage(nn.Sequential(nn.Linear(3, 2)), 0.9)
    other.load_state_dict(average.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(average.buffers(), model.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(other.buffers(), average.buffers(), strict=True))


def test_the_last_weights_are_averaged_once_there_are_two():
    model, seen = nn.Linear(3, 2), []
    average = LastMean(model, 3)
    for count in range(1, 6):
        with torch.no_grad():
            model.weight.normal_()
        seen.append(model.weight.detach().clone())
        average.before_validation(model)
        means = average.mean()
        assert (means is None) == (count == 1)
        if means:
            torch.testing.assert_close(means[0], torch.stack(seen[-3:]).mean(0))
    other = LastMean(nn.Linear(3, 2), 3)
    other.load_state_dict(average.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(other.mean(), average.mean(), strict=True))
