"""What every method is given: one float network, photographs to calibrate with, others to be scored on."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from benchmarks.networks import NETWORKS, Network, float_model
from pipeline.data.imagenet import open_imagenet
from pipeline.data.source import Source, Split, UnreadableImageError
from pipeline.errors import SixfoldError
from pipeline.float_model import float_logits
from pipeline.models.onnx_export import device_metadata, export_onnx, serialise
from pipeline.preprocess import Images, Normalization, normalise, pixel_table
from pipeline.progress import progress_bar

#: The usual evaluation: shorter side 256, centre 224.
CENTRAL_CROP = 0.875
NETWORK = "mbv2-100-224"


@dataclass(frozen=True, eq=False)
class Problem:
    """The float network and the images.

    Attributes:
        network: of the benchmarks.
        model: its float ONNX file.
        calibration: uint8 ``(n, height, width, channels)``.
        test: likewise; no method sees them.
        labels: class index of each of `test`.
    """

    network: Network
    model: bytes
    calibration: Images
    test: Images
    labels: npt.NDArray[np.int64]

    @property
    def normalization(self) -> Normalization:
        """What the network was trained with."""
        return self.network.normalization

    @property
    def bounds(self) -> npt.NDArray[np.float32]:
        """Least and greatest value of a pixel, ``(channels, 2)``."""
        table = pixel_table(self.normalization)
        return np.stack([table.min(1), table.max(1)], axis=1)

    def normalised(self, count: int) -> npt.NDArray[np.float32]:
        """The first `count` calibration images as the network takes them, ``(count, channels, height, width)``."""
        return normalise(self.calibration[:count], self.normalization)

    @cached_property
    def onnx_model(self) -> onnx.ModelProto:
        """The float model; not to be changed."""
        return onnx.load_model_from_string(self.model)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of what the network computes, the images and labels."""
        plain = onnx.GraphProto.FromString(self.onnx_model.graph.SerializeToString())
        for node in plain.node:
            node.ClearField("metadata_props")
        digest = hashlib.sha256(plain.SerializeToString(deterministic=True))
        for array in (self.calibration, self.test, self.labels):
            digest.update(repr((array.dtype, array.shape)).encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @cached_property
    def metadata(self) -> list[tuple[str, str, str]]:
        """What the float file says beside what it computes: where, key, value."""
        places = [("", self.onnx_model), *((node.name, node) for node in self.onnx_model.graph.node)]
        return [(name, entry.key, entry.value) for name, place in places for entry in place.metadata_props]

    def expected(self, folder: Path) -> npt.NDArray[np.float32]:
        """The float logits of the test images, computed once; the model's file is left in `folder`."""
        path = folder / "float.onnx"
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.model)
        return float_logits(path, self.test, self.normalization)


def imagenet_problem(folder: Path) -> Problem:
    """The packaged ImageNet weights on the photographs in `folder`.

    Args:
        folder: with ``calibration/`` and ``test/``, as experiment `imagenet` takes it.

    Raises:
        SixfoldError: there are no such folders or images, one cannot be read, or the weights cannot be fetched.
    """
    network = NETWORKS[NETWORK]
    source = open_imagenet(folder, network.image_size, 3, CENTRAL_CROP)
    calibration, _ = _read(source, "calibration", folder)
    test, labels = _read(source, "test", folder)
    return Problem(network, float_file(network), calibration, test, labels)


def float_file(network: Network) -> bytes:
    """The network's float ONNX file."""
    labels = tuple(map(str, range(network.architecture.num_classes)))
    metadata = device_metadata("benchmark", labels, network.normalization.mean, network.normalization.std, CENTRAL_CROP)
    return serialise(export_onnx(float_model(network), network.image_size, metadata))


def _read(source: Source, split: Split, folder: Path) -> tuple[Images, npt.NDArray[np.int64]]:
    chosen = [index for index, item in enumerate(source.items) if item.split == split]
    images = []
    with progress_bar(f"reading {split}", len(chosen)) as advance:
        for index in chosen:
            try:
                images.append(source.read(index))
            except UnreadableImageError as error:
                raise SixfoldError(f"{folder / source.items[index].name}: {error}; remove it") from error
            advance(1)
    return np.stack(images), np.array([source.items[index].label for index in chosen], np.int64)
