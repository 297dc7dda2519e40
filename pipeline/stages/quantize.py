"""Stage `quantize`: float ONNX model and calibration images in, ``models/model.int8.onnx`` out.

That file is the single source of truth of everything downstream. The stage also scores it on the test split in both
arithmetic families, so that what quantisation costs is known before any target is built.
"""

import csv
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.calibrate import equivalence, noise_by_layer, quantize_network, steps, synthetic_needed
from calibration.dead_leaves import dead_leaves
from calibration.equivalence import Equivalence
from calibration.error_analysis import LayerNoise, dominating
from calibration.onnx_network import network_from_onnx
from calibration.options import Options
from calibration.range_report import Relu6Range, relu6_ranges
from calibration.resume import KeptSteps, kept_steps
from pipeline.data.prepared import PreparedDataset
from pipeline.errors import SixfoldError, exits_cleanly
from pipeline.evaluation import paired_accuracy, sqnr_db
from pipeline.files import atomic_file, sha256_file, write_json
from pipeline.float_model import float_logits
from pipeline.graph import cost
from pipeline.graph.ir import IntegerGraph
from pipeline.graph.onnx_file import load_onnx
from pipeline.graph.qdq import int8_qdq
from pipeline.graph.reader import read_graph
from pipeline.graph.reference import Family, execute
from pipeline.metadata import read_normalization
from pipeline.params import QuantizeParams, load_params
from pipeline.paths import CONFUSION, FLOAT_MODEL, INT8_MODEL, QUANTIZE_REPORT
from pipeline.preprocess import normalise, pixel_table, quantize_pixels
from pipeline.progress import progress_bar


@dataclass(frozen=True, eq=False)
class Calibration:
    """What is known after quantising that the int8 model does not say.

    Attributes:
        layers: what each layer's rounding costs the logits.
        ranges: where each ReLU6 output ends.
        equalised: the equalised float network against the original.
        kept: the steps of this run, to be forgotten once the report is written.
    """

    layers: tuple[LayerNoise, ...]
    ranges: tuple[Relu6Range, ...]
    equalised: Equivalence
    kept: KeptSteps


def quantize(params: QuantizeParams) -> Calibration:
    """Write the int8 model; what an interrupted run with the same inputs had worked out is not done again."""
    model = load_onnx(FLOAT_MODEL)
    normalization = read_normalization({p.key: p.value for p in model.metadata_props}, str(FLOAT_MODEL))
    options = Options(**params.model_dump(exclude={"calibration_images"}))
    pixels = PreparedDataset.load().images("calibration")[: params.calibration_images]
    synthetic = dead_leaves(synthetic_needed(len(pixels)), pixels.shape[1:], params.seed)
    images, start = normalise(pixels, normalization), normalise(synthetic, normalization)
    table = pixel_table(normalization)
    bounds = np.stack([table.min(1), table.max(1)], axis=1)
    arrays = {"images": images, "synthetic": start, "bounds": bounds}
    kept = kept_steps(model.SerializeToString(deterministic=True), arrays, options)
    if kept.found:
        print(f"resuming {kept.folder}: {kept.found} steps are done")
    try:
        network = network_from_onnx(model)
        with progress_bar("calibration", steps(network, len(images))) as advance:
            result = quantize_network(network, images, start, bounds, options, advance, kept)
        seen = images if len(images) else start
        equalised = equivalence(network, result, seen)
        layers = noise_by_layer(network, result, seen, params.seed)
    except ValueError as error:
        raise SixfoldError(f"{FLOAT_MODEL}: {error}") from error
    with atomic_file(INT8_MODEL) as temporary:
        temporary.write_bytes(int8_qdq(result.graph).SerializeToString(deterministic=True))
    worst = dominating(layers)
    if worst is not None:
        print(f"warning: layer {worst.name} dominates the quantisation noise: {worst.sqnr_db:.1f} dB with it alone")
    return Calibration(tuple(layers), relu6_ranges(network, result.encodings), equalised, kept)


def score(calibration: Calibration) -> None:
    """Compare the int8 model with the float model on the test split; write the metrics and the confusion table."""
    graph = read_graph(INT8_MODEL)
    normalization = read_normalization(graph.metadata, str(INT8_MODEL))
    data = PreparedDataset.load()
    images, labels = data.images("test"), data.labels("test")
    expected = float_logits(FLOAT_MODEL, images, normalization)
    source = graph.tensors[graph.input]
    inputs = quantize_pixels(images, normalization, source.scale, source.zero_point)
    families: dict[Family, npt.NDArray[np.float32]] = {
        family: _logits(graph, inputs, family) for family in ("fixed-point", "float")
    }
    report = {
        family: {
            "accuracy": paired_accuracy(labels, expected.argmax(1), logits.argmax(1)).as_json(),
            "sqnr_db": sqnr_db(expected, logits),
        }
        for family, logits in families.items()
    }
    # The fixed-point family is what microcontrollers compute; it heads the report.
    write_json(
        QUANTIZE_REPORT,
        {
            **report["fixed-point"],
            "float_family": report["float"],
            "equalised": calibration.equalised.as_json(),
            "layers": [layer.as_json() for layer in calibration.layers],
            "relu6_ranges": [limits.as_json() for limits in calibration.ranges],
            "model": {
                "sha256": sha256_file(INT8_MODEL),
                "graph_sha256": graph.sha256(),
                "params": cost.parameters(graph),
                "macs": sum(cost.macs(graph).values()),
                "peak_live_bytes": max(layer.live_bytes for layer in cost.live_memory(graph)),
            },
        },
    )
    _write_confusion(labels, families["fixed-point"].argmax(1), data.names)


def _logits(graph: IntegerGraph, inputs: npt.NDArray[np.int8], family: Family) -> npt.NDArray[np.float32]:
    """Real logits of the int8 reference."""
    output = graph.tensors[graph.output]
    with progress_bar(f"int8 reference, {family}", len(inputs)) as advance:
        codes = execute(graph, inputs, family, advance)
    return (codes.astype(np.float32) - output.zero_point) * np.float32(output.scale)


def _write_confusion(actual: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], names: tuple[str, ...]) -> None:
    """One row a test image, in the order of the test split, as DVC's confusion template reads it."""
    with atomic_file(CONFUSION) as temporary, temporary.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["actual", "predicted"])
        writer.writerows([names[a], names[p]] for a, p in zip(actual.tolist(), predicted.tolist(), strict=True))


@exits_cleanly
def main() -> None:
    """Run the stage with params.yaml."""
    calibration = quantize(load_params().selected.quantize)
    score(calibration)
    calibration.kept.remove()


if __name__ == "__main__":
    main()
