"""`sixfold flash` for a Linux board."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from pipeline.deploy.address import Address
from pipeline.deploy.release import Release, Releases
from pipeline.paths import artefact_folder
from pipeline.progress import progress_bar
from pipeline.targets import Target

Result = TypeVar("Result")

#: What `uname -m` says on the boards that artefacts are made for.
_MACHINE = "aarch64"


def deploy(target: Target, address: Address) -> dict[str, Any]:
    """Put the artefact of `target` on the board; returns what its self-test said there, latency included.

    Raises:
        GateFailedError: the board computes something else than the reference; its current version stays.
        SixfoldError: no artefact, no connection, another machine; the current version stays.
    """
    release = Release.of(artefact_folder(target.name))
    # The SSH library is slow to import, and a folder that holds no artefact needs none.
    from pipeline.deploy.board import connected  # noqa: PLC0415

    size = sum((release.folder / name).stat().st_size for name in release.files)

    async def work() -> dict[str, Any]:
        async with connected(address) as board:
            with progress_bar(f"copying to {address}", size) as advance:
                return await Releases(board, target.name).deploy(release, _MACHINE, advance)

    return _run(work())


def roll_back(target: Target, address: Address) -> tuple[str, dict[str, Any]]:
    """Switch the board to the version before; returns its name and what its self-test said.

    Raises:
        GateFailedError: that version fails its self-test.
        SixfoldError: there is none, or no connection.
    """
    from pipeline.deploy.board import connected  # noqa: PLC0415 - as above

    async def work() -> tuple[str, dict[str, Any]]:
        async with connected(address) as board:
            return await Releases(board, target.name).roll_back()

    return _run(work())


def planned_steps(target: Target, address: Address) -> list[str]:
    """What :func:`deploy` will do, in the words of a shell; nothing is touched.

    Raises:
        SixfoldError: there is no artefact.
    """
    release = Release.of(artefact_folder(target.name))
    base = f"sixfold/{target.name}"
    folder = f"{base}/releases/{release.name}"
    login = f"ssh -p {address.port} {address}"
    return [
        f"{login} uname -m    # must say {_MACHINE}",
        f"sftp -P {address.port} {address}    # {release.folder}/* to {folder}, {len(release.files)} files",
        f"{login} 'cd {folder} && sha256sum --quiet -c SHA256SUMS'",
        f"{login} {folder}/run.sh --self-test    # must exit with 0",
        f"{login} 'cd {base} && ln -s releases/{release.name} .current.new && mv -T .current.new current'",
    ]


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(work)
