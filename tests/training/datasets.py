"""Tiny prepared data sets for training tests."""

from pathlib import Path

from pipeline.data.image_folder import open_image_folder
from pipeline.data.prepared import PreparedDataset
from pipeline.data.write import write_prepared
from pipeline.params import DataParams
from tests.data.folders import image_folder


def tiny_dataset(folder: Path, count: int = 24, channels: int = 1, std: float = 1.0) -> PreparedDataset:
    """Two classes of noisy 32x32 pictures, dark and light, `count` of each."""
    image_folder(folder / "images", {"dark": 60, "light": 190}, count)
    params = DataParams(
        source="image-folder",
        image_size=32,
        channels=channels,
        mean=(0.0,) * channels,
        std=(std,) * channels,
        validation=0.2,
        test=0.2,
        calibration=6,
        seed=6,
    )
    write_prepared(open_image_folder(folder / "images", 32, channels), params, folder / "prepared")
    return PreparedDataset.load(folder / "prepared")
