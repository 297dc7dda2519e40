"""Writes what a Linux board needs beside the compiled network.

The folder is complete: copied to the board it runs with ``./run.sh``, and ``./run.sh --self-test`` proves there that
the board computes what the reference does.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.files import write_json
from pipeline.graph.ir import IntegerGraph
from pipeline.graph.reference import Family, execute
from pipeline.metadata import read_central_crop, read_labels, read_normalization
from pipeline.preprocess import quantized_pixel_table

DEVICE = Path(__file__).with_name("device")

#: What the device's programs read; its fields are those of `device/run.py`.
DESCRIPTION = "model.json"
SELF_TEST_IMAGES, SELF_TEST_CODES = "selftest/images.bin", "selftest/codes.bin"
SELF_TEST_SAMPLES = 8


def write_device_files(
    graph: IntegerGraph, family: Family, engine: Path, details: dict[str, Any], folder: Path
) -> None:
    """Add to an artefact folder all that does not depend on the compiler.

    Args:
        graph: what was compiled.
        family: whose arithmetic the compiled network has; its reference makes the self-test.
        engine: the module that runs the compiled network on the device, see `device/run.py`.
        details: what the engine reads from the description.
        folder: of the artefact.

    Raises:
        SixfoldError: the graph's metadata lacks labels or normalisation.
    """
    source = graph.tensors[graph.input]
    normalization = read_normalization(graph.metadata, "the model")
    table = quantized_pixel_table(normalization, source.scale, source.zero_point)
    result = graph.tensors[graph.output]
    write_json(
        folder / DESCRIPTION,
        {
            "sha256": graph.sha256(),
            "input": list(source.shape),
            "classes": result.size,
            "labels": read_labels(graph.metadata, "the model"),
            "central_crop": read_central_crop(graph.metadata, "the model"),
            "pixel_codes": table.tolist(),
            "output": {"scale": result.scale, "zero_point": result.zero_point},
            "engine": details,
        },
    )
    images = np.random.default_rng(6).integers(-128, 128, (SELF_TEST_SAMPLES, *source.shape)).astype(np.int8)
    (folder / SELF_TEST_IMAGES).parent.mkdir()
    images.tofile(folder / SELF_TEST_IMAGES)
    execute(graph, images, family).tofile(folder / SELF_TEST_CODES)
    for name in ("run.sh", "run.py"):
        shutil.copyfile(DEVICE / name, folder / name)
    shutil.copyfile(engine, folder / "engine.py")
    (folder / "run.sh").chmod(0o755)
