"""Runs in Vela's environment: encodes weights with Arm's codec as for an Ethos-U55 and decodes them again."""

import numpy as np
from ethosu import mlw_codec


def answer(request, arrays):
    streams = {}
    for name, weights in arrays.items():
        layout = request[name]
        # Micro-blocks of 8 by 8, activations of 8 bits, kernels of at most 8 by 8.
        encoded, _ = mlw_codec.reorder_encode(
            8, 8, weights, layout["block"], layout["depthwise"], layout["part_kernel"], 8, 8, 8
        )
        streams[name] = np.array(mlw_codec.decode(bytearray(encoded)), np.int16)
    return {}, streams
