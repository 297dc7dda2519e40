"""A float model as `export` writes them, small enough to be quantised in a moment, and images for it."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SHAPE = (3, 16, 16)


def float_model(seed: int) -> onnx.ModelProto:
    """Stem, one inverted residual, pooling and classifier, as `export` writes them."""
    rng = np.random.default_rng(seed)
    initializers = [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in (("zero", 0.0), ("six", 6.0))]
    nodes = []

    def conv(source: str, name: str, shape: tuple[int, ...], relu6: bool, **attributes) -> str:
        fan_in = int(np.prod(shape[1:]))
        for part, value in (
            ("weight", rng.normal(0, 1.5 / np.sqrt(fan_in), shape)),
            ("bias", rng.normal(0, 0.2, shape[0])),
        ):
            initializers.append(numpy_helper.from_array(value.astype(np.float32), f"{name}.{part}"))
        nodes.append(
            helper.make_node("Conv", [source, f"{name}.weight", f"{name}.bias"], [name], name=name, **attributes)
        )
        if not relu6:
            return name
        nodes.append(helper.make_node("Clip", [name, "zero", "six"], [f"{name}.relu6"], name=f"{name}.relu6"))
        return f"{name}.relu6"

    stem = conv("input", "stem", (8, 3, 3, 3), relu6=True, strides=[2, 2], pads=[1] * 4)
    expanded = conv(stem, "expand", (24, 8, 1, 1), relu6=True)
    depthwise = conv(expanded, "depthwise", (24, 1, 3, 3), relu6=True, pads=[1] * 4, group=24)
    projected = conv(depthwise, "project", (8, 24, 1, 1), relu6=False)
    nodes.append(helper.make_node("Add", [stem, projected], ["add"], name="add"))
    last = conv("add", "last", (32, 8, 1, 1), relu6=True)
    nodes.append(helper.make_node("AveragePool", [last], ["pool"], name="pool", kernel_shape=[8, 8], strides=[8, 8]))
    initializers.append(numpy_helper.from_array(np.array([1, 32]), "flatten.shape"))
    nodes.append(helper.make_node("Reshape", ["pool", "flatten.shape"], ["flat"], name="flatten", allowzero=1))
    initializers.append(numpy_helper.from_array(rng.normal(0, 0.3, (5, 32)).astype(np.float32), "fc.weight"))
    initializers.append(numpy_helper.from_array(rng.normal(0, 0.3, 5).astype(np.float32), "fc.bias"))
    nodes.append(helper.make_node("Gemm", ["flat", "fc.weight", "fc.bias"], ["logits"], name="classifier", transB=1))
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, *SHAPE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 5])],
        initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def images(count: int, seed: int) -> np.ndarray:
    """Smooth random images in [0, 1]: (count, channels, height, width)."""
    coarse = np.random.default_rng(seed).random((count, 3, 4, 4), dtype=np.float32)
    return coarse.repeat(4, axis=2).repeat(4, axis=3)
