import numpy as np

from pipeline.graph import cost
from tests.graph.graphs import GraphBuilder, small_mobilenet


def test_multiply_adds_of_one_of_each_operator():
    builder = GraphBuilder(np.random.default_rng(0))
    stem = builder.conv(builder.add_input((8, 6, 3)), 4, kernel=3, stride=2)  # 4 x 3 outputs
    joined = builder.add(stem, builder.depthwise(stem))
    graph = builder.build(builder.fully_connected(builder.pool(joined), 10))
    assert list(cost.macs(graph).values()) == [4 * 3 * 4 * 27, 4 * 3 * 4 * 9, 0, 0, 4 * 10]
    assert cost.parameters(graph) == (4 * 27 + 4) + (4 * 9 + 4) + (4 * 10 + 10)


def test_live_memory_holds_a_residual_until_it_is_added():
    graph = small_mobilenet(2)
    live = {layer.operator: layer.live_bytes for layer in cost.live_memory(graph)}
    size = {name: tensor.size for name, tensor in graph.tensors.items()}
    # depthwise4 reads the expanded t4 and writes t5, while the block's input t3 waits for add6.
    assert live["depthwise4"] == size["t4"] + size["t5"] + size["t3"]
    assert live["conv9"] == size["t9"] + size["t10"]
