"""Training candidates on several computers: Ray says where, each trains in a clone and pushes its experiment back."""

import json
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import SixfoldError
from pipeline.params import Params
from pipeline.sweep import ray_worker
from pipeline.sweep.choice import Accuracies
from pipeline.sweep.training import STAGE, Network, dvc, read_experiments, settings, untrained, with_results
from pipeline.tool_environments import tool_python

_ENVIRONMENT = "ray"
_TIME_LIMIT_S = 60
_CONNECT_LIMIT_S = 10.0
_LAST_PORT = 65535


def train_on_cluster(
    params: Params, networks: Sequence[Network], jobs: int, address: str, say: Callable[[str], None]
) -> Accuracies:
    """Train the networks that are not trained yet, and wait until all of them ended.

    Args:
        params: of the repository.
        networks: to train.
        jobs: how many at a time.
        address: of a running Ray cluster that this computer belongs to, or ``local`` for one on this computer alone.
        say: takes a line on what happens.

    Returns:
        All accuracies that are known then.

    Raises:
        SixfoldError: something is not committed, Ray or DVC failed, or the training of a network; names it.
    """
    _check_address(address)
    names = untrained(params, networks, read_experiments(params))
    failures: dict[str, str] = {}
    if names:
        common = _common()
        experiments = [
            {**common, "name": name, "settings": settings(params, network)} for name, network in names.items()
        ]
        say(f"{len(experiments)} networks go to the cluster, {jobs} at a time")
        for ended in _ended({"address": address, "jobs": jobs, "experiments": experiments}):
            if ended["failure"]:
                failures[ended["name"]] = ended["failure"]
            say(f"{ended['name']} on {ended['computer']}: {ended['failure'] or 'success'}")
    return with_results(read_experiments(params), names, failures)


def _check_address(address: str) -> None:
    """Ray itself waits for minutes where nothing answers."""
    if address == "local":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > _LAST_PORT:
        raise SixfoldError(f"--cluster {address}: must be HOST:PORT of a Ray cluster, or local")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_LIMIT_S).close()
    except OSError as error:
        raise SixfoldError(f"--cluster {address}: nothing answers there ({error})") from error


def _common() -> Mapping[str, str]:
    """What a computer of the cluster must know of this repository."""
    # What DVC last ran here decides nothing: a clone runs everything that its cache does not have.
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!dvc.lock")
    if changed:
        raise SixfoldError(
            f"{changed.splitlines()[0].split()[-1]}: changed since the last commit; a cluster trains what is committed"
        )
    return {
        "repository": _git("rev-parse", "--show-toplevel"),
        "commit": _git("rev-parse", "HEAD"),
        "cache": str(Path(dvc("cache", "dir").strip()).absolute()),
        "python": sys.executable,
        "stage": STAGE,
    }


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False, timeout=_TIME_LIMIT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SixfoldError(f"git {arguments[0]}: not found or not usable") from error
    if done.returncode:
        raise SixfoldError(f"git {arguments[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return done.stdout.strip()


def _ended(request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Experiments as they end.

    Raises:
        SixfoldError: Ray failed.
    """
    # -I: neither the user's PYTHON variables nor the working directory decide what is imported.
    command = [str(tool_python(_ENVIRONMENT)), "-I", str(Path(ray_worker.__file__))]
    with tempfile.TemporaryFile("w+", errors="replace") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True
        )
        assert process.stdin and process.stdout
        try:
            with process.stdin:
                json.dump(request, process.stdin)
            for line in process.stdout:
                yield json.loads(line)
            if process.wait():
                said.seek(0)
                raise SixfoldError(f"Ray, {request['address']}: {(said.read().strip().splitlines() or ['failed'])[-1]}")
        finally:
            if process.poll() is None:  # we were interrupted: Ray ends what it started
                process.send_signal(signal.SIGINT)
                process.wait()
