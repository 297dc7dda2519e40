"""From the folders of several networks to one table: their models, and the reports of verification beside them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.verified.results import NetworkFacts, Results, Row
from pipeline.errors import SixfoldError
from pipeline.files import read_json, sha256_file
from pipeline.graph.reader import read_graph
from pipeline.paths import INT8_MODEL, target_report
from pipeline.report.inputs import DATASET_FILE, load_target_report
from pipeline.report.schema import Dataset
from pipeline.targets import Target, load_target, target_names
from pipeline.validation import validate


def compared_targets() -> list[Target]:
    """What generates code for a Linux processor, and every Linux board."""
    found = map(load_target, target_names())
    return [each for each in found if each.backend == "tvm" or (each.flash is not None and each.flash.kind == "ssh")]


def collect(folders: Iterable[Path]) -> Results:
    """Read every folder: ``data/prepared/dataset.json``, ``models/`` and ``reports/`` as the pipeline leaves them.

    A target that was not verified there has no row.

    Raises:
        SixfoldError: a model or data set is missing, a file damaged, a report another model's, or two folders have one
            data set.
    """
    networks: list[NetworkFacts] = []
    rows: list[Row] = []
    targets = compared_targets()
    for folder in folders:
        network = _network(folder)
        if network.name in (other.name for other in networks):
            raise SixfoldError(f"{folder}: another folder has data set {network.name} too; one network of each")
        networks.append(network)
        rows += _rows(folder, network, targets)
    return Results(networks=tuple(networks), rows=tuple(rows))


def _network(folder: Path) -> NetworkFacts:
    path = folder / DATASET_FILE
    dataset = validate(Dataset, read_json(path), str(path))
    model = folder / INT8_MODEL
    graph = read_graph(model)
    return NetworkFacts(name=dataset.source, input=graph.tensors[graph.input].shape, sha256=sha256_file(model))


def _rows(folder: Path, network: NetworkFacts, targets: Sequence[Target]) -> Iterable[Row]:
    for target in targets:
        path = folder / target_report(target.name)
        report = load_target_report(target.name, folder)
        if report is None:
            continue
        if report.model.sha256 != network.sha256:
            raise SixfoldError(f"{path}: is of another model than {folder / INT8_MODEL}; verify it again")
        if report.parity.reference != target.reference:
            raise SixfoldError(f"{path}: was compared with {report.parity.reference}, not {target.reference}")
        yield validate(Row, {"network": network.name, "target": target.name, **dict(report.parity)}, str(path))
