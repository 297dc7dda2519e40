"""MobileNetV2 as an ONNX file whose bytes depend on the weights alone."""

import copy
import itertools
import json
import logging
import warnings
from collections.abc import Mapping

import numpy as np
import onnx
import torch
from onnx import ModelProto, NodeProto, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pipeline.channel_moments import KEY as MOMENTS
from pipeline.channel_moments import ChannelMoments, encode_moments
from pipeline.models.checkpoint import check_finite
from pipeline.models.mobilenet_v2 import MobileNetV2

OPSET = 18
INPUT = "input"
OUTPUT = "logits"
SCOPES = "pkg.torch.onnx.name_scopes"
PRODUCER = "sixfold"
# What a reader calls the nodes that no module stands for, and the constants that are no module's weights.
OPERATIONS = {"Add": "add", "AveragePool": "pool", "Reshape": "flatten"}
CONSTANT_INPUTS = {"Clip": ("", "relu6.min", "relu6.max"), "Reshape": ("", "flatten.shape")}


def fold_batch_norm(model: MobileNetV2) -> MobileNetV2:
    """A copy of an evaluation-mode `model` in which each convolution has taken up the batch norm behind it.

    Module names stay; where a batch norm was there is an identity.
    """
    folded = copy.deepcopy(model).eval()
    for container in [module for module in folded.modules() if isinstance(module, nn.Sequential)]:
        for (name, first), (next_name, second) in zip(
            list(container.named_children()), list(container.named_children())[1:], strict=False
        ):
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                setattr(container, name, fuse_conv_bn_eval(first, second))
                setattr(container, next_name, nn.Identity())
    return folded


def batch_norm_moments(model: MobileNetV2) -> dict[str, ChannelMoments]:
    """What each convolution's folded output had as mean and deviation in training, by the convolution's module name.

    Batch norm in evaluation mode gives a channel of variance `v` the deviation ``|gamma| sqrt(v / (v + eps))``.
    """
    found: dict[str, ChannelMoments] = {}
    for path, container in model.named_modules():
        children = list(container.named_children()) if isinstance(container, nn.Sequential) else []
        for (name, first), (_, second) in itertools.pairwise(children):
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                variance = second.running_var
                assert variance is not None
                deviation = second.weight.detach().abs() * torch.sqrt(variance / (variance + second.eps))
                found[f"{path}.{name}"] = ChannelMoments(second.bias.detach().numpy(), deviation.numpy())
    return found


def export_onnx(model: MobileNetV2, image_size: int, metadata: Mapping[str, str]) -> ModelProto:
    """Export `model` for one image.

    Input `input` is float32 (1, channels, image_size, image_size), normalised; output `logits` is float32 (1, classes).
    Nodes, and tensors but for these two, are named after the modules that make them: `features.1.conv.0.0` is that
    convolution, `features.3.add` the residual of block 3. Nothing of the machine or the time is in the file. Each
    convolution's node keeps what its batch norm knew of the training images, see :mod:`pipeline.channel_moments`.

    Args:
        model: in evaluation mode, on the CPU, with batch norm.
        image_size: side in pixels, a multiple of 32.
        metadata: what a device needs beside the arithmetic; stored as metadata_props.

    Raises:
        SixfoldError: folding made a weight infinite, or a weight is NaN; it is named.
    """
    folded = fold_batch_norm(model)
    check_finite(folded.state_dict(), "model with batch norm folded")
    example = torch.zeros(1, model.architecture.in_channels, image_size, image_size)
    with warnings.catch_warnings():
        # torch warns of its own deprecated internals.
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            folded,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=[OUTPUT],
            external_data=False,
            verbose=False,
        )
    assert program is not None
    exported = program.model_proto
    _complete_biases(exported)
    _name_after_modules(exported)
    _strip(exported)
    _add_moments(exported, batch_norm_moments(model))
    for key in sorted(metadata):
        exported.metadata_props.add(key=key, value=metadata[key])
    onnx.checker.check_model(exported, full_check=True)
    return exported


def serialise(model: ModelProto) -> bytes:
    """The file's bytes; equal models give equal bytes."""
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def device_metadata(
    source: str, labels: tuple[str, ...], mean: tuple[float, ...], std: tuple[float, ...], central_crop: float = 1.0
) -> dict[str, str]:
    """What the file tells a device: class names, normalisation and crop as JSON, and the data set."""
    return {
        "sixfold.labels": json.dumps(list(labels), ensure_ascii=False),
        "sixfold.mean": json.dumps(list(mean)),
        "sixfold.std": json.dumps(list(std)),
        "sixfold.central_crop": json.dumps(central_crop),
        "sixfold.source": source,
    }


def _add_moments(model: ModelProto, moments: Mapping[str, ChannelMoments]) -> None:
    for node in model.graph.node:
        if node.name in moments:
            node.metadata_props.add(key=MOMENTS, value=encode_moments(moments[node.name]))


def _complete_biases(model: ModelProto) -> None:
    """Give every convolution and product a bias: the exporter leaves out one of nothing but zeros."""
    sizes = {initializer.name: initializer.dims[0] for initializer in model.graph.initializer if initializer.dims}
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm") and len(node.input) == 2:
            name = f"{node.input[1].removesuffix('.weight')}.bias"
            zeros = np.zeros(sizes[node.input[1]], dtype=np.float32)
            model.graph.initializer.append(numpy_helper.from_array(zeros, name))
            node.input.append(name)


def _name_after_modules(model: ModelProto) -> None:
    renamed = {value.name: value.name for value in (*model.graph.input, *model.graph.output)}
    constants = {initializer.name for initializer in model.graph.initializer}
    taken: dict[str, int] = {}
    for node in model.graph.node:
        name = _module_path(node)
        taken[name] = taken.get(name, 0) + 1
        node.name = name if taken[name] == 1 else f"{name}.{taken[name]}"
        for index, output in enumerate(node.output):
            renamed.setdefault(output, node.name if index == 0 else f"{node.name}:{index}")
        # Constants that are no module's weights: ReLU6's bounds and the shape that flattens.
        for index, constant in enumerate(node.input):
            if constant in constants and node.op_type in CONSTANT_INPUTS:
                renamed.setdefault(constant, CONSTANT_INPUTS[node.op_type][index])
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]
    for value in (*model.graph.value_info, *model.graph.initializer):
        value.name = renamed.get(value.name, value.name)


def _module_path(node: NodeProto) -> str:
    """The module's path where the module is nothing but this node, else with the operation: `features.3.add`."""
    scopes = json.loads(next((p.value for p in node.metadata_props if p.key == SCOPES), "[]").replace("'", '"'))
    # The last entry is torch's name of the operation within the innermost module.
    path = scopes[-2] if len(scopes) > 1 else ""
    if node.op_type in ("Conv", "Gemm", "Clip") and path:
        return path
    operation = OPERATIONS.get(node.op_type, node.op_type.lower())
    return f"{path}.{operation}" if path else operation


def _strip(model: ModelProto) -> None:
    """Remove what the exporter says about itself: source lines, paths, versions."""
    model.producer_name, model.producer_version, model.doc_string = PRODUCER, "", ""
    del model.metadata_props[:]
    graph = model.graph
    graph.name, graph.doc_string = "mobilenet_v2", ""
    del graph.metadata_props[:]
    for part in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
