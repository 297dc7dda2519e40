"""Training candidates as experiments of DVC's queue: several at a time, each in a folder of its own."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.errors import SixfoldError
from pipeline.params import Params
from pipeline.sweep.choice import Accuracies

#: Width multiplier and side of the images.
Network = tuple[float, int]

#: The stage up to which a candidate is made: its accuracy as int8 is known then, on every target.
STAGE = "quantize"
_POLL_S = 10.0
_TIME_LIMIT_S = 600


@dataclass(frozen=True)
class Experiments:
    """Those of the current commit that differ from params.yaml in width and resolution alone.

    Attributes:
        accuracies: int8, of those that are done.
        states: by name of the experiment, as DVC calls them: ``success``, ``failed``, ``queued``, ``running``.
    """

    accuracies: Accuracies
    states: Mapping[str, str]


def read_experiments(params: Params) -> Experiments:
    """What DVC knows of earlier sweeps; nothing where there are none, which git says sooner than DVC.

    Raises:
        SixfoldError: DVC failed, for example because this is no git repository with a commit.
    """
    command = ["git", "for-each-ref", "--count=1", "refs/exps"]
    try:
        listed = subprocess.run(command, capture_output=True, check=False, timeout=_TIME_LIMIT_S)
    except (OSError, subprocess.TimeoutExpired):
        return Experiments({}, {})
    if listed.returncode or not listed.stdout:
        return Experiments({}, {})
    return experiments_of(json.loads(dvc("exp", "show", "--json")), params)


def experiments_of(shown: Any, params: Params) -> Experiments:
    """What ``dvc exp show --json`` says; rows that are not as expected are other people's."""
    wanted = _fixed(params)
    accuracies: dict[Network, float] = {}
    states: dict[str, str] = {}
    for row in (row for commit in shown for row in commit.get("experiments") or ()):
        states[str(row.get("name"))] = str((row.get("executor") or {}).get("state", ""))
        for revision in row.get("revs") or ():
            data = revision.get("data") or {}
            try:
                given = Params.model_validate(data["params"]["params.yaml"]["data"])
                accuracy = float(data["metrics"]["reports/quantize.json"]["data"]["accuracy"]["int8"])
                chosen = given.selected
            except (KeyError, TypeError, ValueError):
                continue
            if given.experiment == params.experiment and _fixed(given) == wanted:
                accuracies[chosen.model.width, chosen.data.image_size] = accuracy
    return Experiments(accuracies, states)


def _fixed(params: Params) -> dict[str, Any]:
    """What all networks of a sweep share: the experiment without width and resolution."""
    return params.selected.model_dump(mode="json", exclude={"model": {"width"}, "data": {"image_size"}})


def name_of(params: Params, network: Network) -> str:
    """The experiment's name: the same for the same parameters, so that it is trained once."""
    fixed = json.dumps([params.experiment, _fixed(params)], sort_keys=True)
    return f"sweep-{hashlib.sha256(fixed.encode()).hexdigest()[:8]}-w{network[0]:g}-s{network[1]}"


def train(params: Params, networks: Sequence[Network], jobs: int, say: Callable[[str], None]) -> Accuracies:
    """Queue the networks that are not trained yet, start the workers and wait until all of them ended.

    Args:
        params: of the repository.
        networks: to train.
        jobs: how many at a time.
        say: takes a line on what happens.

    Returns:
        All accuracies that are known then.

    Raises:
        SixfoldError: DVC failed, or the training of a network; names it and where to read on.
    """
    known = read_experiments(params)
    names = untrained(params, networks, known)
    for name, network in names.items():
        if known.states.get(name) in ("queued", "running"):
            continue
        changes = (part for one in settings(params, network) for part in ("-S", one))
        dvc("exp", "run", "--queue", "--name", name, *changes, STAGE)
        say(f"queued {name}")
    if names:
        dvc("queue", "start", "--jobs", str(jobs))
    waiting = set(names)
    while waiting:
        time.sleep(_POLL_S)
        known = read_experiments(params)
        # One that DVC no longer lists was taken from the queue by somebody else.
        ended = {name for name in waiting if known.states.get(name, "gone") in ("success", "failed", "gone")}
        for name in sorted(ended):
            say(f"{name}: {known.states.get(name, 'gone')}")
        waiting -= ended
    return with_results(known, names, {name: f"`dvc queue logs {name}` says why" for name in names})


def untrained(params: Params, networks: Sequence[Network], known: Experiments) -> dict[str, Network]:
    """Networks without a result, by the names of their experiments."""
    return {name_of(params, network): network for network in networks if network not in known.accuracies}


def settings(params: Params, network: Network) -> tuple[str, str]:
    """What ``dvc exp run -S`` changes for a network."""
    chosen = f"experiments.{params.experiment}"
    return f"{chosen}.model.width={network[0]:g}", f"{chosen}.data.image_size={network[1]}"


def with_results(known: Experiments, names: Mapping[str, Network], reasons: Mapping[str, str]) -> Accuracies:
    """The accuracies, if all the named networks have one.

    Raises:
        SixfoldError: one has none; names it, and the reason for the first.
    """
    if failed := sorted(name for name, network in names.items() if network not in known.accuracies):
        raise SixfoldError(f"{', '.join(failed)}: no result; {reasons.get(failed[0], 'nothing says why')}")
    return known.accuracies


def dvc(*arguments: str) -> str:
    """What a command of DVC prints.

    Raises:
        SixfoldError: it failed or took too long; its last line.
    """
    command = [sys.executable, "-m", "dvc", *arguments]
    environment = os.environ | {"DVC_NO_ANALYTICS": "1"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_TIME_LIMIT_S, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise SixfoldError(f"dvc {arguments[0]} {arguments[1]}: not done after {_TIME_LIMIT_S} s") from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise SixfoldError(f"dvc {arguments[0]} {arguments[1]}: {reason}")
    return done.stdout
