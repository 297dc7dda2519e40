"""What needs no Ray: what is refused before it is asked, and what a computer of a cluster does with an experiment."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import SixfoldError
from pipeline.params import load_params
from pipeline.sweep import ray_worker
from pipeline.sweep.cluster import train_on_cluster
from tests.imports import ROOT

PARAMS = load_params(ROOT / "params.yaml")
NETWORK = (0.35, 32)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "params.yaml").write_text("experiment: digits\n")
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "one"]):
        subprocess.run(["git", *command], check=True)
    return folder


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("somewhere", "--cluster somewhere: must be HOST:PORT of a Ray cluster, or local"),
        (":6379", "--cluster :6379: must be HOST:PORT"),
        ("127.0.0.1:66666", "--cluster 127.0.0.1:66666: must be HOST:PORT"),
    ],
)
def test_an_address_is_a_computer_and_a_port(address: str, message: str):
    with pytest.raises(SixfoldError, match=message):
        train_on_cluster(PARAMS, [NETWORK], 1, address, print)


def test_where_nothing_answers_nobody_waits():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(SixfoldError, match=f"--cluster {address}: nothing answers there"):
            train_on_cluster(PARAMS, [NETWORK], 1, address, print)


def test_what_is_not_committed_is_refused(repository: Path):
    (repository / "params.yaml").write_text("experiment: solar\n")
    with pytest.raises(SixfoldError, match=r"^params.yaml: changed since the last commit"):
        train_on_cluster(PARAMS, [NETWORK], 1, "local", print)


def experiment(repository: Path, python: Path, commit: str = "HEAD") -> dict[str, Any]:
    return {
        "name": "one",
        "repository": str(repository),
        "commit": commit,
        "cache": str(repository / ".dvc/cache"),
        "python": str(python),
        "settings": ["a=1", "b=2"],
        "stage": "quantize",
    }


def program(folder: Path, text: str) -> Path:
    """An interpreter that does as `text` says instead."""
    (folder / "bin").mkdir()
    path = folder / "bin" / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_an_experiment_is_run_in_a_clone_and_pushed_back(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONPATH", "of Ray")
    monkeypatch.setenv("RAY_JOB_ID", "of Ray")
    calls = tmp_path / "calls"
    python = program(tmp_path, f'echo "$@" >> {calls}; pwd >> {calls}; env > {tmp_path}/environment; cat params.yaml')
    ray_worker.make(experiment(repository, python))
    lines = calls.read_text().splitlines()
    assert lines[::2] == [
        f"-m dvc config --local cache.dir {repository}/.dvc/cache",
        "-m dvc exp run --name one -S a=1 -S b=2 quantize",
        "-m dvc exp push --no-cache --force origin one",
    ]
    (clone,) = set(lines[1::2])
    assert clone != str(repository) and not Path(clone).parent.exists()
    environment = dict(
        line.split("=", 1) for line in (tmp_path / "environment").read_text().splitlines() if "=" in line
    )
    assert not {"PYTHONPATH", "RAY_JOB_ID"} & set(environment)
    assert environment["PATH"].startswith(f"{python.parent}{os.pathsep}")


def test_what_fails_is_told_by_its_last_lines(repository: Path, tmp_path: Path):
    python = program(tmp_path, 'echo first; echo "ERROR: no such stage" >&2; exit 3')
    with pytest.raises(RuntimeError, match=r"^first \| ERROR: no such stage$"):
        ray_worker.make(experiment(repository, python))
    with pytest.raises(RuntimeError, match="fatal: .*nowhere"):
        ray_worker.make(experiment(tmp_path / "nowhere", python))


def test_what_is_cancelled_leaves_nothing_behind(repository: Path, tmp_path: Path):
    python = program(tmp_path, f"pwd > {tmp_path}/clone; sleep 600 & echo $! > {tmp_path}/child; wait")
    script = f"import json, sys; sys.path.insert(0, {str(ROOT)!r})\n"
    script += "from pipeline.sweep import ray_worker\nray_worker.make(json.loads(sys.argv[1]))"
    command = [sys.executable, "-c", script, json.dumps(experiment(repository, python))]
    worker = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    child = tmp_path / "child"
    deadline = time.monotonic() + 60
    while not (child.exists() and child.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.05)
    worker.send_signal(signal.SIGINT)
    assert worker.wait(timeout=60) != 0
    assert not Path((tmp_path / "clone").read_text().strip()).exists()
    state = Path(f"/proc/{child.read_text().strip()}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"
