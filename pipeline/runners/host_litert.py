"""Runs a ``.tflite`` file in LiteRT on this computer, by each of the two sets of kernels that LiteRT has.

XNNPACK is what everyone runs: it is LiteRT's default, it is timed, and its outputs are the target's. The reference
kernels are slow and define the format's arithmetic; they must equal the fixed-point family.
"""

import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from pipeline.backends.litert.artefact import ARTEFACT, Codes, input_codes
from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array
from pipeline.graph.reference import Family
from pipeline.runners import Infer, OtherKernels, RunResult, host
from pipeline.targets import Target

SAMPLES: int | None = None

#: Which kernels compute in the arithmetic of which reference.
_KERNELS: dict[Family, OpResolverType] = {
    "xnnpack": OpResolverType.BUILTIN,
    "fixed-point": OpResolverType.BUILTIN_REF,
}


def run_artefact(artefact: Path, target: Target, inputs: Int8Array) -> RunResult:
    """Execute ``model.tflite`` on all `inputs` by both sets of kernels, and time XNNPACK's.

    Where this computer stands for another there is no latency.

    Raises:
        SixfoldError: the artefact is missing or damaged.
    """
    default, reference = (_Loaded(artefact / ARTEFACT, family) for family in ("xnnpack", "fixed-point"))
    images = default.images(inputs)
    stand_in = target.runner.stands_for is not None
    outputs = host.run_all(default.infer, images, f"{target.name}, XNNPACK")
    others = host.run_all(reference.infer, images, f"{target.name}, reference kernels")
    return RunResult(
        outputs=outputs,
        latency=None if stand_in else host.measure(default.infer, images),
        others=(OtherKernels("reference kernels", "fixed-point", others),),
        tools={"ai-edge-litert": version("ai-edge-litert")},
        details={"verified_on": host.cpu_name()},
    )


def run_tensors(artefact: Path, target: Target, image: Int8Array, family: Family) -> Mapping[str, Int8Array]:
    """Every activation of one inference, by name, as the kernels of `family` compute it.

    Args:
        artefact: folder of the artefact.
        target: what it was built for.
        image: int8 ``(height, width, channels)``.
        family: ``xnnpack`` or ``fixed-point``.
    """
    del target  # one file, one processor
    loaded = _Loaded(artefact / ARTEFACT, family, keep_all=True)
    loaded.infer(loaded.images(image[np.newaxis])[0])
    return loaded.tensors()


def open_inference(artefact: Path, target: Target) -> Infer:
    """Load ``model.tflite`` for XNNPACK.

    Raises:
        SixfoldError: the artefact is missing or damaged.
    """
    del target  # one file, one processor
    loaded = _Loaded(artefact / ARTEFACT, "xnnpack")
    return lambda image: loaded.infer(loaded.images(image[np.newaxis])[0]).reshape(-1)


class _Loaded:
    """The file, ready to run on one thread."""

    def __init__(self, path: Path, family: Family, keep_all: bool = False) -> None:
        try:
            with warnings.catch_warnings():
                # It warns that keeping all tensors takes memory, which is what is asked for here.
                warnings.filterwarnings("ignore", message=".*experimental_preserve_all_tensors", category=UserWarning)
                self._interpreter = Interpreter(
                    model_content=path.read_bytes(),
                    num_threads=1,
                    experimental_op_resolver_type=_KERNELS[family],
                    experimental_preserve_all_tensors=keep_all,
                )
            self._interpreter.allocate_tensors()
        except (OSError, ValueError, RuntimeError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise SixfoldError(f"{path}: LiteRT cannot load it ({reason})") from error
        (self._input,) = self._interpreter.get_input_details()
        (self._output,) = self._interpreter.get_output_details()

    def images(self, inputs: Int8Array) -> list[Codes]:
        """int8 ``(samples, height, width, channels)`` as the file takes them, one by one."""
        codes = input_codes(inputs, "int8" if self._input["dtype"] == np.int8 else "uint8")
        return [np.ascontiguousarray(image[np.newaxis]) for image in codes]

    def infer(self, image: Codes) -> Int8Array:
        """One inference, its input copied in and its output copied out."""
        self._interpreter.set_tensor(self._input["index"], image)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output["index"]), np.int8)

    def tensors(self) -> dict[str, Int8Array]:
        """Every int8 tensor of four axes by name, without its first axis: activations, and weights too."""
        found = {}
        for details in self._interpreter.get_tensor_details():
            if details["dtype"] == np.int8 and len(details["shape"]) == 4:
                found[details["name"]] = np.asarray(self._interpreter.get_tensor(details["index"]))[0]
        return found
