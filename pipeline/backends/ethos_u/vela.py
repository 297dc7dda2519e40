"""Calling Vela, Arm's compiler for the Ethos-U, in its own environment."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.backends.ethos_u.estimate import Estimate, read_estimate
from pipeline.errors import SixfoldError
from pipeline.npu import NpuSpec
from pipeline.tool_environments import tool_environment
from pipeline.tool_process import run_module

ENVIRONMENT = "ethos-u-vela"

# The file with Arm's system configurations and memory modes that Vela brings along.
_CONFIGURATIONS = "Arm/vela.ini"

# The largest network takes two seconds.
_TIME_LIMIT_S = 300.0


@dataclass(frozen=True)
class Compiled:
    """What Vela made of a file.

    Attributes:
        content: a ``.tflite`` file whose operators are one command stream, and those that the NPU does not take.
    """

    content: bytes
    estimate: Estimate


def run_vela(
    content: bytes,
    npu: NpuSpec,
    arena_limit: int | None,
    smallest: bool = False,
    extra: Sequence[str] = (),
) -> Compiled:
    """Compile a ``.tflite`` file.

    Args:
        content: the file.
        npu: accelerator, system configuration, memory mode.
        arena_limit: bytes of SRAM to aim at; Vela may take more where it must.
        smallest: as little memory as possible instead of as fast as possible.
        extra: further options of Vela.

    Raises:
        SixfoldError: Vela refused, failed, or reports another clock than it should.
    """
    options = ["--config", _CONFIGURATIONS, "--accelerator-config", npu.accelerator]
    options += ["--system-config", npu.system_config, "--memory-mode", npu.memory_mode]
    options += ["--optimise", "Size" if smallest else "Performance", "--verbose-performance", "--output-dir", "."]
    if arena_limit is not None:
        options += ["--arena-cache-size", str(arena_limit)]
    with tempfile.TemporaryDirectory(prefix="sixfold-") as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(content)
        run_module(
            ENVIRONMENT, "ethosu.vela", [*options, *extra, "model.tflite"], folder=folder, time_limit_s=_TIME_LIMIT_S
        )
        optimised = folder / "model_vela.tflite"
        if not optimised.is_file():
            raise SixfoldError(f"{ENVIRONMENT}: it wrote no {optimised.name}")
        estimate = read_estimate(
            folder / f"model_summary_{npu.system_config}.csv",
            folder / "model_per-layer.csv",
            tool_environment(ENVIRONMENT).version,
            arena_limit,
        )
        return Compiled(optimised.read_bytes(), estimate)
