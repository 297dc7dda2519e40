"""From a benchmark network to its integer graph, kept in build/bench so that a second run is quick."""

import hashlib
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx

from benchmarks.networks import Network, float_model
from benchmarks.photographs import CALIBRATION, MEASUREMENT
from benchmarks.sources import digest_of
from calibration.calibrate import ENOUGH_IMAGES, quantize_network, steps
from calibration.onnx_network import network_from_onnx
from calibration.options import Options
from pipeline.errors import SixfoldError
from pipeline.files import atomic_file
from pipeline.graph import cost
from pipeline.graph.ir import Int8Array, IntegerGraph
from pipeline.graph.qdq import int8_qdq
from pipeline.graph.reader import read_graph
from pipeline.models.onnx_export import device_metadata, export_onnx, serialise
from pipeline.preprocess import normalise, pixel_table, quantize_pixels
from pipeline.progress import progress_bar

BUILD_FOLDER = Path("build/bench")

_SEED = 0
#: Everything of ours that decides the quantised model's bytes; folders with all their modules.
_SOURCES = (
    "benchmarks/graphs.py",
    "benchmarks/networks.py",
    "benchmarks/photographs.py",
    "calibration",
    "pipeline/graph",
    "pipeline/models",
    "pipeline/preprocess.py",
)
#: Packages that decide them too.
BUILD_TOOLS = ("numpy", "onnx", "onnxscript", "pillow", "scikit-learn", "torch")


def integer_graph(network: Network, folder: Path = BUILD_FOLDER) -> IntegerGraph:
    """Build the network: float model, ONNX, int8 model, integer graph.

    The int8 model is kept in `folder` under a name that holds a hash of all it is made from.

    Raises:
        SixfoldError: the weights cannot be fetched, or the graph has another number of multiply-adds than stated.
    """
    path = folder / f"{network.name}-{_fingerprint(network)}.int8.onnx"
    if not path.is_file():
        exported = export_onnx(float_model(network), network.image_size, _metadata(network))
        quantised = _quantise(exported, network)
        with atomic_file(path) as temporary:
            temporary.write_bytes(serialise(quantised))
        for outdated in folder.glob(f"{network.name}-*.int8.onnx"):
            if outdated != path:
                outdated.unlink()
    graph = read_graph(path)
    counted = sum(cost.macs(graph).values())
    if counted != network.macs:
        raise SixfoldError(f"{network.name}: has {counted} multiply-adds, the benchmark network has {network.macs}")
    return graph


def measured_inputs(network: Network, graph: IntegerGraph, count: int) -> Int8Array:
    """Real images in the graph's codes: int8 ``(count, height, width, channels)``."""
    source = graph.tensors[graph.input]
    images = network.images(MEASUREMENT, count)
    return quantize_pixels(images, network.normalization, source.scale, source.zero_point)


def _quantise(model: onnx.ModelProto, measured: Network) -> onnx.ModelProto:
    """The one place that knows the quantiser: the product's own, with all its methods."""
    images = measured.images(CALIBRATION, ENOUGH_IMAGES)
    table = pixel_table(measured.normalization)
    bounds = np.stack([table.min(1), table.max(1)], axis=1)
    network = network_from_onnx(model)
    given = normalise(images, measured.normalization)
    with progress_bar("calibration", steps(network, len(images))) as advance:
        result = quantize_network(network, given, given[:0], bounds, Options(seed=_SEED), advance)
    return int8_qdq(result.graph)


def _metadata(network: Network) -> dict[str, str]:
    labels = tuple(map(str, range(network.architecture.num_classes)))
    return device_metadata("benchmark", labels, network.normalization.mean, network.normalization.std)


def _fingerprint(network: Network) -> str:
    """Hash of the network's definition, our sources and the versions of the packages, as 16 hexadecimal digits."""
    digest = hashlib.sha256(repr(network).encode())
    for name in BUILD_TOOLS:
        digest.update(f"{name}=={version(name)};".encode())
    digest.update(digest_of(_SOURCES).encode())
    return digest.hexdigest()[:16]
