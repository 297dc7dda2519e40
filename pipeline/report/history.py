"""What earlier commits measured, read from git: their committed baselines, else what DVC kept of their reports."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from pipeline.errors import SixfoldError
from pipeline.paths import target_report
from pipeline.predictions import Predictions
from pipeline.predictions_record import PredictionsRecord
from pipeline.report.inputs import ReportInputs
from pipeline.report.schema import Accuracy, Latency, MemoryUse, Section, TargetReport
from pipeline.validation import validate

#: Committed facts of each target.
BASELINES = "baselines"
LOCK = "dvc.lock"
#: Where DVC keeps the files that `dvc.lock` names by their hash.
_DVC_CACHE = Path(".dvc/cache/files/md5")
#: Commits that are read at most, the latest first.
LONGEST = 100
_TIME_LIMIT_S = 60
#: dvc.lock of a project with every target is a tenth of this.
_LARGEST_BYTES = 2 * 1024**2


class BaselineMemory(Section):
    """Bytes, as a baseline names them."""

    flash: int | None = None
    ram: int | None = None


class CommittedBaseline(Section):
    """What is shown of `baselines/<target>.json`, whatever else it has or had (:mod:`pipeline.gate.baseline`)."""

    cost: Latency | None
    memory: BaselineMemory
    predictions: PredictionsRecord

    def recorded(self) -> "Recorded":
        """As the history shows it. Layers are left out: no chart has them.

        Raises:
            SixfoldError: the predictions are damaged.
        """
        found = Predictions.read(self.predictions, "predictions")
        right = None if found.labels is None else float((found.classes == found.labels).mean())
        memory = MemoryUse(flash_bytes=self.memory.flash, ram_bytes=self.memory.ram)
        return Recorded(Accuracy(int8=right, samples=len(found.classes)), self.cost or Latency(), memory)


@dataclass(frozen=True)
class Recorded:
    """What a commit says about one target."""

    accuracy: Accuracy
    latency: Latency
    memory: MemoryUse


@dataclass(frozen=True)
class Commit:
    """A commit that recorded results.

    Attributes:
        name: its abbreviated hash; empty for what lies in reports/ now.
        day: of the commit, ISO 8601; empty as above.
        subject: first line of its message.
        targets: by name, those of which something is known.
    """

    name: str
    day: str
    subject: str
    targets: Mapping[str, Recorded]


def read_history(inputs: ReportInputs, root: Path = Path()) -> list[Commit]:
    """The commits that changed recorded results, oldest first, and at the end what lies in reports/ now.

    Args:
        inputs: the results of now, and the targets that are asked for.
        root: the repository. Where it is no git repository there is only now.

    A file of a commit that is no report is passed over: the past cannot be repaired.
    """
    names = [verified.target.name for verified in inputs.targets]
    now = {verified.target.name: _recorded(verified.report) for verified in inputs.targets if verified.report}
    commits = [*_commits(names, root)]
    return [*reversed(commits), *([Commit("", "", "the results on this page", now)] if now else [])]


def _commits(names: Sequence[str], root: Path) -> Iterator[Commit]:
    """Commits with results, the latest first."""
    # An inner folder of another repository must not show that one's history.
    if not (root / ".git").exists():
        return
    listed = _git(root, "log", f"--max-count={LONGEST}", "--format=%H%x1f%h%x1f%cs%x1f%s", "--", BASELINES, LOCK)
    lines = [line.split("\x1f", 3) for line in listed.decode("utf-8", "replace").splitlines()]
    wanted = [f"{line[0]}:{path}" for line in lines for path in (LOCK, *(f"{BASELINES}/{n}.json" for n in names))]
    blobs = _blobs(root, wanted)
    for full, short, day, subject in lines:
        lock = blobs.get(f"{full}:{LOCK}")
        targets = {}
        kept: Mapping[str, bytes] | None = None
        for name in names:
            content = blobs.get(f"{full}:{BASELINES}/{name}.json")
            if content is None and lock is not None:
                kept = _kept_reports(lock, names, root) if kept is None else kept
                content = kept.get(name)
            if content is not None and (known := _known(content, name)):
                targets[name] = known
        if targets:
            yield Commit(short, day, subject, targets)


def _recorded(report: TargetReport) -> Recorded:
    return Recorded(report.accuracy, report.latency, report.memory)


def _known(content: bytes, name: str) -> Recorded | None:
    """What a baseline or a report says; None if it is neither."""
    try:
        value = json.loads(content)
        if not isinstance(value, dict):
            return None
        if "cost" not in value:
            return _recorded(validate(TargetReport, {"target": name, **value}, name))
        cost = value["cost"]
        if isinstance(cost, dict):
            value["cost"] = {key: part for key, part in cost.items() if key != "layers"}
        return validate(CommittedBaseline, value, name).recorded()
    except (ValueError, SixfoldError):
        return None


def _kept_reports(lock: bytes, names: Sequence[str], root: Path) -> dict[str, bytes]:
    """Those reports of a `dvc.lock` that DVC's cache still has, by target."""
    try:
        stages = yaml.load(lock, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["stages"]
        outputs = {
            out["path"]: str(out["md5"]) for name in names for out in stages.get(f"verify@{name}", {}).get("outs", ())
        }
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        return {}  # a lock file in the middle of a merge: what it says is not known
    found = {}
    for name in names:
        md5 = outputs.get(str(target_report(name)), "")
        file = root / _DVC_CACHE / md5[:2] / md5[2:]
        if len(md5) == 32 and md5.isalnum() and file.is_file() and file.stat().st_size <= _LARGEST_BYTES:
            found[name] = file.read_bytes()
    return found


def _blobs(root: Path, wanted: Sequence[str]) -> dict[str, bytes]:
    """Contents of files at commits, `HASH:path`, less those that are not there or far too large."""
    answer = _git(root, "cat-file", "--batch", given="".join(f"{name}\n" for name in wanted).encode())
    found: dict[str, bytes] = {}
    if not answer:
        return found
    position = 0
    for name in wanted:
        end = answer.index(b"\n", position)
        header = answer[position:end].split()
        position = end + 1
        if len(header) == 3 and header[1] == b"blob":
            size = int(header[2])
            if size <= _LARGEST_BYTES:
                found[name] = answer[position : position + size]
            position += size + 1
    return found


def _git(root: Path, *arguments: str, given: bytes = b"") -> bytes:
    """What git answers; nothing where there is no git, or no commit yet."""
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, input=given, capture_output=True, check=False, timeout=_TIME_LIMIT_S)
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""
