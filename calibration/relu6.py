"""The range of a ReLU6 output, known before any image is seen.

ReLU6 clamps to [0, 6] (Sandler et al. 2018, section 3; Krizhevsky 2010). With scale 6/255 and zero point -128 the int8
codes -128..127 cover exactly that interval, so narrowing an accumulator to int8 with saturation *is* the activation:
no calibration image can break the range and no kernel needs a clamp.
"""

import numpy as np

RELU6_LIMIT = 6.0


def relu6_quantization(limit: float = RELU6_LIMIT) -> tuple[np.float32, np.int8]:
    """Scale and zero point of a ReLU6 output clipped at `limit`.

    Args:
        limit: upper end of the range, 0 < limit <= 6.

    Raises:
        ValueError: `limit` is outside that interval: the codes would not saturate as ReLU6.
    """
    if not 0 < limit <= RELU6_LIMIT:
        raise ValueError(f"a ReLU6 range ends in (0, 6], not at {limit}")
    return np.float32(limit / 255), np.int8(-128)
