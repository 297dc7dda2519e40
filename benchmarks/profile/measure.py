"""Building and profiling the benchmark networks."""

from collections.abc import Sequence

from benchmarks.boards import BOARDS, BoardCase, build_board
from benchmarks.graphs import BUILD_FOLDER, integer_graph, measured_inputs
from benchmarks.networks import NETWORKS
from benchmarks.profile.results import Kind, KindWork, Row
from pipeline.backends.cortex_m.libraries import MODES
from pipeline.graph.ir import Add, Conv2D, DepthwiseConv2D, FullyConnected, GlobalAveragePool, IntegerGraph, Operator
from pipeline.profile.measure import profile_artefact
from pipeline.profile.results import Profile

_NETWORKS = ("mbv2-035-96", "mbv2-100-224")
#: One with the DSP extension, whose kernels the Cortex-M7 and -M33 share, and the one with Helium.
_CORES = ("cortex-m4", "cortex-m55")


def cases(networks: Sequence[str] = _NETWORKS) -> list[BoardCase]:
    """What is profiled, in the order of the tables."""
    return [
        BoardCase(NETWORKS[network], BOARDS[core], kernels, mode)
        for network in networks
        for core in _CORES
        for kernels, mode in MODES
        if kernels != "portable"
    ]


def measure(case: BoardCase, graph: IntegerGraph) -> Row:
    """Build and profile one inference of a real image.

    Raises:
        SixfoldError: something cannot be built or emulated, or the counts are not the board's own.
    """
    artefact = build_board(case, graph, BUILD_FOLDER)
    profile = profile_artefact(artefact, case.target, graph, measured_inputs(case.network, graph, 1)[0])
    return Row(
        network=case.network.name,
        core=case.board.core,
        kernels=case.kernels,
        input=case.input,
        profile=profile,
        kinds=_by_kind(graph, profile),
    )


def measure_all(chosen: Sequence[BoardCase]) -> list[Row]:
    """Every case, one after the other."""
    graphs: dict[str, IntegerGraph] = {}
    rows = []
    for case in chosen:
        print(case, flush=True)
        if case.network.name not in graphs:
            graphs[case.network.name] = integer_graph(case.network)
        rows.append(measure(case, graphs[case.network.name]))
    return rows


def kind_of(operator: Operator) -> Kind:
    """What an operator is, as a MobileNetV2 has them."""
    match operator:
        case Conv2D():
            return "1x1 convolution" if operator.weight.shape[1:3] == (1, 1) else "first convolution"
        case DepthwiseConv2D():
            return "depthwise"
        case Add():
            return "addition"
        case GlobalAveragePool():
            return "pooling"
        case FullyConnected():
            return "classifier"


def _by_kind(graph: IntegerGraph, profile: Profile) -> dict[Kind, KindWork]:
    layers = {layer.name: layer for layer in profile.layers}
    found: dict[Kind, KindWork] = {}
    for operator in graph.operators:
        layer, before = layers[operator.name], found.get(kind_of(operator), KindWork(instructions=0, macs=0))
        found[kind_of(operator)] = KindWork(
            instructions=before.instructions + layer.instructions, macs=before.macs + layer.macs
        )
    return found
