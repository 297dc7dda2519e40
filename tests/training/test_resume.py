"""Which checkpoint is whose, and damaged ones."""

from pathlib import Path

import pytest
import torch

from pipeline.training.resume import AtomicCheckpointIO, readable_checkpoint, run_folder
from tests.training.datasets import tiny_dataset


def test_other_parameters_or_data_are_another_run(tmp_path: Path) -> None:
    first = tiny_dataset(tmp_path / "first")
    folder = run_folder(first, {"epochs": 2})
    assert folder == run_folder(tiny_dataset(tmp_path / "same"), {"epochs": 2})
    assert folder.parent == Path("build/train")
    others = [
        run_folder(first, {"epochs": 3}),
        run_folder(tiny_dataset(tmp_path / "more", count=25), {"epochs": 2}),
        run_folder(tiny_dataset(tmp_path / "std", std=2.0), {"epochs": 2}),
    ]
    assert len({folder, *others}) == 4


def test_a_damaged_checkpoint_starts_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert readable_checkpoint(tmp_path) is None
    path = tmp_path / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"weights": torch.arange(1000)}, path)
    assert readable_checkpoint(tmp_path) == path
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.ckpt"]
    path.write_bytes(path.read_bytes()[:500])
    assert readable_checkpoint(tmp_path) is None
    assert "damaged" in capsys.readouterr().out
