"""`sixfold targets`: what there is to build for, and how each did last."""

from dataclasses import asdict, dataclass

from pipeline.cli.output import print_json
from pipeline.errors import SixfoldError
from pipeline.memories import Memory
from pipeline.params import load_params
from pipeline.report.console import console, table
from pipeline.report.format import UNKNOWN, outcome, size, verdict
from pipeline.report.inputs import load_target_report
from pipeline.report.schema import TargetReport
from pipeline.target_paths import params_lines
from pipeline.targets import load_target, target_names


@dataclass(frozen=True)
class Row:
    """One target. `last` is the report of its last verification, as `reports/<name>.json` holds it."""

    name: str
    summary: str
    core: str
    backend: str
    kernels: str | None
    runner: str
    enabled: bool
    memory: dict[str, int] | None
    last: TargetReport | None

    @property
    def status(self) -> str:
        """How it did last: passed, failed or not-verified."""
        return verdict(self.last.budget.passed if self.last else None).replace(" ", "-")


@dataclass(frozen=True)
class Wanted:
    """Which targets to list; None and False take all."""

    core: str | None = None
    backend: str | None = None
    enabled: bool = False
    status: str | None = None

    def takes(self, row: Row) -> bool:
        """Whether a target is to be listed."""
        asked = ((self.core, row.core), (self.backend, row.backend), (self.status, row.status))
        return all(value in (None, found) for value, found in asked) and (row.enabled or not self.enabled)


def rows() -> list[Row]:
    """Every file in targets/, sorted by name.

    Raises:
        SixfoldError: a file is wrong, or params.yaml enables a target that does not exist.
    """
    names, enabled = target_names(), load_params().targets
    if unknown := sorted(set(enabled) - set(names)):
        raise SixfoldError(f"params.yaml: targets: {unknown[0]}: no such file in targets/")
    return [_row(name, name in enabled) for name in names]


def _row(name: str, enabled: bool) -> Row:
    target = load_target(name)
    runner = target.runner
    machine = f"{runner.kind} {runner.machine}" if runner.machine else runner.kind
    memory = _sizes(target.memory) if target.memory else None
    last = load_target_report(name)
    return Row(name, target.summary, target.core, target.backend, target.kernels, machine, enabled, memory, last)


def _sizes(memory: Memory) -> dict[str, int]:
    return {name: region.size for name, region in memory.regions.items()}


def print_targets(as_json: bool, wanted: Wanted = Wanted()) -> None:
    """Print targets as a table, or as a JSON list.

    Raises:
        SixfoldError: a file is wrong, or no target at all has the core or backend that is wanted.
    """
    every = rows()
    _check("--core", wanted.core, {row.core for row in every})
    _check("--backend", wanted.backend, {row.backend for row in every})
    found = [row for row in every if wanted.takes(row)]
    if as_json:
        print_json([{**asdict(row), "status": row.status, "last": _as_json(row.last)} for row in found])
        return
    listing = table("target", "core", "memory", "backend, kernels", "runner", "enabled", "last result")
    for row in found:
        memory = " + ".join(size(amount) for amount in row.memory.values()) if row.memory else UNKNOWN
        enabled = "yes" if row.enabled else "no"
        backend = f"{row.backend}, {row.kernels}" if row.kernels else row.backend
        listing.add_row(row.name, row.core, memory, backend, row.runner, enabled, _summary(row.last))
    console().print(listing)


def _check(flag: str, value: str | None, known: set[str]) -> None:
    if value is not None and value not in known:
        raise SixfoldError(f"{flag} {value}: no target has it; there are {', '.join(sorted(known))}")


def _as_json(report: TargetReport | None) -> object:
    return report.model_dump(mode="json", exclude={"details", "predictions"}) if report else None


def _summary(report: TargetReport | None) -> str:
    return verdict(None) if report is None else outcome(report)


def print_params_lines(name: str) -> None:
    """Print what to paste below `targets:` in params.yaml to enable target `name`."""
    print(params_lines(load_target(name)), end="")
