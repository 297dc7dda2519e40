"""One image after another through a loaded artefact, as a person watches: nothing is measured, nothing loaded twice."""

from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from pipeline.graph.ir import Int8Array
from pipeline.progress import silenced
from pipeline.runners import Infer, load_runner
from pipeline.targets import Target


@runtime_checkable
class InferenceRunner(Protocol):
    """A runner that keeps an artefact loaded."""

    def open_inference(self, artefact: Path, target: Target) -> Infer:
        """Load the artefact in folder `artefact`.

        Raises:
            SixfoldError: it is missing or damaged, or this computer cannot run it.
        """


def open_inference(artefact: Path, target: Target) -> Infer:
    """Load the artefact, where the target's runner can; elsewhere each image starts it anew, as an emulator must."""
    runner = load_runner(target)
    if isinstance(runner, InferenceRunner):
        return runner.open_inference(artefact, target)

    def infer(image: Int8Array) -> Int8Array:
        with silenced():
            codes = runner.run_artefact(artefact, target, np.ascontiguousarray(image[np.newaxis])).codes
        return codes.reshape(-1)

    return infer
