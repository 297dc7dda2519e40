"""A functional model of the Ethos-U55 and Ethos-U65: executes what Vela compiled, byte for byte, without any timing.

Arm publishes no such model that a package manager installs. This one covers what a MobileNetV2 is compiled to:
transfers, convolutions, depthwise convolutions, average pooling and addition, on 8-bit feature maps. Anything else is
refused by name. It shares no code with the reference but the rounding that both take from TensorFlow Lite's
specification.

What it shows: that Vela's addresses, memory plan, cascades, weight encoding, zero points, scales and clamps compute
the graph. What it cannot show: that the hardware rounds as the names of its rounding modes say; that is Arm's word.
"""

from pipeline.runners.ethos_u.model.command_stream import NotModelledError
from pipeline.runners.ethos_u.model.machine import Model

__all__ = ["Model", "NotModelledError"]
