"""Runs inside the environment of Ray: hands experiments to a cluster, whose computers make them.

Ray and the standard library alone are there. `pipeline/sweep/cluster.py` starts it as a program, writes a request to
its standard input, and reads a line for every experiment that ended.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

#: Of a cluster that lives on this computer only as long as the sweep; experiments pass no data through it. Ray wants
#: at least 75 MiB.
_OBJECT_STORE_BYTES = 80 * 2**20
_LAST_LINES = 3
_POLL_S = 1.0
#: For what was cancelled to clear away its clone.
_CANCEL_LIMIT_S = 30.0


def make(experiment: dict[str, Any]) -> None:
    """On a computer of the cluster: run an experiment in a clone of the repository, and push it back into that.

    Args:
        experiment: `name`; `repository` and `commit` to clone; `cache`, DVC's folder, where the data stay; `python`,
            the interpreter of the project's environment; `settings`, parameters to change; `stage`, the last to run.

    Raises:
        RuntimeError: a command failed; its last lines.
    """
    with tempfile.TemporaryDirectory(prefix="sixfold-sweep-") as name:
        folder = Path(name, "project")
        # Ray's own variables would lead the project's Python to Ray's modules.
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "RAY_"))}
        programs = str(Path(experiment["python"]).parent)
        environment |= {
            "PATH": os.pathsep.join([programs, environment.get("PATH", os.defpath)]),
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(Path(name, "dvc")),
        }

        def run(*command: str, where: Path = folder) -> None:
            process = subprocess.Popen(
                command,
                cwd=where,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            try:
                printed = _output(process)
            finally:
                if process.poll() is None:  # cancelled: end it and all that it started
                    os.killpg(process.pid, signal.SIGKILL)
                    process.communicate()
            if process.returncode:
                lines = [line.strip() for line in printed.splitlines() if line.strip()]
                raise RuntimeError(" | ".join(lines[-_LAST_LINES:]) or f"{command[0]} ended with {process.returncode}")

        dvc = (experiment["python"], "-m", "dvc")
        changes = [part for setting in experiment["settings"] for part in ("-S", setting)]
        run("git", "clone", "--quiet", "--no-checkout", experiment["repository"], str(folder), where=Path(name))
        run("git", "checkout", "--quiet", "--detach", experiment["commit"])
        run(*dvc, "config", "--local", "cache.dir", experiment["cache"])
        run(*dvc, "exp", "run", "--name", experiment["name"], *changes, experiment["stage"])
        # The data are in the cache already; the experiment itself is a git reference.
        run(*dvc, "exp", "push", "--no-cache", "--force", "origin", experiment["name"])


def _output(process: subprocess.Popen[str]) -> str:
    """What it printed until it ended; Ray cancels between two looks at it, because it sends no signal."""
    while True:
        try:
            return process.communicate(timeout=_POLL_S)[0]
        except subprocess.TimeoutExpired:
            continue


def main() -> None:
    """Read ``{address, jobs, experiments}``; print ``{name, computer, failure}``, a line for each experiment."""
    request = json.load(sys.stdin)
    # Nothing tells anybody that Ray is used. Who started a cluster without a token has said so in the second variable.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    import ray  # noqa: PLC0415 - reads the variables when it is imported

    cluster = {"address": request["address"]}
    if request["address"] == "local":  # always one of its own
        cluster |= {"num_cpus": request["jobs"], "object_store_memory": _OBJECT_STORE_BYTES, "include_dashboard": False}
    ray.init(**cluster, log_to_driver=False, logging_level="ERROR")
    task = ray.remote(num_cpus=1, max_retries=1)(_made)
    waiting: list[dict[str, Any]] = list(request["experiments"])
    running: dict[Any, str] = {}
    try:
        while waiting or running:
            while waiting and len(running) < request["jobs"]:
                experiment = waiting.pop(0)
                running[task.remote(experiment)] = experiment["name"]
            for ended in ray.wait(list(running), num_returns=1)[0]:
                name = running.pop(ended)
                try:
                    answer = ray.get(ended)
                except ray.exceptions.RayError as error:  # the computer or its worker has gone
                    answer = {"computer": None, "failure": str(error).strip().splitlines()[0]}
                print(json.dumps({"name": name, **answer}), flush=True)
    except KeyboardInterrupt:
        for one in running:
            ray.cancel(one)
        ray.wait(list(running), num_returns=len(running), timeout=_CANCEL_LIMIT_S)
        sys.exit(130)
    finally:
        ray.shutdown()


def _made(experiment: dict[str, Any]) -> dict[str, str | None]:
    failure = None
    try:
        make(experiment)
    except (OSError, RuntimeError) as error:
        failure = str(error)
    return {"computer": os.uname().nodename, "failure": failure}


if __name__ == "__main__":
    main()
