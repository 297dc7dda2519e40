"""Stage `quantize`: float ONNX model and calibration images in, ``models/model.int8.onnx`` out.

That file is the single source of truth of everything downstream. The stage also scores it on the test split in both
arithmetic families, so that what quantisation costs is known before any target is built.
"""

import csv
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from calibration.calibrate import noise_by_layer, quantize_network, steps, synthetic_needed
from calibration.dead_leaves import dead_leaves
from calibration.error_analysis import LayerNoise, dominating
from calibration.onnx_network import network_from_onnx
from calibration.options import Options
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


def quantize(params: QuantizeParams) -> list[LayerNoise]:
    """Write the int8 model; returns what each layer's rounding costs the logits."""
    model = load_onnx(FLOAT_MODEL)
    normalization = read_normalization({p.key: p.value for p in model.metadata_props}, str(FLOAT_MODEL))
    options = Options(**params.model_dump(exclude={"calibration_images"}))
    pixels = PreparedDataset.load().images("calibration")[: params.calibration_images]
    synthetic = dead_leaves(synthetic_needed(len(pixels)), pixels.shape[1:], params.seed)
    images, start = normalise(pixels, normalization), normalise(synthetic, normalization)
    table = pixel_table(normalization)
    bounds = np.stack([table.min(1), table.max(1)], axis=1)
    try:
        network = network_from_onnx(model)
        with progress_bar("calibration", steps(network, len(images))) as advance:
            result = quantize_network(network, images, start, bounds, options, advance)
        layers = noise_by_layer(network, result, images if len(images) else start, params.seed)
    except ValueError as error:
        raise SixfoldError(f"{FLOAT_MODEL}: {error}") from error
    with atomic_file(INT8_MODEL) as temporary:
        temporary.write_bytes(int8_qdq(result.graph).SerializeToString(deterministic=True))
    worst = dominating(layers)
    if worst is not None:
        print(f"warning: layer {worst.name} dominates the quantisation noise: {worst.sqnr_db:.1f} dB with it alone")
    return layers


def score(layers: Sequence[LayerNoise]) -> None:
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
            "layers": [layer.as_json() for layer in layers],
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
    """One row a sample, as DVC's confusion template reads it; sorted, so that equal results are equal bytes."""
    with atomic_file(CONFUSION) as temporary, temporary.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["actual", "predicted"])
        writer.writerows([names[a], names[p]] for a, p in sorted(zip(actual.tolist(), predicted.tolist(), strict=True)))


@exits_cleanly
def main() -> None:
    """Run the stage with params.yaml."""
    score(quantize(load_params().selected.quantize))


if __name__ == "__main__":
    main()
