"""Results to test with: no numbers of any run; and a problem small enough to be measured in a moment."""

from typing import Any

import numpy as np

from benchmarks.networks import NETWORKS
from benchmarks.quantisation.problem import Problem
from benchmarks.quantisation.results import MissingRow, Results, Row, TimeRow
from tests.onnx_models import float_model, images

ROW: dict[str, Any] = {
    "table": "comparison",
    "method": "ours",
    "computed_by": "fixed-point",
    "calibration_images": 200,
    "sqnr_db": 12.34,
    "agreement": 0.9,
    "drop": 0.01,
    "drop_ci95": (-0.005, 0.02),
    "seconds": 61.2,
    "cpu_seconds": 59.9,
}


def results() -> Results:
    """A row or more of every table."""
    return Results(
        samples=100,
        fp32=0.8,
        rows=(
            Row(**ROW),
            Row(**ROW | {"method": "a|b", "computed_by": "onnxruntime", "sqnr_db": None}),
            Row(**ROW | {"table": "ablation", "method": "none", "computed_by": "onnxruntime"}),
            *(Row(**ROW | {"table": "curve", "calibration_images": n, "sqnr_db": 10.0 + n}) for n in (0, 1, 16)),
        ),
        missing=(MissingRow(table="comparison", method="PPQ", reason="no network"),),
        times=(TimeRow(network="small", calibration_images=200, seconds=10.0, cpu_seconds=9.0),),
        tools={"b": "2", "a": "1"},
    )


def problem(calibration: int = 66, test: int = 20) -> Problem:
    """The toy float model on smooth random images."""
    pixels = (images(calibration + test, 3).transpose(0, 2, 3, 1) * 255).round().astype(np.uint8)
    labels = np.random.default_rng(0).integers(0, 5, test)
    network = NETWORKS["mbv2-035-96"]
    return Problem(network, float_model(0).SerializeToString(), pixels[:calibration], pixels[calibration:], labels)
