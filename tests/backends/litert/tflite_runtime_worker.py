"""Runs in the environment of tflite-runtime: what each of its two sets of kernels computes of several files."""

import numpy as np
from tflite_runtime.interpreter import Interpreter, OpResolverType

KERNELS = {"reference": OpResolverType.BUILTIN_REF, "default": OpResolverType.AUTO}


def answer(request, arrays):
    """File N is ``arrays["N"]``, its input M ``arrays["N input M"]``; answers ``"N reference"`` and ``"N default"``."""
    found = {}
    for number in range(request["files"]):
        for name, kernels in KERNELS.items():
            interpreter = Interpreter(
                model_content=arrays[str(number)].tobytes(), num_threads=1, experimental_op_resolver_type=kernels
            )
            interpreter.allocate_tensors()
            entries, (result,) = interpreter.get_input_details(), interpreter.get_output_details()
            inputs = [arrays[f"{number} input {position}"] for position in range(len(entries))]
            rows = []
            for sample in zip(*inputs, strict=True):
                for entry, codes in zip(entries, sample, strict=True):
                    interpreter.set_tensor(entry["index"], codes[np.newaxis])
                interpreter.invoke()
                rows.append(interpreter.get_tensor(result["index"]))
            found[f"{number} {name}"] = np.concatenate(rows)
    return {}, found
