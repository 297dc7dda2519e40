"""The memory plan as a picture: layers to the right, bytes of the arena upwards, a rectangle for every buffer."""

import math
from typing import Any

import jinja2

from pipeline.backends.cortex_m.memory_plan import Buffer, MemoryPlan

_LEFT, _TOP, _PLOT_HEIGHT, _LABELS = 80, 28, 360, 170
_STEP = 16
_LETTER, _HEADING, _LEGEND, _SLOPE = 6.0, 7.2, 32, math.radians(60)
_LINES = 8


def memory_map(plan: MemoryPlan) -> str:
    """Draw a plan as SVG; the same plan gives the same text."""
    layers = list(plan.live_bytes)
    right = _LEFT + _STEP * len(layers)
    # Names are written at 60 degrees below the plot, the legend below them.
    longest = _LETTER * max(map(len, layers))
    labels = max(_LABELS, round(longest * math.sin(_SLOPE)) + _LEGEND)
    heading = f"Arena: {plan.arena_bytes} bytes. At least {plan.lower_bound} are live in layer {plan.peak_operator}."
    values: dict[str, Any] = {
        "heading": heading,
        "arena_bytes": plan.arena_bytes,
        "peak_x": _LEFT + _STEP * layers.index(plan.peak_operator),
        "step": _STEP,
        "left": _LEFT,
        "right": right,
        "top": _TOP,
        "bottom": _TOP + _PLOT_HEIGHT,
        "plot_height": _PLOT_HEIGHT,
        # A narrow network still has room for heading and legend.
        "width": max(right + max(90, round(longest * math.cos(_SLOPE))), round(_LEFT + _HEADING * len(heading)), 560),
        "height": _TOP + _PLOT_HEIGHT + labels,
        "lines": [_line(plan, index) for index in range(_LINES + 1)],
        "rectangles": [_rectangle(plan, buffer, layers) for buffer in plan.buffers],
        "labels": [{"x": _LEFT + _STEP * index + 4, "text": name} for index, name in enumerate(layers)],
    }
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("memory_map.svg.j2").render(values)


def _y(plan: MemoryPlan, offset: float) -> float:
    return round(_TOP + _PLOT_HEIGHT * (1 - offset / plan.arena_bytes), 2)


def _line(plan: MemoryPlan, index: int) -> dict[str, float]:
    offset = plan.arena_bytes * index // _LINES
    return {"bytes": offset, "y": _y(plan, offset)}


def _rectangle(plan: MemoryPlan, buffer: Buffer, layers: list[str]) -> dict[str, Any]:
    last = min(buffer.last, len(layers) - 1)
    offset = plan.offsets[buffer.name]
    kind = "scratch" if "\n" in buffer.name else "tensor"
    name = buffer.name.replace("\n", " of ")
    return {
        "kind": kind,
        "x": _LEFT + _STEP * buffer.first,
        "width": _STEP * (last - buffer.first + 1),
        "y": _y(plan, offset + buffer.size),
        "height": round(_PLOT_HEIGHT * buffer.size / plan.arena_bytes, 2),
        "title": f"{name}: {buffer.size} bytes at {offset}, from {layers[buffer.first]} to {layers[last]}",
    }
