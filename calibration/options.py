"""What calibration may be told."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Rounding: TypeAlias = Literal["nearest", "hessian"]


@dataclass(frozen=True)
class Options:
    """Switches of the methods, each on unless an ablation turns it off.

    Attributes:
        clip: choose each range by the noise it causes in the logits; otherwise it reaches to the extremes.
        doubt: by what factor, >= 1, a channel may reach further on what the network will see than on these images. A
            range that is not clipped reaches as far beyond the extremes, and so do the logits; the clip of a ReLU6
            output is chosen with this in mind. ReLU6 bounds it all the same.
        centre: shift the channels of linear tensors to mean zero.
        equalise: a scale per channel wherever the neighbouring weights can absorb it.
        share_chain: one scale for all tensors of a residual chain, so that its additions need no rescaling.
        rounding: of the weights.
        correct_bias: re-fit each bias to the inputs that the quantised layers before it produce.
        correct_stream: let a residual branch aim at what the quantised stream lacks, not at the float branch.
        seed: of everything drawn at random.
    """

    clip: bool = True
    doubt: float = 1.0
    centre: bool = True
    equalise: bool = True
    share_chain: bool = False
    rounding: Rounding = "hessian"
    correct_bias: bool = True
    correct_stream: bool = True
    seed: int = 6
