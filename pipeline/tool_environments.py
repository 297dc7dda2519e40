"""Environments of their own for tools that do not fit into the main one.

A compiler or runtime may want another numpy than ours, or would hold our versions back. `pyproject.toml` names such
tools in ``[tool.sixfold.environments]``, `make lock` resolves each to a section of constraints.txt whose marker keeps
pip from installing it here, and the environment is made when it is first used, or by `make tools`. It lies in the
cache outside the repository and is named by a hash of its pins, so that several clones share it and a changed pin
makes another one beside it.

An environment is complete or absent: it is made under a temporary name by one process at a time and then renamed.
What runs inside it is the matter of `pipeline/tool_process.py`.
"""

import hashlib
import platform
import shutil
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

from pipeline.cache import alone, cache_folder
from pipeline.errors import SixfoldError, exits_cleanly
from pipeline.files import atomic_folder
from pipeline.pins import CONSTRAINTS_FILE, Pin, read_pins
from pipeline.pip import run_pip

_EXTRA_PREFIX = "tool-"


@dataclass(frozen=True)
class ToolEnvironment:
    """A named environment as constraints.txt pins it.

    Attributes:
        name: also that of its main package, for example ``ethos-u-vela``.
        pins: everything in it.
    """

    name: str
    pins: tuple[Pin, ...]

    @property
    def version(self) -> str:
        """The main package's version."""
        return self.version_of(self.name)

    def version_of(self, package: str) -> str:
        """The version of one package in it.

        Raises:
            SixfoldError: it holds no such package.
        """
        for pin in self.pins:
            if pin.name == package:
                return pin.version
        raise SixfoldError(f"tool environment {self.name}: holds no {package}; see constraints.txt")

    @property
    def folder(self) -> Path:
        """Where it lies or will lie: a name for these pins, this Python and this processor alone."""
        parts = [sys.implementation.cache_tag, platform.machine(), *sorted(pin.line() for pin in self.pins)]
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return cache_folder() / "environments" / f"{self.name}-{self.version}-{digest[:12]}"

    @property
    def python(self) -> Path:
        """Its interpreter, which exists once the environment is made."""
        return self.folder / "bin" / "python"

    @property
    def made(self) -> bool:
        """Whether it can be used: false too where the Python that it was made from has gone."""
        return self.python.exists()


def tool_environments(constraints: Path = CONSTRAINTS_FILE) -> list[ToolEnvironment]:
    """All that constraints.txt pins, by name.

    Raises:
        SixfoldError: the file is missing or malformed.
    """
    pins: dict[str, list[Pin]] = {}
    for pin in read_pins(constraints):
        if pin.extra is not None and pin.extra.startswith(_EXTRA_PREFIX):
            pins.setdefault(pin.extra.removeprefix(_EXTRA_PREFIX), []).append(pin)
    return [ToolEnvironment(name, tuple(pins[name])) for name in sorted(pins)]


def tool_environment(name: str, constraints: Path = CONSTRAINTS_FILE) -> ToolEnvironment:
    """One of them, made or not.

    Raises:
        SixfoldError: there is none of that name.
    """
    known = {environment.name: environment for environment in tool_environments(constraints)}
    if name not in known:
        raise SixfoldError(
            f"{constraints}: no tool environment {name!r}; there are {', '.join(known) or 'none'} "
            "(name it in pyproject.toml, tool.sixfold.environments, and run `make lock`)"
        )
    return known[name]


def tool_python(name: str, constraints: Path = CONSTRAINTS_FILE) -> Path:
    """The interpreter of environment `name`, which is made at the first call.

    Raises:
        SixfoldError: there is none of that name, or it cannot be made (network, hash, disk).
    """
    environment = tool_environment(name, constraints)
    if not environment.made:
        folder = environment.folder
        with alone(folder):
            if not environment.made:  # another process may have been faster
                for abandoned in folder.parent.glob(f".{folder.name}.*/"):
                    shutil.rmtree(abandoned, ignore_errors=True)
                _make(environment)
    return environment.python


def _make(environment: ToolEnvironment) -> None:
    print(f"making the environment of {environment.name} {environment.version} (once)", file=sys.stderr)
    with atomic_folder(environment.folder) as folder, tempfile.TemporaryDirectory(prefix="sixfold-") as temporary:
        venv.create(folder, symlinks=True, with_pip=False)
        requirements = Path(temporary, "requirements.txt")
        requirements.write_text("".join(pin.line() for pin in environment.pins), encoding="utf-8")
        options = ["--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--no-warn-script-location"]
        run_pip(
            ["--python", str(folder / "bin" / "python"), "install", *options, "-r", str(requirements)],
            f"tool environment {environment.name}: cannot be made",
        )
        # Programs name the temporary folder in their first line. Modules are run by the interpreter instead.
        for program in (folder / "bin").iterdir():
            if not program.name.startswith("python"):
                program.unlink()


@exits_cleanly
def main() -> None:
    """Make every environment that is not there yet: ``python -m pipeline.tool_environments``.

    With a name after it, make that one and print nothing but its interpreter.
    """
    if len(sys.argv) > 1:
        for name in sys.argv[1:]:
            print(tool_python(name))
        return
    for environment in tool_environments():
        tool_python(environment.name)
        print(f"{environment.name} {environment.version}: {environment.folder}")


if __name__ == "__main__":
    main()
