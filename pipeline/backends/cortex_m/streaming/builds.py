"""Which build of the streaming kernels a core gets."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from pipeline.backends.cortex_m.kernel import FIRMWARE, Simd
from pipeline.backends.cortex_m.streaming.layout import Layout

_FOLDER = "streaming"
#: By build: functions that must be in the firmware, each with the class of vector instruction that it must contain.
_LINKED: dict[str, dict[str, str | None]] = {
    "portable": {"sixfold_stream_expand": None, "sixfold_stream_depthwise": None},
    "dsp": {"sixfold_dsp_product": "smlad", "sixfold_dsp_window": "smlad"},
    "mve": {"sixfold_mve_product": "vmladav", "sixfold_mve_depthwise_2_even": "vmladav"},
}
_BUILDS: dict[Simd, str] = {"none": "portable", "dsp": "dsp", "mve": "mve"}


@dataclass(frozen=True)
class Build:
    """One build of `firmware/kernels/streaming`.

    Attributes:
        name: its folder there, and its module of `layouts`.
        layout: how it lays its data out.
        linked: as of :class:`pipeline.backends.cortex_m.kernel.Kernel`.
    """

    name: str
    layout: Layout
    linked: Mapping[str, str | None]

    @property
    def library(self) -> str:
        """Its folder in `firmware/kernels`."""
        return f"{_FOLDER}/{self.name}"


def build_for(simd: Simd) -> Build:
    """The build for cores with these vector instructions: plain C where there is none of their own."""
    name = _BUILDS[simd]
    folder = FIRMWARE / "kernels" / _FOLDER / name
    if not any(folder.glob("*.[cS]")):
        name = _BUILDS["none"]
    module = importlib.import_module(f"{__package__}.layouts.{name}")
    return Build(name, cast(Layout, module.LAYOUT), _LINKED[name])
