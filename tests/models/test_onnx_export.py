"""The ONNX file: what is in it, what is not, and that it computes the same."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from torch import nn

from pipeline.channel_moments import KEY as MOMENTS
from pipeline.channel_moments import decode_moments
from pipeline.errors import SixfoldError
from pipeline.models.mobilenet_v2 import Architecture, MobileNetV2
from pipeline.models.onnx_export import batch_norm_moments, device_metadata, export_onnx, fold_batch_norm, serialise

REPOSITORY = Path(__file__).parents[2]
METADATA = device_metadata("digits", ("null", "zwölf", "drei"), (0.5,), (0.25,))

SCRIPT = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from tests.models.test_onnx_export import lived_in_model, METADATA
from pipeline.models.onnx_export import export_onnx, serialise
print(hashlib.sha256(serialise(export_onnx(lived_in_model(), 64, METADATA))).hexdigest())
"""


def lived_in_model(seed: int = 0) -> MobileNetV2:
    """A small network whose batch norms have seen data, so that folding them matters."""
    torch.manual_seed(seed)
    model = MobileNetV2(Architecture(0.1, 3, 1, 2, 0.1))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return model.eval()


def test_folding_changes_nothing_but_rounding() -> None:
    model = lived_in_model().double()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    folded = fold_batch_norm(model)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    images = torch.randn(2, 1, 64, 64, dtype=torch.float64)
    torch.testing.assert_close(folded(images), model(images), rtol=1e-9, atol=1e-9)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.fixture(scope="module")
def exported() -> onnx.ModelProto:
    return export_onnx(lived_in_model(), 64, METADATA)


@pytest.mark.slow
def test_signature_operators_and_metadata(exported: onnx.ModelProto) -> None:
    graph = exported.graph
    assert [(opset.domain, opset.version) for opset in exported.opset_import] == [("", 18)]
    shapes = {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output)
    }
    assert shapes == {"input": [1, 1, 64, 64], "logits": [1, 3]}
    kinds = {node.op_type for node in graph.node}
    assert kinds == {"Conv", "Clip", "Add", "AveragePool", "Reshape", "Gemm"}
    assert sum(node.op_type == "Conv" for node in graph.node) == 52
    metadata = {entry.key: entry.value for entry in exported.metadata_props}
    assert json.loads(metadata["sixfold.labels"]) == ["null", "zwölf", "drei"]
    assert json.loads(metadata["sixfold.mean"]) == [0.5]
    assert json.loads(metadata["sixfold.std"]) == [0.25]
    assert metadata["sixfold.source"] == "digits"


@pytest.mark.slow
def test_names_are_the_modules(exported: onnx.ModelProto) -> None:
    names = [node.name for node in exported.graph.node]
    assert len(set(names)) == len(names)
    modules = dict(lived_in_model().named_modules())
    for node in exported.graph.node:
        assert list(node.output) == ["logits" if node.name == "classifier.1" else node.name]
        if node.op_type == "Conv":
            assert isinstance(modules[node.name], nn.Conv2d)
            assert list(node.input)[1:] == [f"{node.name}.weight", f"{node.name}.bias"]
        if node.op_type == "Clip":
            assert isinstance(modules[node.name], nn.ReLU6)
    assert names[-3:] == ["pool", "flatten", "classifier.1"]
    assert "features.3.add" in names


@pytest.mark.slow
def test_every_convolution_and_product_has_a_bias(exported: onnx.ModelProto) -> None:
    # The classifier's is all zeros here, which torch's exporter would leave out.
    assert all(len(node.input) == 3 for node in exported.graph.node if node.op_type in ("Conv", "Gemm"))
    shapes = {entry.name: list(entry.dims) for entry in exported.graph.initializer}
    assert shapes["classifier.1.bias"] == [3]


@pytest.mark.slow
def test_no_trace_of_the_machine(exported: onnx.ModelProto) -> None:
    content = serialise(exported)
    for stranger in (b"/work", str(REPOSITORY).encode(), b".venv", b"torch", b"stack_trace", b".py"):
        assert stranger not in content
    assert not exported.producer_version
    assert {p.key for node in exported.graph.node for p in node.metadata_props} == {MOMENTS}
    assert not any(node.doc_string for node in exported.graph.node)


def test_moments_are_those_of_the_folded_outputs_on_the_images_that_batch_norm_saw() -> None:
    model, images = lived_in_model(), torch.randn(8, 1, 64, 64)

    def see(module: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        assert isinstance(module, nn.BatchNorm2d)
        module.running_var, module.running_mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)

    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_pre_hook(see)
    with torch.no_grad():
        model(images)
    found: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    folded, expected = fold_batch_norm(model), batch_norm_moments(model)
    for name, module in folded.named_modules():
        if isinstance(module, nn.Conv2d):

            def note(_module: nn.Module, _inputs: object, output: torch.Tensor, name: str = name) -> None:
                found[name] = torch.std_mean(output, (0, 2, 3), correction=0)

            module.register_forward_hook(note)
    with torch.no_grad():
        folded(images)
    assert found.keys() == expected.keys()
    for name, (deviation, mean) in found.items():
        np.testing.assert_allclose(mean.numpy(), expected[name].mean, atol=1e-3)
        np.testing.assert_allclose(deviation.numpy(), expected[name].deviation, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_each_convolution_keeps_its_moments(exported: onnx.ModelProto) -> None:
    expected = batch_norm_moments(lived_in_model())
    convolutions = [node for node in exported.graph.node if node.op_type == "Conv"]
    assert {node.name for node in convolutions} == expected.keys()
    for node in convolutions:
        (entry,) = node.metadata_props
        read = decode_moments(entry.value, len(expected[node.name].mean))
        assert np.array_equal(read.mean, expected[node.name].mean)
        assert np.array_equal(read.deviation, expected[node.name].deviation)


@pytest.mark.slow
def test_another_process_writes_the_same_bytes(exported: onnx.ModelProto, tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(REPOSITORY)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == hashlib.sha256(serialise(exported)).hexdigest()


@pytest.mark.slow
def test_it_computes_what_torch_computes(exported: onnx.ModelProto) -> None:
    session = ort.InferenceSession(serialise(exported), providers=["CPUExecutionProvider"])
    images = np.random.default_rng(0).standard_normal((4, 1, 64, 64), dtype=np.float32)
    logits = np.concatenate([session.run(None, {"input": image[np.newaxis]})[0] for image in images])
    with torch.inference_mode():
        expected = lived_in_model()(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


def test_a_weight_that_folding_makes_infinite_is_named() -> None:
    model = lived_in_model()
    with torch.no_grad():
        model.features[0][1].weight[0] = 1e38
        model.features[0][1].running_var[0] = 0
    with pytest.raises(SixfoldError, match=r"batch norm folded: features\.0\.0\.weight: \d+ of \d+ values"):
        export_onnx(model, 64, METADATA)
