"""Optimisers and learning rates against the paper's numbers."""

import pytest
import torch
from torch import nn
from torch.optim import SGD, RMSprop

from pipeline.training.recipe import Schedule, make_optimizer


def _network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


def _rates(recipe: str, schedule: Schedule) -> list[float]:
    optimizer, rate = make_optimizer(recipe, _network(), schedule)
    rates = []
    for _ in range(schedule.steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        rate.step()
    return rates


def test_the_paper_recipe_is_section_6_1() -> None:
    schedule = Schedule(batch_size=96, steps_per_epoch=3, epochs=4)
    optimizer, _ = make_optimizer("paper", _network(), schedule)
    assert isinstance(optimizer, RMSprop)
    assert (optimizer.defaults["alpha"], optimizer.defaults["momentum"]) == (0.9, 0.9)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [4e-5, 0.0]
    rates = _rates("paper", schedule)
    assert rates == pytest.approx([0.045 * 0.98**epoch for epoch in range(4) for _ in range(3)])


def test_rates_follow_the_batch() -> None:
    for recipe in ("paper", "short"):
        small, large = (make_optimizer(recipe, _network(), Schedule(batch, 2, 2))[0] for batch in (24, 96))
        assert large.defaults["lr"] == pytest.approx(4 * small.defaults["lr"])


@pytest.mark.parametrize("schedule", [Schedule(64, 50, 10), Schedule(8, 1, 1), Schedule(8, 1, 2)])
def test_the_short_recipe_rises_once_and_falls_to_nothing(schedule: Schedule) -> None:
    optimizer, _ = make_optimizer("short", _network(), schedule)
    assert isinstance(optimizer, SGD)
    rates = _rates("short", schedule)
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert max(rates) == pytest.approx(optimizer.defaults["lr"])
    assert min(rates) > 0
    if schedule.steps > 100:
        assert rates[-1] < 0.001 * max(rates)


def test_only_weights_are_decayed() -> None:
    network = _network()
    optimizer, _ = make_optimizer("short", network, Schedule(64, 2, 2))
    decayed, kept = (group["params"] for group in optimizer.param_groups)
    assert [parameter.ndim for parameter in decayed] == [4]
    assert [parameter.ndim for parameter in kept] == [1, 1, 1]
    assert all(isinstance(parameter, torch.nn.Parameter) for parameter in kept)
