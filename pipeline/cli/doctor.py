"""`sixfold doctor`: is everything here that the enabled targets need, and what can this processor do?"""

import re
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from pipeline.cli.output import print_json
from pipeline.errors import GateFailedError
from pipeline.params import load_params
from pipeline.pins import CONSTRAINTS_FILE, read_pins
from pipeline.report.console import console, table
from pipeline.targets import TFLITE_BACKENDS, Target, load_target
from pipeline.tool_environments import tool_environments

CPU_FILE = Path("/proc/cpuinfo")

_SYSTEM_PACKAGES = "scripts/install-system-packages.sh"
_ENVIRONMENT = "make setup"

# Instructions that make int8 faster, by the flag's name on x86 and Arm.
_INT8_FLAGS = {
    "avx2": "256-bit integer vectors",
    "avx512bw": "512-bit integer vectors",
    "avx512_vnni": "int8 dot products, 512 bit",
    "avx_vnni": "int8 dot products, 256 bit",
    "amx_int8": "int8 matrix tiles",
    "asimddp": "int8 dot products",
    "i8mm": "int8 matrix products",
}


@dataclass(frozen=True)
class Tool:
    """A program or package and why it is wanted.

    Attributes:
        needed: it is missing from what an enabled target's build or verification runs.
        get: how to get it.
    """

    name: str
    use: str
    needed: bool
    get: str


@dataclass(frozen=True)
class Finding:
    """What was found of a tool.

    Attributes:
        version: None where it is missing or does not run.
        problem: None where all is well.
    """

    tool: Tool
    version: str | None
    problem: str | None


@dataclass(frozen=True)
class EnvironmentFinding:
    """A tool with an environment of its own; what is not made is made when it is first used, so none is missing."""

    name: str
    version: str
    made: bool


@dataclass(frozen=True)
class Diagnosis:
    """All findings.

    Attributes:
        environments: of the tools that live apart.
        processor: by name, whether it has each int8 instruction; None where it cannot be told.
    """

    findings: tuple[Finding, ...]
    environments: tuple[EnvironmentFinding, ...]
    processor: dict[str, bool] | None

    @property
    def missing(self) -> list[str]:
        """What an enabled target needs and is not usable."""
        return [finding.tool.name for finding in self.findings if finding.tool.needed and finding.version is None]


def python_packages(targets: Iterable[Target]) -> list[Tool]:
    """The packages that decide results, for the given enabled targets."""
    backends = {target.backend for target in targets}
    wanted = [
        ("numpy", "reference arithmetic", True),
        ("torch", "training", True),
        ("lightning", "training", True),
        ("onnx", "export", True),
        ("onnxscript", "export", True),
        ("onnxruntime", "quantisation, host target", True),
        ("openvino", "host target", "openvino" in backends),
        ("apache-tvm", "host target, Raspberry Pi", "tvm" in backends),
        ("ai-edge-litert", "host target", not backends.isdisjoint(TFLITE_BACKENDS)),
        ("pyelftools", "firmware sizes", "cortex-m" in backends),
        ("pyserial", "boards at a serial port", False),
        ("dvc", "stages", True),
        ("matplotlib", "report", True),
        ("pytest", "tests", False),
    ]
    return [Tool(name, use, needed, _ENVIRONMENT) for name, use, needed in wanted]


def programs(targets: Iterable[Target]) -> list[Tool]:
    """The programs outside Python, for the given enabled targets."""
    enabled = list(targets)
    firmware = any(target.backend == "cortex-m" for target in enabled)
    kinds = {target.runner.kind for target in enabled}
    tvm = {isa.startswith("neon") for target in enabled for isa in target.instruction_sets}
    wanted = [
        ("git", "stages", True),
        ("gcc", "host build of the firmware", False),
        ("g++", "TVM's code for this computer", False in tvm),
        ("aarch64-linux-gnu-g++", "TVM's code for a Raspberry Pi", True in tvm),
        ("arm-none-eabi-gcc", "firmware", firmware),
        ("qemu-system-arm", "emulated boards", "qemu-system" in kinds),
        ("qemu-aarch64-static", "an emulated Raspberry Pi", "qemu-user" in kinds),
        ("gdb-multiarch", "flashing", False),
        ("cmake", "host build of the firmware", False),
        ("ninja", "host build of the firmware", False),
    ]
    return [Tool(name, use, needed, _SYSTEM_PACKAGES) for name, use, needed in wanted]


def pinned_versions(path: Path = CONSTRAINTS_FILE) -> dict[str, str]:
    """Version by package name of what `make setup` installs; nothing where there is no constraints file.

    Raises:
        SixfoldError: the file is malformed.
    """
    return {pin.name: pin.version for pin in read_pins(path) if pin.extra is None} if path.is_file() else {}


def find_environments(path: Path = CONSTRAINTS_FILE) -> tuple[EnvironmentFinding, ...]:
    """The environments of tools that a constraints file pins; none where there is no such file.

    Raises:
        SixfoldError: the file is malformed.
    """
    known = tool_environments(path) if path.is_file() else []
    return tuple(EnvironmentFinding(tool.name, tool.version, tool.made) for tool in known)


def find_package(tool: Tool, pins: dict[str, str]) -> Finding:
    """Look for an installed Python package and compare it with its pin; a local suffix such as +cpu may differ."""
    try:
        version = metadata.version(tool.name)
    except metadata.PackageNotFoundError:
        return Finding(tool, None, "not installed")
    pin = pins.get(tool.name)
    differs = pin is not None and version.partition("+")[0] != pin.partition("+")[0]
    return Finding(tool, version, f"constraints.txt has {pin}" if differs else None)


def find_program(tool: Tool) -> Finding:
    """Ask a program for its version: the first number with a dot in what `--version` prints."""
    if shutil.which(tool.name) is None:
        return Finding(tool, None, "not found")
    try:
        done = subprocess.run([tool.name, "--version"], check=False, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        return Finding(tool, None, f"does not run ({error})")
    # Distributions put their own version in brackets before the program's.
    first_line = re.sub(r"\([^)]*\)", "", done.stdout.partition("\n")[0])
    match = re.search(r"\d+(\.\d+)+", first_line)
    if done.returncode or match is None:
        return Finding(tool, None, f"does not run (exit code {done.returncode})")
    return Finding(tool, match[0], None)


def processor_features(path: Path = CPU_FILE) -> dict[str, bool] | None:
    """Which of the instructions that int8 gains from this processor has; None where Linux does not tell."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    match = re.search(r"^(?:flags|Features)\s*:(.*)$", text, flags=re.MULTILINE)
    if match is None:
        return None
    flags = set(match[1].split())
    arm = "asimd" in flags
    return {flag: flag in flags for flag in _INT8_FLAGS if (flag in ("asimddp", "i8mm")) == arm}


def diagnose() -> Diagnosis:
    """Look at everything, for the targets that params.yaml enables.

    Raises:
        SixfoldError: params.yaml or a target file is wrong.
    """
    targets = [load_target(name) for name in load_params().targets]
    pins = pinned_versions()
    packages = [find_package(tool, pins) for tool in python_packages(targets)]
    with ThreadPoolExecutor() as pool:  # each waits for a program to print its version
        found_programs = tuple(pool.map(find_program, programs(targets)))
    return Diagnosis((*packages, *found_programs), find_environments(), processor_features())


def print_diagnosis(diagnosis: Diagnosis, as_json: bool) -> None:
    """Print the findings as a table, or as JSON."""
    if as_json:
        print_json({**asdict(diagnosis), "missing": diagnosis.missing})
        return
    listing = table("tool", "version", "used for", "state")
    for finding in diagnosis.findings:
        listing.add_row(finding.tool.name, finding.version or "", finding.tool.use, _state(finding))
    for environment in diagnosis.environments:
        state = "made" if environment.made else "not made yet; the first use does it, or make tools"
        listing.add_row(environment.name, environment.version, "environment of its own", state)
    console().print(listing)
    if diagnosis.processor is None:
        print("processor: its features cannot be read here")
        return
    for flag, present in diagnosis.processor.items():
        print(f"processor: {'has' if present else 'lacks'} {flag} ({_INT8_FLAGS[flag]})")


def _state(finding: Finding) -> str:
    if finding.problem is None:
        return "ok"
    if finding.version is None and not finding.tool.needed:
        return f"{finding.problem}; no enabled target needs it ({finding.tool.get})"
    return f"{finding.problem}: run {finding.tool.get}"


def raise_on_problems(diagnosis: Diagnosis) -> None:
    """End the command well only if nothing needed is missing.

    Raises:
        GateFailedError: names what is missing.
    """
    if diagnosis.missing:
        raise GateFailedError(f"missing for the enabled targets: {', '.join(diagnosis.missing)}")
