"""Stage `compile@T`: the integer graph and a target in, ``artifacts/<target>/`` out."""

import sys

from pipeline.backends import load_backend
from pipeline.errors import SixfoldError, exits_cleanly
from pipeline.files import atomic_folder
from pipeline.graph.reader import read_graph
from pipeline.paths import INT8_MODEL, artefact_folder
from pipeline.targets import load_target


def compile_target(name: str) -> None:
    """Build the artefact of target `name`.

    Raises:
        SixfoldError: the target file is wrong, the model does not fit the board, or a tool is missing. The previous
            artefact, if any, stays as it was.
    """
    target = load_target(name)
    graph = read_graph(INT8_MODEL)
    backend = load_backend(target.backend)
    with atomic_folder(artefact_folder(name)) as folder:
        backend.compile_graph(graph, target, folder)


@exits_cleanly
def main() -> None:
    """Run the stage: ``python -m pipeline.stages.compile TARGET``."""
    if len(sys.argv) != 2:
        raise SixfoldError("usage: python -m pipeline.stages.compile TARGET")
    compile_target(sys.argv[1])


if __name__ == "__main__":
    main()
