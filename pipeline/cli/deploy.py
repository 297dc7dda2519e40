"""`sixfold flash` of a Linux board: over SSH, tested there before it becomes the current version."""

from pathlib import Path
from typing import Any

from pipeline.cli.output import print_json
from pipeline.deploy import ssh
from pipeline.deploy.address import Address
from pipeline.deploy.release import Release
from pipeline.errors import SixfoldError
from pipeline.paths import artefact_folder
from pipeline.targets import Target


def deploy_target(
    target: Target,
    host: str | None,
    identity: Path | None = None,
    known_hosts: Path | None = None,
    roll_back: bool = False,
    dry_run: bool = False,
    as_json: bool = False,
) -> None:
    """Deploy to `host`, roll back there, or only print what would be done.

    Raises:
        GateFailedError: the board computes something else than the reference; its current version stays.
        SixfoldError: no host is given, nothing is built, no connection, or the board refused.
    """
    if host is None:
        raise SixfoldError(f"{target.name} is flashed over SSH: --host [USER@]HOST[:PORT] is missing")
    address = Address.parse(host, identity, known_hosts)
    if dry_run:
        steps = ssh.planned_steps(target, address)
        if as_json:
            print_json({"target": target.name, "dry_run": True, "commands": steps})
        else:
            print("\n".join(steps))
        return
    if roll_back:
        name, answer = ssh.roll_back(target, address)
        headline = f"{target.name}: {address} is back at version {name}"
    else:
        answer = ssh.deploy(target, address)
        name = Release.of(artefact_folder(target.name)).name
        headline = f"{target.name}: version {name} is the current one on {address}"
    if as_json:
        print_json({"target": target.name, "dry_run": False, "version": name, "self_test": answer})
    else:
        _print(headline, answer)


def _print(headline: str, answer: dict[str, Any]) -> None:
    latency = answer["latency"]
    print(headline)
    print(f"  {answer['machine']}: {answer['codes']} codes of the self-test, none differs")
    spread = f"median of {latency['repeats']}; 5 % {latency['p5']:.3f}, 95 % {latency['p95']:.3f}"
    print(f"  {latency['median']:.3f} ms ({spread}), 1 thread on core {latency['core']}")
    celsius = [f"{latency[key]:.0f}" for key in ("celsius_before", "celsius_after") if latency[key] is not None]
    if latency["governor"] or celsius:
        governor, degrees = latency["governor"] or "unknown", " to ".join(celsius) or "unknown"
        print(f"  clock governor {governor}, {degrees} degrees Celsius")
