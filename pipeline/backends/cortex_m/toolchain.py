"""Building `firmware/` with CMake, Ninja and the GNU Arm toolchain."""

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.backends.cortex_m.kernel import FIRMWARE, Core
from pipeline.errors import SixfoldError
from pipeline.programs import run_program
from pipeline.progress import progress_bar

_TOOLS = ("cmake", "ninja", "arm-none-eabi-gcc")
#: Compiling a network of a few million weights takes a minute; a hung tool must not hang `dvc repro`.
_TIME_LIMIT_S = 900
#: Environment variables that would change the flags, hence the bytes.
_FLAG_VARIABLES = ("CFLAGS", "CPPFLAGS", "LDFLAGS", "CC", "CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH", "GCC_EXEC_PREFIX")


class DoesNotFitError(Exception):
    """The linker's memories overflowed.

    Attributes:
        overflow: memory name (``FLASH``, ``SRAM``) to the bytes that are too many.
    """

    def __init__(self, overflow: Mapping[str, int]) -> None:
        super().__init__(str(overflow))
        self.overflow = overflow


def require_tools() -> None:
    """Check that the build tools are installed.

    Raises:
        SixfoldError: one is not; names it.
    """
    for tool in _TOOLS:
        if shutil.which(tool) is None:
            raise SixfoldError(f"{tool}: not found; run `make setup`, which installs it")


def compiler_version() -> str:
    """Version of the cross compiler, such as ``12.2.1``."""
    return _run(["arm-none-eabi-gcc", "-dumpfullversion"], Path.cwd()).strip()


@dataclass(frozen=True)
class Kernels:
    """The kernels to compile.

    Attributes:
        library: folder of `firmware/kernels`.
        cmsis_nn: folder with CMSIS-NN's `Include` and `Source`, for library `cmsis-nn`.
    """

    library: str = "portable"
    cmsis_nn: Path | None = None


def build_device(
    model: Path,
    build: Path,
    core: Core,
    board: str,
    kernels: Kernels,
    settings: Mapping[str, int] | None = None,
    script: str = "model.ld",
) -> Path:
    """Cross-compile the model in folder `model` (``model.c``, ``model.h`` and a linker script).

    Args:
        model: generated sources.
        build: folder for everything the build writes; empty, or of a build of the same model for another board.
        core: what to compile for.
        board: folder of `firmware/boards`.
        kernels: what `model.c` calls.
        settings: numbers that the board's start-up is compiled with, by macro name.
        script: the linker script's name in folder `model`.

    Returns:
        The linked ``firmware.elf`` inside `build`.

    Raises:
        DoesNotFitError: the linker says that a memory of the script is too small.
        SixfoldError: a tool is missing or refused.
    """
    require_tools()
    toolchain_file = FIRMWARE / "cmake" / "arm-none-eabi.cmake"
    options = {
        "CMAKE_TOOLCHAIN_FILE": toolchain_file,
        "SIXFOLD_CORE": core.name,
        "SIXFOLD_BOARD": board,
        "SIXFOLD_LINKER_SCRIPT": (model / script).resolve(),
        "SIXFOLD_SETTINGS": ";".join(f"{name}={value}" for name, value in sorted((settings or {}).items())),
    }
    _cmake(model, build, kernels, options)
    return build / "firmware.elf"


def build_host(model: Path, build: Path, kernels: Kernels, sanitize: bool) -> Path:
    """Compile the same sources for this computer; the program reads inputs on stdin and writes outputs on stdout.

    Returns:
        The program ``host_model`` inside `build`.

    Raises:
        SixfoldError: a tool is missing or refused.
    """
    _cmake(model, build, kernels, {"SIXFOLD_SANITIZE": "ON" if sanitize else "OFF"})
    return build / "host_model"


def _cmake(model: Path, build: Path, kernels: Kernels, options: Mapping[str, object]) -> None:
    definitions: dict[str, object] = {"SIXFOLD_MODEL": model.resolve(), "SIXFOLD_KERNELS": kernels.library, **options}
    if kernels.cmsis_nn is not None:
        definitions["SIXFOLD_CMSIS_NN"] = kernels.cmsis_nn
    flags = [f"-D{name}={value}" for name, value in definitions.items()]
    _run(["cmake", "-G", "Ninja", "-S", str(FIRMWARE), "-B", str(build), *flags], build)
    with progress_bar("compiling and linking", 1) as advance:
        # Past the first failure (-k 0): every firmware says what it lacks.
        _run(["ninja", "-k", "0", "-C", str(build)], build, _steps(advance))


def _steps(advance: Callable[[float], None]) -> Callable[[str], None]:
    """Advance a bar from 0 to 1 by what Ninja says before each step's name: how many are done, and of how many."""
    reached = 0.0

    def heard(line: str) -> None:
        nonlocal reached
        said = re.match(r"\[(\d+)/(\d+)\] ", line)
        if said is not None:
            now = int(said[1]) / int(said[2])
            advance(now - reached)
            reached = now

    return heard


def _run(command: Sequence[str], folder: Path, heard: Callable[[str], None] | None = None) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in _FLAG_VARIABLES}
    environment["LC_ALL"] = "C"  # the linker's messages are read below
    environment["NINJA_STATUS"] = "[%f/%t] "
    get = "run `make setup`, which installs it"
    output, code = run_program(command, folder, environment, time_limit_s=_TIME_LIMIT_S, get=get, heard=heard)
    if code != 0:
        overflow = re.findall(r"region [`'](\w+)' overflowed by (\d+) bytes", output)
        if overflow:
            # Each firmware that is linked says its own number.
            worst: dict[str, int] = {}
            for memory, amount in overflow:
                worst[memory] = max(worst.get(memory, 0), int(amount))
            raise DoesNotFitError(worst)
        raise SixfoldError(f"{command[0]} failed: {_first_error(output)}")
    return output


def _first_error(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    marked = (line for line in lines if re.search(r"\berror: |CMake Error", line))
    return next(marked, lines[-1] if lines else "no message")
