"""What Sixfold writes and then imports is the same graph, whichever format it took."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.backends.litert.writer import write_tflite
from pipeline.graph.ir import IntegerGraph, Padding
from pipeline.graph.qdq import int8_qdq
from pipeline.importers.model_file import Overrides, import_model, read_model
from pipeline.preprocess import Normalization
from tests.backends.litert.networks import networks
from tests.graph.graphs import GraphBuilder, random_graph, small_mobilenet

OVERRIDES = Overrides(Normalization((0.5,), (0.25,)))


@st.composite
def mobilenets(draw: st.DrawFn) -> IntegerGraph:
    """MobileNetV2's structure with any width, depth, resolution, padding and number of classes."""
    builder = GraphBuilder(np.random.default_rng(draw(st.integers(0, 2**32 - 1))))
    size = draw(st.integers(5, 24))
    last = builder.add_input((size, draw(st.integers(5, 24)), draw(st.sampled_from([1, 3]))))
    last = builder.conv(last, draw(st.integers(2, 12)), 3, draw(st.sampled_from([1, 2])))
    for _ in range(draw(st.integers(0, 3))):
        source, channels = last, builder.tensors[last].shape[2]
        stride = draw(st.sampled_from([1, 2]))
        paddings = [Padding(1, 1, 1, 1), Padding(0, 0, 1, 1), Padding(1, 1, 0, 0)]
        padding = draw(st.sampled_from(paddings if min(builder.tensors[last].shape[:2]) > 1 else paddings[:1]))
        widened = builder.conv(last, channels * draw(st.integers(1, 6)))
        filtered = builder.depthwise(widened, 3, stride, padding)
        same = builder.tensors[filtered].shape[:2] == builder.tensors[source].shape[:2]
        last = builder.conv(filtered, channels if same else draw(st.integers(2, 12)), relu6=False)
        last = builder.add(source, last) if same else last
    pooled = builder.pool(builder.conv(last, draw(st.integers(2, 24))))
    return builder.build(builder.fully_connected(pooled, draw(st.integers(2, 20))))


@settings(max_examples=60, deadline=None)
@given(mobilenets(), st.sampled_from(["int8", "uint8"]))
def test_through_tflite_a_mobilenet_stays_the_same(graph, input_type):
    imported = read_model(write_tflite(graph, input_type), "file", OVERRIDES)
    assert imported.graph.sha256() == graph.sha256()
    assert "the very graph that Sixfold wrote it from" in imported.notes


@settings(max_examples=60, deadline=None)
@given(networks().filter(lambda graph: graph.tensors[graph.output].shape[2] > 1))
def test_through_tflite_any_graph_stays_the_same_up_to_names_for_one_kind(graph):
    imported = read_model(write_tflite(graph), "file", OVERRIDES).graph
    # A depthwise convolution of a single channel is a convolution, in TensorFlow Lite as in ONNX.
    kinds = [(type(op).__name__, op.name) for op in imported.operators]
    assert [name for _, name in kinds] == [op.name for op in graph.operators]
    through_onnx = read_model(int8_qdq(graph).SerializeToString(), "file", OVERRIDES).graph
    assert imported.sha256() == through_onnx.sha256()


@settings(max_examples=30, deadline=None)
@given(mobilenets())
def test_through_onnx_a_mobilenet_stays_the_same(graph):
    assert read_model(int8_qdq(graph).SerializeToString(), "file", OVERRIDES).graph.sha256() == graph.sha256()


def test_metadata_survive_both_ways(tmp_path):
    metadata = {
        "sixfold.labels": json.dumps(["a", "zwölf", "c"], ensure_ascii=False),
        "sixfold.mean": "[0.1]",
        "sixfold.std": "[0.2]",
        "sixfold.central_crop": "0.875",
    }
    graph = replace(small_mobilenet(1, classes=3), metadata=metadata)
    for name, data in (("a.tflite", write_tflite(graph)), ("a.onnx", int8_qdq(graph).SerializeToString())):
        (tmp_path / name).write_bytes(data)
        found = dict(import_model(tmp_path / name, tmp_path / "model.int8.onnx", Overrides()).graph.metadata)
        assert json.loads(found.pop("sixfold.imported"))["file"] == name
        assert found == metadata


@pytest.mark.parametrize("suffix", ["tflite", "onnx"])
def test_the_same_file_gives_the_same_bytes(tmp_path, suffix):
    graph = random_graph(5)
    data = write_tflite(graph) if suffix == "tflite" else int8_qdq(graph).SerializeToString()
    source = tmp_path / f"model.{suffix}"
    source.write_bytes(data)
    outputs = []
    for name in ("first.onnx", "second.onnx"):
        import_model(source, tmp_path / name, OVERRIDES)
        outputs.append((tmp_path / name).read_bytes())
    assert outputs[0] == outputs[1]


def test_a_changed_file_says_so():
    data = bytearray(write_tflite(random_graph(2)))
    graph = read_model(bytes(data), "file", OVERRIDES).graph
    weight = graph.operators[0].weight.tobytes()
    data[bytes(data).index(weight)] ^= 1
    assert read_model(bytes(data), "file", OVERRIDES).notes[0].startswith("another graph than Sixfold wrote it from")
