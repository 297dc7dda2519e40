"""What a target's results were made from: the stages before them with the hashes of all that each of them read.

dvc.yaml says what a stage reads. The hashes are those of dvc.lock where the stage's outputs on disk are the ones that
DVC made; where something else made them (`sixfold build`, a hand), the files as they are now are hashed instead.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import SixfoldError
from pipeline.gate.tree_hash import dvc_hash, manifest, manifest_hash
from pipeline.params import PARAMS_FILE, load_params
from pipeline.paths import REPORTS
from pipeline.target_paths import watched_paths
from pipeline.targets import Target
from pipeline.validation import Checked, read_yaml

PREPARED_FOLDER = "data/prepared"

DEFINITION = Path("dvc.yaml")
LOCK = Path("dvc.lock")

#: Stands for the hash of what is not there.
MISSING = "missing"

#: The stages up to the one quantised model, in order.
MODEL_STAGES = ("prepare", "train", "export", "quantize")


class StageRecord(Checked):
    """One stage: hashes by path, and parameters by their dotted name."""

    deps: dict[str, str]
    params: dict[str, Any]
    outs: dict[str, str]


class Provenance(Checked):
    """All that a target's results were made from.

    Attributes:
        stages: by name, in the order in which data flows; without their reports.
        data: hash of each file of the prepared data set; empty where it is not on this computer.
    """

    stages: dict[str, StageRecord]
    data: dict[str, str]


@dataclass(frozen=True)
class _Stage:
    name: str
    deps: tuple[str, ...]
    params: tuple[str, ...]
    outs: tuple[str, ...]


class PipelineFiles:
    """dvc.yaml, dvc.lock, params.yaml and the files that they name, each read once for all targets.

    Args:
        root: the repository.

    Raises:
        SixfoldError: one of the three cannot be used.
    """

    def __init__(self, root: Path = Path()) -> None:
        self.root = root
        self.params = load_params(root / PARAMS_FILE)
        self._values = read_yaml(root / PARAMS_FILE)
        self._definitions = read_yaml(root / DEFINITION)
        self._locked = _read_lock(root)
        data = root / PREPARED_FOLDER
        self._data = manifest(data) if data.is_dir() else {}
        # The largest of all folders is read once.
        self._hashes: dict[str, str | None] = {PREPARED_FOLDER: manifest_hash(self._data)} if self._data else {}

    def provenance(self, target: Target) -> Provenance:
        """What the results of `target` were made from.

        Raises:
            SixfoldError: the results are older than what they are made from, or dvc.yaml is another one than ours.
        """
        records, foreign = {}, set[str]()
        for stage in self._stages(target):
            entry = self._locked.get(stage.name)
            if entry is not None and self._made_by_dvc(stage, entry):
                self._check_up_to_date(stage, entry, foreign)
            else:
                entry = None
                foreign |= set(stage.outs)
            records[stage.name] = self._record(stage, entry)
        return Provenance(stages=records, data=self._data)

    def _record(self, stage: _Stage, entry: StageRecord | None) -> StageRecord:
        if entry is None:
            entry = StageRecord(
                deps={path: self._hash(path) or MISSING for path in stage.deps},
                params=self._params_of(stage),
                outs={path: self._hash(path) or MISSING for path in stage.outs},
            )
        # Reports hold wall-clock times, and no stage reads them to compute anything.
        outs = {path: md5 for path, md5 in entry.outs.items() if not path.startswith(f"{REPORTS}/")}
        return StageRecord(deps=entry.deps, params=entry.params, outs=outs)

    def _made_by_dvc(self, stage: _Stage, entry: StageRecord) -> bool:
        return all(self._hash(path) in (None, entry.outs.get(path)) for path in stage.outs)

    def _check_up_to_date(self, stage: _Stage, entry: StageRecord, foreign: Set[str]) -> None:
        """Raise where a stage's outputs are here and were made from other files than are here now.

        Outputs of stages before it that DVC did not make (`foreign`) are excepted: the gate reports on those itself.
        """
        if any(self._hash(path) is None for path in stage.outs):
            return
        # Nor is a folder of photographs read again, which may be large: DVC knows by their dates whether it must.
        read = (path for path in stage.deps if path not in foreign and path != self.params.image_folder)
        changed = [path for path in read if self._hash(path) not in (None, entry.deps.get(path))]
        if self._params_of(stage) != entry.params:
            changed.append(str(PARAMS_FILE))
        if changed:
            out = self.root / stage.outs[0]
            raise SixfoldError(f"{out}: out of date, {changed[0]} is not what stage {stage.name} read; run `dvc repro`")

    def _params_of(self, stage: _Stage) -> dict[str, Any]:
        return _flat({key: _lookup(self._values, key) for key in stage.params})

    def _hash(self, path: str) -> str | None:
        if path not in self._hashes:
            self._hashes[path] = dvc_hash(self.root / path)
        return self._hashes[path]

    def _stages(self, target: Target) -> Iterator[_Stage]:
        paths = watched_paths(target)
        values = {"key": target.name, "experiment": self.params.experiment, "image_folder": self.params.image_folder}
        values |= {f"item.{field}": getattr(paths, field) for field in type(paths).model_fields}
        for name in (*MODEL_STAGES, f"compile@{target.name}", f"verify@{target.name}"):
            stage, _, instance = name.partition("@")
            try:
                entry = self._definitions["stages"][stage]
                entry = entry["do"] if instance else entry
                lists = (_texts(entry.get(key, ()), values) for key in ("deps", "params", "outs", "metrics"))
                deps, params, outs, metrics = lists
            except (KeyError, TypeError, AttributeError, StopIteration) as error:
                where = self.root / DEFINITION
                raise SixfoldError(f"{where}: stages: {stage} is not as the gate expects it ({error!r})") from error
            yield _Stage(name, deps, params, (*outs, *metrics))


def _texts(entries: list[Any], values: Mapping[str, str]) -> tuple[str, ...]:
    texts = []
    for entry in entries:
        text = next(iter(entry)) if isinstance(entry, dict) else str(entry)
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        texts.append(text)
    return tuple(texts)


def _read_lock(root: Path) -> dict[str, StageRecord]:
    path = root / LOCK
    if not path.is_file():
        return {}
    content = read_yaml(path)
    try:
        return {
            name: StageRecord(
                deps={entry["path"]: entry["md5"] for entry in stage.get("deps", ())},
                params=_flat(stage.get("params", {}).get(PARAMS_FILE.name, {})),
                outs={entry["path"]: entry["md5"] for entry in stage.get("outs", ())},
            )
            for name, stage in content["stages"].items()
        }
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SixfoldError(f"{path}: not what DVC writes ({error}); run `dvc repro`, which writes it") from error


def _lookup(value: Any, dotted: str) -> Any:
    for key in dotted.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, entry in value.items():
        name = f"{prefix}{key}"
        flat |= _flat(entry, f"{name}.") if isinstance(entry, dict) else {name: entry}
    return flat
