"""Runs on the board, with Python's standard library alone (and Pillow, to read image files).

`engine.py` beside this file is the runtime: ``Engine(folder, description)`` makes a :class:`Runtime`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
from pathlib import Path
from typing import Any, Protocol

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from engine import Engine  # type: ignore[import-not-found]  # noqa: E402 - of the backend, copied here

WARM_UP = 10
REPEATS = 100


class Runtime(Protocol):
    """What `engine.py` offers."""

    def infer(self, images: bytes) -> bytes:
        """Any number of int8 images, one after the other, to as many times `classes` int8 codes."""

    def times(self, images: bytes, warm_up: int, repeats: int) -> list[float]:
        """Milliseconds of `repeats` inferences on one thread, after `warm_up` that are not timed."""


def main() -> int:
    """Exit status 0 good, 1 the self-test failed, 2 wrong usage or input."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0], prog="run.sh")
    parser.add_argument("images", nargs="*", type=Path, help="image files to classify")
    parser.add_argument("--self-test", action="store_true", help="compare with the reference, then measure; JSON")
    parser.add_argument("--codes", nargs=2, type=Path, metavar=("IN", "OUT"), help="raw int8 images to raw int8 codes")
    arguments = parser.parse_args()
    description: dict[str, Any] = json.loads((HERE / "model.json").read_text())
    try:
        engine: Runtime = Engine(HERE, description)
        if arguments.self_test:
            return self_test(engine)
        if arguments.codes:
            arguments.codes[1].write_bytes(engine.infer(arguments.codes[0].read_bytes()))
            return 0
        if not arguments.images:
            parser.error("name an image, or --self-test")
        for path in arguments.images:
            classify(engine, description, path)
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        print("error:", error, file=sys.stderr)
        return 2
    return 0


def self_test(engine: Runtime) -> int:
    """Compare with the reference's codes; exit status 1 if one differs."""
    images = (HERE / "selftest/images.bin").read_bytes()
    expected = (HERE / "selftest/codes.bin").read_bytes()
    codes = engine.infer(images)
    # strict=False: a runtime that returns too little is counted, not an error; and Python 3.9 knows no strict.
    different = sum(a != b for a, b in zip(codes, expected)) + abs(len(codes) - len(expected))  # noqa: B905
    answer: dict[str, Any] = {"codes": len(expected), "different": different, "machine": machine()}
    if not different:
        answer["latency"] = latency(engine, images)
    print(json.dumps(answer, indent=2))
    return 1 if different else 0


def latency(engine: Runtime, images: bytes) -> dict[str, Any]:
    """Of one inference on one thread, pinned to the last core, which interrupts visit least."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[-1:])
    before = temperature()
    times = sorted(engine.times(images, WARM_UP, REPEATS))
    os.sched_setaffinity(0, cores)

    def percentile(share: float) -> float:
        return times[min(len(times) - 1, math.ceil(share * len(times)) - 1)]

    return {
        "unit": "ms",
        "median": statistics.median(times),
        "p5": percentile(0.05),
        "p95": percentile(0.95),
        "repeats": len(times),
        "warm_up": WARM_UP,
        "threads": 1,
        "core": cores[-1],
        "governor": read(f"/sys/devices/system/cpu/cpu{cores[-1]}/cpufreq/scaling_governor"),
        "celsius_before": before,
        "celsius_after": temperature(),
    }


def machine() -> str:
    """What this board calls itself."""
    return read("/proc/device-tree/model") or " ".join(os.uname()[i] for i in (0, 2, 4))


def temperature() -> float | None:
    """Of the processor, in degrees Celsius."""
    text = read("/sys/class/thermal/thermal_zone0/temp")
    return int(text) / 1000 if text and text.lstrip("-").isdigit() else None


def read(path: str) -> str | None:
    """First line of a system file; None where there is none."""
    try:
        return Path(path).read_text(errors="replace").strip("\0\n ").splitlines()[0]
    except (OSError, IndexError):
        return None


def classify(engine: Runtime, description: dict[str, Any], path: Path) -> None:
    """Print the five likeliest classes of an image file."""
    output = description["output"]
    codes = [code - 256 if code > 127 else code for code in engine.infer(image_codes(description, path))]
    powers = [math.exp(output["scale"] * (code - max(codes))) for code in codes]
    total = sum(powers)
    best = sorted(range(len(codes)), key=lambda index: (-codes[index], index))[:5]
    for index in best:
        print(f"{path}: {100 * powers[index] / total:5.1f} %  {description['labels'][index]}")


def image_codes(description: dict[str, Any], path: Path) -> bytes:
    """An image file as the network's input: upright, the central square, resized, each pixel by its table."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - a board that classifies no files needs no Pillow

    height, width, channels = description["input"]
    with Image.open(path) as image:
        upright: Image.Image = ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            white = Image.new("RGBA", upright.size, "white")
            upright = Image.alpha_composite(white, upright.convert("RGBA"))
        square = upright.convert("RGB") if upright.mode not in ("L", "RGB") else upright
        side = min(square.size) * description["central_crop"]
        left, top = (square.width - side) / 2, (square.height - side) / 2
        square = square.resize((width, height), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
        pixels = square.convert("L" if channels == 1 else "RGB").tobytes()
    tables = [bytes(code % 256 for code in table) for table in description["pixel_codes"]]
    planes = [pixels[channel::channels].translate(tables[channel]) for channel in range(channels)]
    codes = bytearray(len(pixels))
    for channel, plane in enumerate(planes):
        codes[channel::channels] = plane
    return bytes(codes)


if __name__ == "__main__":
    sys.exit(main())
