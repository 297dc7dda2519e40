"""What a model file tells beside its arithmetic, as `metadata_props` of the ONNX files: labels and normalisation."""

import json
from collections.abc import Mapping
from typing import Any

from pipeline.errors import SixfoldError
from pipeline.preprocess import Normalization

#: Key that marks a network that others trained and quantised: there is no float original to compare it with. Its value
#: is a JSON object with the imported file's name and SHA-256.
IMPORTED = "sixfold.imported"


def read_normalization(metadata: Mapping[str, str], where: str) -> Normalization:
    """The normalisation that the network was trained with.

    Args:
        metadata: of an ONNX file or an integer graph.
        where: the file, for the message.

    Raises:
        SixfoldError: absent or not one number per channel.
    """
    mean, std = (_read_list(metadata, key, where) for key in ("sixfold.mean", "sixfold.std"))
    try:
        return Normalization(tuple(map(float, mean)), tuple(map(float, std)))
    except (TypeError, ValueError, SixfoldError) as error:
        raise SixfoldError(f"{where}: metadata sixfold.mean, sixfold.std: {error}") from error


def read_central_crop(metadata: Mapping[str, str], where: str) -> float:
    """Side of the square that is cut from an image file, as a fraction of its shorter side; 1 where nothing is said.

    Raises:
        SixfoldError: not a number in (0, 1].
    """
    text = metadata.get("sixfold.central_crop", "1")
    try:
        value = float(text)
    except ValueError as error:
        raise SixfoldError(f"{where}: metadata sixfold.central_crop: {text!r} is not a number") from error
    if not 0 < value <= 1:
        raise SixfoldError(f"{where}: metadata sixfold.central_crop: {value} is not in (0, 1]")
    return value


def read_labels(metadata: Mapping[str, str], where: str) -> list[str]:
    """Name of each class index.

    Raises:
        SixfoldError: absent or not a list of names.
    """
    labels = _read_list(metadata, "sixfold.labels", where)
    if not all(isinstance(label, str) for label in labels):
        raise SixfoldError(f"{where}: metadata sixfold.labels: not a list of names")
    return [str(label) for label in labels]


def _read_list(metadata: Mapping[str, str], key: str, where: str) -> list[Any]:
    if key not in metadata:
        raise SixfoldError(f"{where}: metadata {key} is missing; export the model with `dvc repro export`")
    try:
        value = json.loads(metadata[key])
    except (ValueError, RecursionError) as error:
        raise SixfoldError(f"{where}: metadata {key}: not JSON ({error})") from error
    if not isinstance(value, list):
        raise SixfoldError(f"{where}: metadata {key}: not a list")
    return value
