"""What a run refuses before it starts, and how it counts machines."""

from pathlib import Path

import pytest
from lightning.fabric.utilities.exceptions import MisconfigurationException

from pipeline.errors import SixfoldError
from pipeline.params import ModelParams, TrainParams
from pipeline.training import fit
from tests.training.datasets import tiny_dataset

MODEL = ModelParams(width=0.1, stem_stride=1, dropout=0.2, init="scratch", seed=0)
TRAIN = TrainParams(recipe="short", epochs=1, batch_size=8, augmentation="none", devices=1, seed=0)


def test_devices_that_are_not_there_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_options: object) -> None:
        raise MisconfigurationException("You requested gpu: [0, 1]\n But your machine only has: [0]")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fit.pl, "Trainer", refuse)
    with pytest.raises(SixfoldError, match=r"train\.devices: 1 cannot be used here \(You requested") as caught:
        fit.fit(tiny_dataset(tmp_path), MODEL, TRAIN)
    assert "\n" not in str(caught.value)


def test_imagenet_weights_need_width_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SixfoldError, match=r"set model\.width to 1\.0"):
        fit.fit(tiny_dataset(tmp_path), MODEL.model_copy(update={"init": "imagenet"}), TRAIN)


@pytest.mark.parametrize(
    ("environment", "nodes"), [({}, 1), ({"GROUP_WORLD_SIZE": "3"}, 3), ({"SLURM_NNODES": "4"}, 4)]
)
def test_nodes_are_what_the_launcher_says(
    environment: dict[str, str], nodes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GROUP_WORLD_SIZE", "SLURM_NNODES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert fit._nodes() == nodes
