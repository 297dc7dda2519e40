"""model.pt: bytes, safety, damage."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.errors import SixfoldError
from pipeline.models.checkpoint import FORMAT, load_model, save_model
from pipeline.models.mobilenet_v2 import Architecture, MobileNetV2

SMALL = Architecture(0.1, 3, 1, 2, 0.1)


def _model(seed: int = 0) -> MobileNetV2:
    torch.manual_seed(seed)
    return MobileNetV2(SMALL)


def test_round_trip(tmp_path: Path) -> None:
    model = _model()
    save_model(tmp_path / "model.pt", model)
    loaded = load_model(tmp_path / "model.pt")
    assert loaded.architecture == SMALL
    assert not loaded.training
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)


def test_equal_weights_are_equal_bytes(tmp_path: Path) -> None:
    model = _model()
    save_model(tmp_path / "one.pt", model)
    # Another file name, another memory layout, and tensors and names that come out of a file.
    save_model(tmp_path / "other.pt", load_model(tmp_path / "one.pt").to(memory_format=torch.channels_last))
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "other.pt").read_bytes()


def test_the_file_is_plain(tmp_path: Path) -> None:
    save_model(tmp_path / "model.pt", _model())
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    assert sorted(content) == ["architecture", "format", "state_dict"]
    assert type(content["state_dict"]) is dict


class Bomb:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, ("touch exploded",)


def _edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    save_model(path, _model())
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(format="other"), "format: not a checkpoint that stage train wrote"),
        (lambda c: c.pop("architecture"), "do not agree"),
        (lambda c: c["architecture"].update(depth=2), "do not agree"),
        (lambda c: c["architecture"].update(num_classes=4), "do not agree"),
        (lambda c: c["state_dict"].pop("features.0.0.weight"), "do not agree"),
        (
            lambda c: c["state_dict"]["features.3.conv.1.0.weight"].view(-1)[:2].fill_(float("nan")),
            r"features\.3\.conv\.1\.0\.weight: 2 of \d+ values are NaN or infinite",
        ),
        (lambda c: c["state_dict"]["classifier.1.bias"].fill_(float("inf")), r"classifier\.1\.bias: 3 of 3"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    path = tmp_path / "model.pt"
    _edit(path, change)
    with pytest.raises(SixfoldError, match=rf"model\.pt: .*{message}") as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


def test_damage_is_named_and_nothing_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("model.pt")
    with pytest.raises(SixfoldError, match="not found; run `dvc repro train`"):
        load_model(path)
    save_model(path, _model())
    whole = path.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2], pickle.dumps(Bomb())):
        path.write_bytes(content)
        with pytest.raises(SixfoldError, match=r"model\.pt: not a readable checkpoint") as caught:
            load_model(path)
        assert "\n" not in str(caught.value)
    torch.save({"format": FORMAT, "architecture": Bomb()}, path)
    with pytest.raises(SixfoldError, match="not a readable checkpoint"):
        load_model(path)
    assert not Path("exploded").exists()
