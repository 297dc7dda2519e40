"""A Cortex-M firmware on a board, over its serial port: outputs bit for bit, and its own clock.

The firmware is `firmware/apps/serial.c`. Each sample takes the way that the MLPerf Tiny runner's images take
(`db load`, `db`, `infer`); the output's codes are then read as they are.
"""

import re
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from pipeline.errors import SixfoldError
from pipeline.graph.ir import Int8Array
from pipeline.progress import progress_bar
from pipeline.runners import Footprint, Latency, LayerCost, RunResult
from pipeline.runners.firmware import SERIAL, FirmwareArtefact, read_artefact
from pipeline.runners.serial_link import INFERENCE_S, SerialLink, open_link
from pipeline.targets import Target

#: Test images that verification sends: a third of a second each for the smallest network, 5 s for 96x96x3.
SAMPLES = 200

#: Bytes of input in a command of at most 80 characters.
_BYTES_PER_COMMAND = 38

T = TypeVar("T")


def run_artefact(artefact: Path, target: Target, inputs: Int8Array) -> RunResult:
    """Run `inputs` on the board behind ``runner.port``, which must have been flashed with this artefact.

    Args:
        artefact: what backend `cortex-m` wrote.
        target: names the port in ``runner.port``.
        inputs: int8 ``(samples, height, width, channels)``, at least one sample.

    Returns:
        Outputs, the median time of an inference by the board's clock, and that of each layer. Behind a
        ``socket://`` there may be an emulator, so that time is called estimated.

    Raises:
        SixfoldError: no board, another model, a damaged one, or a board that fails on the way.
    """
    built = read_artefact(artefact, SERIAL)
    built.check_inputs(inputs)
    port = str(target.runner.port)
    with open_link(port) as link:
        check_model(link, built, port)
        outputs = np.empty((len(inputs), built.classes), np.int8)
        times_ms = []
        with progress_bar(f"on {port}", len(inputs)) as advance:
            for index, sample in enumerate(inputs):
                times_ms.append(infer(link, sample))
                outputs[index] = read_codes(link, built.classes)
                advance(1)
        layers = time_layers(link, built)
        stack_bytes = _read(link, "memory", r"m-memory-\[stack (\d+) of .*]", int)
        version = _read(link, "version", r"m-version-\[(.*)]", str)
    return RunResult(
        outputs=outputs,
        latency=Latency(
            kind="estimated" if port.startswith("socket://") else "measured",
            unit="ms",
            value=statistics.median(times_ms),
            repeats=len(inputs),
            where=f"{target.name} at {port}",
            layers=layers,
        ),
        footprint=Footprint(built.flash_bytes, built.ram_bytes, stack_bytes),
        tools={"firmware": version, **built.tools},
        details={"least_ms": min(times_ms), "most_ms": max(times_ms)},
    )


def check_model(link: SerialLink, built: FirmwareArtefact, port: str) -> None:
    """Check that the board has this model, undamaged.

    Raises:
        SixfoldError: it has not, or does not answer.
    """
    identity = link.greet()
    if identity.sha256 != built.sha256.hex():
        raise SixfoldError(
            f"{port}: the board has model {identity.sha256[:16]}…, the artefact is {built.sha256.hex()[:16]}…; "
            "`sixfold flash` writes it"
        )
    if not identity.intact:
        raise SixfoldError(f"{port}: the model in the board's memory is damaged; `sixfold flash` writes it again")


def infer(link: SerialLink, sample: Int8Array) -> float:
    """Send one sample and run it; milliseconds by the board's clock."""
    # The protocol's bytes are unsigned: code + 128, which for images quantised without mean and std are pixels.
    data = (sample.astype(np.int16) + 128).astype(np.uint8).tobytes()
    link.command(f"db load {len(data)}")
    for begin in range(0, len(data), _BYTES_PER_COMMAND):
        answer = link.command(f"db {data[begin : begin + _BYTES_PER_COMMAND].hex()}")
    if answer != ["m-load-done"]:
        raise SixfoldError(f"the board took {len(data)} bytes of input for less than a sample: {answer}")
    laps = [
        int(lap[1]) for line in link.command("infer 1 0", INFERENCE_S) if (lap := re.fullmatch(r"m-lap-us-(\d+)", line))
    ]
    if len(laps) != 2 or laps[0] > laps[1]:
        raise SixfoldError(f"the board's answer to `infer` has no two rising timestamps: {laps}")
    return (laps[1] - laps[0]) / 1000


def read_codes(link: SerialLink, classes: int) -> Int8Array:
    """The output's int8 codes of the last inference, ``(classes,)``."""
    return np.frombuffer(_read(link, "codes", rf"m-codes-\[([0-9a-f]{{{2 * classes}}})]", bytes.fromhex), np.int8)


def time_layers(link: SerialLink, built: FirmwareArtefact) -> tuple[LayerCost, ...]:
    """Milliseconds of each layer in one more inference."""
    lines = link.command("layers", INFERENCE_S)
    text = "\n".join(lines)
    hz = re.search(r"^m-ticks-hz-([1-9]\d*)$", text, flags=re.MULTILINE)
    ticks = [int(value) for value in re.findall(r"^m-layer-\[\d+ (\d+) [^]]*]$", text, flags=re.MULTILINE)]
    if hz is None or len(ticks) != len(built.layers):
        raise SixfoldError(f"the board timed {len(ticks)} layers, the artefact has {len(built.layers)}")
    return tuple(
        LayerCost(name, 1000 * value / int(hz[1]), macs)
        for (name, macs), value in zip(built.layers, ticks, strict=True)
    )


def _read(link: SerialLink, command: str, pattern: str, convert: Callable[[str], T]) -> T:
    lines = link.command(command)
    for line in lines:
        if match := re.fullmatch(pattern, line):
            return convert(match[1])
    raise SixfoldError(f"the board's answer to `{command}` is not one: {lines[:3]}")
