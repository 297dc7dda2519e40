"""`sixfold verify --data`: a folder of images in place of the prepared test split."""

import sys
from pathlib import Path

from pipeline.errors import SixfoldError
from pipeline.graph.reader import read_graph
from pipeline.metadata import read_central_crop
from pipeline.paths import INT8_MODEL
from pipeline.score import read_images
from pipeline.stages.samples import LabelledImages


def read_own_images(folder: Path) -> LabelledImages:
    """All readable images of `folder`, as the current network takes them.

    Raises:
        SixfoldError: there are none, or the network takes no square images.
    """
    graph = read_graph(INT8_MODEL)
    height, width, channels = graph.tensors[graph.input].shape
    if height != width:
        raise SixfoldError(f"{INT8_MODEL}: takes {height}x{width} images; --data cuts square ones only")
    classes = graph.tensors[graph.output].shape[2]
    crop = read_central_crop(graph.metadata, str(INT8_MODEL))
    images, labels, skipped = read_images(folder, classes, width, channels, crop)
    for line in skipped:
        print(f"skipped {line}", file=sys.stderr)
    return LabelledImages(images, labels, f"folder {folder}")
