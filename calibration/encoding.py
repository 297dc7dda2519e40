"""How one activation tensor is written in eight bits, seen from the float network's units.

``real[c] = offset[c] + scale * unit[c] * (code - zero_point)``

The integer graph knows ``scale`` and ``zero_point`` only. ``unit`` (a scale per channel) and ``offset`` (a shift per
channel) are absorbed by the weights and biases around the tensor: see :mod:`calibration.emit`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from calibration.resume import Arrays

Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Encoding:
    """One tensor's codes.

    Attributes:
        scale: real value of one step of a channel whose unit is 1.
        zero_point: -128..127.
        unit: positive, ``(channels,)``.
        offset: real value of the zero point's code, ``(channels,)``.
    """

    scale: np.float32
    zero_point: int
    unit: Float64Array
    offset: Float64Array

    @property
    def step(self) -> Float64Array:
        """Real value of one step of each channel."""
        step: Float64Array = self.unit * np.float64(self.scale)
        return step

    def centred(self, values: Tensor) -> Tensor:
        """Codes less zero point of real ``(n, channels, h, w)``, as floats."""
        step, offset = (torch.from_numpy(a).to(values.dtype).reshape(1, -1, 1, 1) for a in (self.step, self.offset))
        return self.saturate((values - offset) / step)

    def saturate(self, centred: Tensor) -> Tensor:
        """Round to codes (less zero point)."""
        return centred.round().clamp(-128 - self.zero_point, 127 - self.zero_point)

    def real(self, centred: Tensor) -> Tensor:
        """Real values of codes less zero point ``(n, channels, h, w)``."""
        step, offset = (torch.from_numpy(a).to(centred.dtype).reshape(1, -1, 1, 1) for a in (self.step, self.offset))
        return offset + step * centred


def to_arrays(encodings: Mapping[str, Encoding], names: Sequence[str]) -> Arrays:
    """The encodings of the tensors `names`, in that order, as arrays; nothing is lost."""
    chosen = [encodings[name] for name in names]
    return {
        "scale": np.array([encoding.scale for encoding in chosen], np.float32),
        "zero_point": np.array([encoding.zero_point for encoding in chosen], np.int64),
        "channels": np.array([len(encoding.unit) for encoding in chosen], np.int64),
        "unit": np.concatenate([encoding.unit for encoding in chosen]),
        "offset": np.concatenate([encoding.offset for encoding in chosen]),
    }


def from_arrays(arrays: Arrays, names: Sequence[str]) -> dict[str, Encoding]:
    """What :func:`to_arrays` was given."""
    ends = np.cumsum(arrays["channels"])[:-1]
    parts = zip(
        names,
        arrays["scale"],
        arrays["zero_point"],
        np.split(arrays["unit"], ends),
        np.split(arrays["offset"], ends),
        strict=True,
    )
    return {name: Encoding(np.float32(scale), int(zero), unit, offset) for name, scale, zero, unit, offset in parts}
