"""One run: every method once, a failure of one never stopping the others."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.networks import NETWORKS
from benchmarks.quantisation.method import Method
from benchmarks.quantisation.own import ALL_METHODS, PACKAGES, ablation, curve, ours
from benchmarks.quantisation.peers import peers
from benchmarks.quantisation.problem import Problem, float_file
from benchmarks.quantisation.results import MissingRow, Results, Row, Table, TimeRow
from benchmarks.quantisation.store import BUILD_FOLDER, Store
from pipeline.errors import SixfoldError
from pipeline.tool_environments import tool_environment

OWN = "ours"
#: A second network whose time is told, beside the one that is scored.
SMALL_NETWORK = "mbv2-035-96"


@dataclass(frozen=True)
class Parts:
    """Which tables are made beside the comparison."""

    ablation: bool = False
    curve: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left out."""
        return self.ablation and self.curve


def planned(problem: Problem, parts: Parts) -> list[tuple[Table, Method]]:
    """What is measured, in the order of the tables."""
    images = len(problem.calibration)
    methods: list[tuple[Table, Method]] = [
        ("comparison", ours(OWN, images, ALL_METHODS, ("fixed-point", "float", "onnxruntime"))),
        *(("comparison", peer) for peer in peers(images)),
    ]
    if parts.ablation:
        methods += [("ablation", method) for method in ablation(images)]
    if parts.curve:
        methods += [("curve", method) for method in curve(images)]
    return methods


def run(problem: Problem, parts: Parts, say: Callable[[str], None], folder: Path = BUILD_FOLDER) -> Results:
    """Measure.

    Args:
        problem: network and images.
        parts: which tables.
        say: told what is being done and what came out.
        folder: keeps what is finished.

    Returns:
        The rows of all that worked, and by name what did not.
    """
    store = Store(problem, folder)
    rows: list[Row] = []
    missing: list[MissingRow] = []
    plan = planned(problem, parts)
    for number, (table, method) in enumerate(plan, start=1):
        say(f"[{number}/{len(plan)}] {table}: {method.name}")
        try:
            found = _rows(store, table, method)
        except SixfoldError as error:
            missing.append(MissingRow(table=table, method=method.name, reason=str(error)))
            say(f"  cannot be run here: {error}")
            continue
        except Exception as error:  # another project's defect must not cost what the others took
            traceback.print_exc(file=sys.stderr)
            missing.append(MissingRow(table=table, method=method.name, reason=repr(error)))
            continue
        for row in found:
            say(f"  {row.computed_by}: {row.sqnr_db or float('inf'):.2f} dB, agreement {row.agreement:.1%}")
        rows += found
    say("times")
    return Results(
        samples=len(problem.labels),
        fp32=float((store.expected.argmax(1) == problem.labels).mean()),
        rows=tuple(rows),
        missing=tuple(missing),
        times=tuple(_times(store)),
        tools=_tools(),
    )


def _rows(store: Store, table: Table, method: Method) -> list[Row]:
    _, made = store.quantised(method)
    return [
        Row(
            table=table,
            method=method.name,
            computed_by=arithmetic,
            calibration_images=method.images,
            seconds=made.seconds,
            cpu_seconds=made.cpu_seconds,
            **store.score(method, arithmetic),
        )
        for arithmetic in method.computed_by
    ]


def _times(store: Store) -> list[TimeRow]:
    """Our own quantisation of the network that is scored, and of a small one on the same photographs."""
    rows = []
    for problem in (store.problem, _small(store.problem)):
        images = len(problem.calibration)
        _, made = Store(problem, store.folder).quantised(ours(OWN, images, ALL_METHODS))
        rows.append(
            TimeRow(
                network=problem.network.name,
                calibration_images=images,
                seconds=made.seconds,
                cpu_seconds=made.cpu_seconds,
            )
        )
    return rows


def _small(problem: Problem) -> Problem:
    network = NETWORKS[SMALL_NETWORK]
    size = (network.image_size, network.image_size)
    images = [Image.fromarray(image).resize(size, Image.Resampling.BILINEAR) for image in problem.calibration]
    return replace(
        problem, network=network, model=float_file(network), calibration=np.stack(list(map(np.asarray, images)))
    )


def _tools() -> dict[str, str]:
    apart = {name: tool_environment(name).version for name in ("esp-ppq", "nncf")}
    return {name: version(name) for name in (*PACKAGES, "onnxruntime")} | apart
