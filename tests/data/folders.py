"""Small image folders for tests."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def write_image(path: Path, level: int = 128, size: tuple[int, int] = (40, 36)) -> Path:
    """A noisy RGB picture around one grey level, always the same for the same level and name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng([level, *path.name.encode()]).integers(-20, 21, (size[1], size[0], 3))
    Image.fromarray(np.clip(level + noise, 0, 255).astype(np.uint8)).save(path)
    return path


def image_folder(root: Path, classes: Mapping[str, int], count: int = 12, below: str = "") -> Path:
    """`count` pictures of each class, each class with its own grey level."""
    for name, level in classes.items():
        for index in range(count):
            write_image(root / below / name / f"{index:03}.png", level)
    return root
