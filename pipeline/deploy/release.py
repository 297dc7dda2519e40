"""Releases on a board: each in a folder of its own, `current` a link to one of them.

::

    sixfold/<target>/releases/<hash of all files>/
    sixfold/<target>/current   -> releases/...
    sixfold/<target>/previous  -> releases/...

A release is copied under another name, compared file by file, tested on the board, and only then linked. A link is
replaced by renaming, so that at any moment, whatever dies, `current` is a whole release that has passed its test.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import GateFailedError, SixfoldError
from pipeline.files import sha256_file

if TYPE_CHECKING:
    from pipeline.deploy.board import Board

_SELF_TEST_TIME_LIMIT_S = 600
_MANIFEST = "SHA256SUMS"


@dataclass(frozen=True)
class Release:
    """A folder to be copied.

    Attributes:
        files: path within it to SHA-256.
    """

    folder: Path
    files: dict[str, str]

    @classmethod
    def of(cls, folder: Path) -> Release:
        """Read the folder.

        Raises:
            SixfoldError: it is not there or has no `run.sh`.
        """
        if not (folder / "run.sh").is_file():
            raise SixfoldError(f"{folder}: no artefact for a Linux board; build it with `sixfold build {folder.name}`")
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return cls(folder, {path.relative_to(folder).as_posix(): sha256_file(path) for path in paths})

    @property
    def name(self) -> str:
        """The first digits of a hash of all of it."""
        return hashlib.sha256(self.manifest.encode()).hexdigest()[:12]

    @property
    def manifest(self) -> str:
        """As `sha256sum -c` reads it."""
        return "".join(f"{digest}  {name}\n" for name, digest in self.files.items())


class Releases:
    """The releases of one target on a board."""

    def __init__(self, board: Board, target: str) -> None:
        self._board, self._files = board, board.files
        self._base = f"sixfold/{target}"

    async def deploy(self, release: Release, machine: str, progress: Callable[[int], None]) -> dict[str, Any]:
        """Copy, compare, test, switch.

        Args:
            release: what to put there.
            machine: what `uname -m` must say.
            progress: called with the bytes copied since its last call.

        Returns:
            The self-test's answer.

        Raises:
            GateFailedError: the board computes something else; nothing was switched.
            SixfoldError: the board is another kind of machine, its disk is full, a file arrived damaged.
        """
        await self._check_board(machine)
        folder = f"{self._base}/releases/{release.name}"
        if not await self._files.isdir(folder):
            await self._copy(release, folder, progress)
        try:
            answer = await self._test(folder)
        except GateFailedError:
            if await self._linked("current") != release.name:
                await self._files.rmtree(folder, ignore_errors=True)
            raise
        await self._switch(release.name)
        await self._prune()
        return answer

    async def roll_back(self) -> tuple[str, dict[str, Any]]:
        """Switch to the release before, after testing it once more; returns its name and the self-test's answer.

        Raises:
            GateFailedError: it fails its test now; nothing was switched.
            SixfoldError: there is none.
        """
        previous = await self._linked("previous")
        if previous is None or previous == await self._linked("current"):
            raise SixfoldError(f"{self._base}: there is no version before the current one")
        answer = await self._test(f"{self._base}/releases/{previous}")
        await self._switch(previous)
        return previous, answer

    async def _check_board(self, machine: str) -> None:
        found = (await self._board.run("uname", "-m")).output.strip()
        if found != machine:
            raise SixfoldError(
                f"the board is {found or 'of unknown kind'}, the artefact is for {machine}; nothing was copied"
            )
        if (await self._board.run("python3", "--version")).status:
            raise SixfoldError("the board has no python3; install it there (apt install python3)")

    async def _copy(self, release: Release, folder: str, progress: Callable[[int], None]) -> None:
        partial = f"{self._base}/releases/.{release.name}.partial"
        await self._files.rmtree(partial, ignore_errors=True)  # of an earlier attempt that was cut off
        await self._files.makedirs(partial, exist_ok=True)
        for name in release.files:
            source, target = release.folder / name, f"{partial}/{name}"
            await self._files.makedirs(posixpath.dirname(target), exist_ok=True)
            await self._files.put(str(source), target, preserve=True)
            progress(source.stat().st_size)
        async with self._files.open(f"{partial}/{_MANIFEST}", "w") as file:
            await file.write(release.manifest)
        compared = await self._board.run("sh", "-c", 'cd "$1" && sha256sum --quiet -c SHA256SUMS', "sh", partial)
        if compared.status:
            await self._files.rmtree(partial, ignore_errors=True)
            raise SixfoldError(f"a file arrived damaged ({compared.output.strip() or compared.reason}); run it again")
        await self._files.posix_rename(partial, folder)

    async def _test(self, folder: str) -> dict[str, Any]:
        done = await self._board.run(f"{folder}/run.sh", "--self-test", time_limit_s=_SELF_TEST_TIME_LIMIT_S)
        try:
            answer: dict[str, Any] = json.loads(done.output)
            different, codes = int(answer["different"]), int(answer["codes"])
        except (ValueError, KeyError, TypeError) as error:
            raise GateFailedError(
                f"the self-test did not run on the board: {done.reason}; nothing was switched"
            ) from error
        if done.status or different:
            raise GateFailedError(f"{different} of {codes} codes differ on the board; nothing was switched")
        return answer

    async def _switch(self, name: str) -> None:
        current = await self._linked("current")
        if current == name:
            return
        if current is not None:
            await self._link("previous", current)
        await self._link("current", name)

    async def _link(self, link: str, name: str) -> None:
        temporary = f"{self._base}/.{link}.new"
        if await self._files.lexists(temporary):
            await self._files.remove(temporary)
        await self._files.symlink(f"releases/{name}", temporary)
        await self._files.posix_rename(temporary, f"{self._base}/{link}")

    async def _linked(self, link: str) -> str | None:
        path = f"{self._base}/{link}"
        if not await self._files.islink(path):
            return None
        target = await self._files.readlink(path)
        return posixpath.basename(target if isinstance(target, str) else target.decode())

    async def _prune(self) -> None:
        kept = {await self._linked("current"), await self._linked("previous"), ".", ".."}
        for name in await self._files.listdir(f"{self._base}/releases"):
            if name not in kept:
                await self._files.rmtree(f"{self._base}/releases/{name}", ignore_errors=True)
