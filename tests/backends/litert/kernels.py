"""LiteRT as the tests use it: every tensor of one inference by name, and one operator alone."""

from collections.abc import Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from pipeline.graph.ir import Int8Array, IntegerGraph

REFERENCE = OpResolverType.BUILTIN_REF


def load(content: bytes, kernels: OpResolverType, preserve: bool = False) -> Interpreter:
    interpreter = Interpreter(
        model_content=content,
        num_threads=1,
        experimental_op_resolver_type=kernels,
        experimental_preserve_all_tensors=preserve,
    )
    interpreter.allocate_tensors()
    return interpreter


def all_tensors(
    content: bytes, graph: IntegerGraph, inputs: Int8Array, kernels: OpResolverType = REFERENCE
) -> dict[str, Int8Array]:
    """What LiteRT computes: name to int8 ``(samples, height, width, channels)`` for every tensor of the graph."""
    interpreter = load(content, kernels, preserve=True)
    (entry,) = interpreter.get_input_details()
    indices = {details["name"]: details["index"] for details in interpreter.get_tensor_details()}
    samples = []
    for image in inputs:
        codes = image if entry["dtype"] == np.int8 else (image.astype(np.int16) + 128).astype(np.uint8)
        interpreter.set_tensor(entry["index"], codes[np.newaxis])
        interpreter.invoke()
        samples.append({name: interpreter.get_tensor(indices[name]) for name in graph.tensors})
    return {name: np.concatenate([sample[name] for sample in samples]) for name in graph.tensors}


def run_once(content: bytes, inputs: Sequence[Int8Array], kernels: OpResolverType = REFERENCE) -> Int8Array:
    """The output of one inference on the inputs in the file's order."""
    interpreter = load(content, kernels)
    for details, codes in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(details["index"], codes)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
