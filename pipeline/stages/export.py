"""Stage `export`: models/model.pt to models/model.onnx, checked against torch on real images."""

import copy
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import torch

from pipeline.data.prepared import PREPARED_FOLDER, PreparedDataset
from pipeline.errors import SixfoldError, exits_cleanly
from pipeline.files import atomic_file, write_json
from pipeline.models.checkpoint import load_model
from pipeline.models.mobilenet_v2 import MobileNetV2
from pipeline.models.onnx_export import INPUT, device_metadata, export_onnx, serialise
from pipeline.preprocess import normalise

CHECKPOINT_FILE = Path("models/model.pt")
MODEL_FILE = Path("models/model.onnx")
REPORT_FILE = Path("reports/export.json")
SAMPLES = 64
# The file sums in another order than torch and has batch norm multiplied into the weights, so it may not be judged by
# equality. How much that matters depends on the network, and torch tells: its float32 logits differ from its float64
# logits by rounding alone. The file's may be off by this many times as much, and by a few units in the last place of
# the largest logit. A wrong weight, padding or order of channels is off by thousands of times more.
ERROR_FACTOR = 16
ERROR_ULPS = 16


def compare(model: MobileNetV2, onnx_model: bytes, images: npt.NDArray[np.float32]) -> dict[str, float | int]:
    """Largest differences of the ONNX file and torch from the exact (float64) logits, and between the two.

    Args:
        model: the source of the file, in evaluation mode, batch norm not folded.
        onnx_model: the file's bytes.
        images: normalised, (N, channels, height, width).

    Raises:
        SixfoldError: the file's logits are not finite, or further from the exact ones than rounding explains.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(onnx_model, options, providers=["CPUExecutionProvider"])
    exported = np.concatenate([session.run(None, {INPUT: image[np.newaxis]})[0] for image in images])
    with torch.inference_mode():
        single = model(torch.from_numpy(images)).numpy()
        exact = copy.deepcopy(model).double()(torch.from_numpy(images).double()).numpy()
    largest = np.abs(exact).max()
    torch_error = float(np.abs(single - exact).max())
    onnx_error = float(np.abs(exported - exact).max())
    bound = ERROR_FACTOR * torch_error + ERROR_ULPS * float(np.finfo(np.float32).eps * largest)
    if not onnx_error <= bound:
        raise SixfoldError(
            f"{MODEL_FILE}: logits differ from torch by up to {onnx_error:.3g}, where rounding explains {bound:.3g}; "
            "the exporter changed the network: check the versions of torch and onnxscript"
        )
    return {
        "samples": len(images),
        "max_abs_diff": float(np.abs(exported - single).max()),
        "onnx_error": onnx_error,
        "torch_error": torch_error,
        "bound": bound,
        "largest_logit": float(largest),
        "same_class": float((exported.argmax(axis=1) == single.argmax(axis=1)).mean()),
    }


@exits_cleanly
def main() -> None:
    """Run the stage in the current folder."""
    torch.set_num_threads(1)  # so that the reported rounding errors do not depend on the number of cores
    dataset = PreparedDataset.load(PREPARED_FOLDER)
    model = load_model(CHECKPOINT_FILE)
    architecture = model.architecture
    if (architecture.num_classes, architecture.in_channels) != (len(dataset.names), dataset.channels):
        raise SixfoldError(
            f"{CHECKPOINT_FILE}: {architecture.num_classes} classes of {architecture.in_channels}-channel images, but "
            f"{PREPARED_FOLDER} has {len(dataset.names)} of {dataset.channels}; run `dvc repro train`"
        )
    normalization = dataset.normalization
    metadata = device_metadata(
        dataset.source, dataset.names, normalization.mean, normalization.std, dataset.description.central_crop
    )
    content = serialise(export_onnx(model, dataset.image_size, metadata))
    images = dataset.images("calibration")[:SAMPLES]
    report = compare(model, content, normalise(images, normalization))
    with atomic_file(MODEL_FILE) as temporary:
        temporary.write_bytes(content)
    write_json(REPORT_FILE, report)
    print(f"{MODEL_FILE}: {len(content)} bytes, largest difference from torch {report['max_abs_diff']:.3g}")


if __name__ == "__main__":
    main()
