from pipeline.backends.litert.memory import activations, live_bytes
from pipeline.backends.litert.writer import write_tflite
from pipeline.graph.cost import live_memory
from tests.graph.graphs import random_graph, small_mobilenet


def test_without_padding_operators_it_is_the_graphs_own_live_memory():
    for seed in range(5):
        graph = random_graph(seed)
        found = live_bytes(write_tflite(graph, padding="kernel"))
        assert list(found.values()) == [layer.live_bytes for layer in live_memory(graph)]
        assert list(found) == [operator.output for operator in graph.operators]


def test_a_padding_operator_needs_its_input_twice():
    graph = small_mobilenet(0, resolution=16)
    content = write_tflite(graph)
    sizes = {activation.name: activation.size for activation in activations(content)}
    padded = [name for name in sizes if name.endswith("/padded")]
    assert len(padded) == 2
    # The stem reads the network's input: nothing else is alive before it.
    assert live_bytes(content)[padded[0]] == 16 * 16 + 18 * 18 == sizes["input"] + sizes[padded[0]]


def test_a_uint8_input_is_one_more_tensor():
    graph = small_mobilenet(0)
    names = [activation.name for activation in activations(write_tflite(graph, "uint8"))]
    assert names[:2] == ["input/uint8", "input"]
