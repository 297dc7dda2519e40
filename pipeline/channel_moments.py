"""What training saw of a convolution's outputs: mean and standard deviation per channel, kept beside the node.

Batch norm is folded away at export, and with it the only thing in the file that tells what the training images did to
the network: behind it, a channel has mean ``beta`` and standard deviation ``|gamma|`` over them (Ioffe and Szegedy
2015). That is what calibration without images needs (Nagel et al. 2019, section 4.2; Cai et al. 2020), so the exporter
writes both into the node's ``metadata_props``, which every runtime ignores: base64 of little-endian float32, all means,
then all deviations.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

KEY = "sixfold.batch_norm"

Float32Array = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ChannelMoments:
    """Of a layer's output before its activation, over the training images.

    Attributes:
        mean: float32 ``(channels,)``, finite.
        deviation: standard deviation, float32 ``(channels,)``, finite and not negative.
    """

    mean: Float32Array
    deviation: Float32Array


def encode_moments(moments: ChannelMoments) -> str:
    """The text that the file holds."""
    return base64.b64encode(np.concatenate([moments.mean, moments.deviation]).astype("<f4").tobytes()).decode("ascii")


def decode_moments(text: str, channels: int) -> ChannelMoments:
    """The other way round.

    Raises:
        ValueError: not base64, not two numbers for each of `channels`, a number that is not finite, or a deviation
            below zero.
    """
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{KEY} is not base64 ({error})") from error
    if len(content) != 8 * channels:
        raise ValueError(f"{KEY} has {len(content)} bytes, not 8 for each of {channels} channels")
    mean, deviation = np.frombuffer(content, "<f4").astype(np.float32).reshape(2, channels)
    if not np.isfinite(mean).all() or not np.isfinite(deviation).all() or (deviation < 0).any():
        raise ValueError(f"{KEY} holds a mean or deviation that is not finite, or a deviation below zero")
    return ChannelMoments(mean, deviation)
