"""Why a target's results may have changed: what the stages before them read then, and what they read now."""

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.gate.baseline import Baseline
from pipeline.gate.provenance import MISSING, MODEL_STAGES, Provenance, StageRecord
from pipeline.paths import target_baseline

#: Files named of one folder that changed.
_NAMED = 3


@dataclass(frozen=True)
class StageChange:
    """One stage, then and now.

    Attributes:
        reasons: what changed of the sources, data and parameters that the stage itself brings in.
        outs: its outputs that are other ones now.
        explained: whether anything changed that it reads, be it an output of a stage before it.
    """

    name: str
    reasons: tuple[str, ...]
    outs: tuple[str, ...]
    explained: bool


class Causes:
    """What changed between a baseline and now, by stage."""

    def __init__(self, before: Baseline, after: Baseline, root: Path = Path()) -> None:
        self._tools = tuple(_tool_changes(before.tools, after.tools))
        self._stages = _stage_changes(before.provenance, after.provenance, _Sources(after.target, root))

    @property
    def model_explained(self) -> bool:
        """Whether all that changed of the outputs up to the model has a reason."""
        changed = [stage for stage in self._model_stages() if stage.outs]
        return bool(changed) and all(stage.explained for stage in changed)

    def of_data(self) -> tuple[str, ...]:
        """Why the prepared data set changed."""
        return self._chain([stage for stage in self._stages if stage.name == "prepare"])

    def of_model(self) -> tuple[str, ...]:
        """Why the quantised model changed."""
        return self._chain(self._model_stages()) or (
            "dvc.lock knows of no stage that made another model: it was copied or imported",
        )

    def of_artefact(self) -> tuple[str, ...]:
        """Why the artefact or its execution changed, the model apart."""
        return (
            *self._chain([stage for stage in self._stages if stage.name not in MODEL_STAGES], every=True),
            *self._tools,
        )

    def of_all(self) -> tuple[str, ...]:
        """Everything that changed, what is nearest to the result first."""
        return (*self.of_artefact(), *self._chain(self._model_stages()))

    def _model_stages(self) -> list[StageChange]:
        return [stage for stage in self._stages if stage.name in MODEL_STAGES]

    @staticmethod
    def _chain(stages: Iterable[StageChange], every: bool = False) -> tuple[str, ...]:
        """In words. What changed without changing any output is no cause, unless outputs are not known (`every`)."""
        stages_by_reason: dict[str, list[str]] = {}
        for stage in stages:
            reasons = stage.reasons if stage.outs or every else ()
            if stage.outs and not stage.explained:
                reasons = (
                    f"{', '.join(stage.outs)} changed although nothing that the stage reads did: "
                    "edited by hand, or made on another processor",
                )
            for reason in reasons:
                stages_by_reason.setdefault(reason, []).append(stage.name)
        return tuple(f"{', '.join(names)}: {reason}" for reason, names in stages_by_reason.items())


class _Sources:
    """Names the files behind a folder's changed hash: what git shows as changed since the baseline was committed."""

    def __init__(self, target: str, root: Path) -> None:
        self._root = root
        self._commit = self._git("log", "-1", "--format=%H", "--", target_baseline(target).as_posix()).strip()

    def files(self, folder: str) -> str:
        """Changed files below `folder`, in brackets; empty where git cannot tell."""
        if not self._commit:
            return ""
        names = sorted(self._git("diff", "--name-only", self._commit, "--", folder).splitlines())
        if not names or names == [folder]:
            return ""
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f" ({', '.join(names[:_NAMED])}{more})"

    def _git(self, *arguments: str) -> str:
        try:
            done = subprocess.run(
                ["git", *arguments], cwd=self._root, capture_output=True, text=True, check=False, timeout=30
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout if done.returncode == 0 else ""


def _stage_changes(before: Provenance, after: Provenance, sources: _Sources) -> list[StageChange]:
    made: set[str] = set()
    changes = []
    empty = StageRecord(deps={}, params={}, outs={})
    for name, now in after.stages.items():
        then = before.stages.get(name, empty)
        changed = _changed(then.deps, now.deps)
        reasons = [_source_change(then, now, path) + sources.files(path) for path in changed if path not in made]
        reasons += _param_changes(then.params, now.params)
        outs = tuple(_changed(then.outs, now.outs))
        # An output that an unexplained one led to is not unexplained again: the first of them is named.
        changes.append(StageChange(name, tuple(reasons), outs, explained=bool(changed or reasons)))
        made |= now.outs.keys()
    return changes


def _param_changes(then: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """In words. Of another experiment, whose parameters all have other names, only that it is another one."""
    before, after = _experiments(then), _experiments(now)
    switched = bool(before and after and before != after)
    changes = [
        f"{key} is {now.get(key)}, was {then.get(key)}"
        for key in _changed(then, now)
        if not (switched and (key == "experiment" or key.startswith("experiments.")))
    ]
    return [f"experiment is {', '.join(after)}, was {', '.join(before)}", *changes] if switched else changes


def _experiments(params: Mapping[str, object]) -> list[str]:
    return sorted({key.split(".")[1] for key in params if key.startswith("experiments.")})


def _changed(then: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    return sorted(key for key in then.keys() | now.keys() if then.get(key) != now.get(key))


def _source_change(then: StageRecord, now: StageRecord, path: str) -> str:
    if then.deps.get(path, MISSING) == MISSING:
        return f"{path} is new"
    if now.deps.get(path, MISSING) == MISSING:
        return f"{path} is gone"
    return f"{path} changed"


def _tool_changes(then: dict[str, str], now: dict[str, str]) -> list[str]:
    return [
        f"{name} is {now.get(name, 'not there')}, was {then.get(name, 'not there')}" for name in _changed(then, now)
    ]
