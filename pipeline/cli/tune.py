"""`sixfold tune`: measured schedules for the kernels of backend tvm."""

from collections.abc import Collection

from pipeline.cli.output import print_json
from pipeline.errors import SixfoldError
from pipeline.graph.reader import read_graph
from pipeline.paths import quantised_model
from pipeline.progress import progress_bar
from pipeline.runners.host import cpu_flags
from pipeline.targets import load_target


def tune_target(name: str, as_json: bool = False) -> None:
    """Measure every kernel shape of the current graph that was not measured, for what this processor can run.

    Args:
        name: of a file in targets/.
        as_json: print how many shapes were measured by instruction set as JSON instead of a line each.

    Raises:
        SixfoldError: the target is not TVM's, or this processor has none of its instruction sets.
    """
    target = load_target(name)
    if target.backend != "tvm":
        raise SixfoldError(f"targets/{name}.yaml: backend is {target.backend}; only tvm's kernels are tuned")
    graph = read_graph(quantised_model())
    # TVM takes seconds, and imports PyTorch with it.
    from pipeline.backends.tvm.isa import INSTRUCTION_SETS  # noqa: PLC0415
    from pipeline.backends.tvm.tuning import FOLDER, tune, unmeasured  # noqa: PLC0415

    here = [INSTRUCTION_SETS[each] for each in target.instruction_sets if _runs_here(INSTRUCTION_SETS[each].cpu_flags)]
    if not here:
        wanted = ", ".join(target.instruction_sets)
        raise SixfoldError(f"{name}: this processor has none of {wanted}; tune on the target itself")
    measured = {}
    for isa in here:
        todo = unmeasured(graph, isa)
        with progress_bar(f"tuning, {isa.name}", len(todo)) as advance:
            tune(graph, isa, progress=advance)
        measured[isa.name] = len(todo)
        if not as_json:
            print(f"{isa.name}: measured {len(todo)} kernel shapes, all in {FOLDER.name}/{isa.name}.json")
    if as_json:
        print_json({"target": name, "measured": measured})


def _runs_here(needed: Collection[str]) -> bool:
    return bool(needed) and cpu_flags().issuperset(needed)
