"""Which build of the streaming kernels a core gets."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.backends.cortex_m.kernel import Simd
from pipeline.backends.cortex_m.streaming.layout import Layout
from pipeline.backends.cortex_m.streaming.layouts import dsp, mve, portable

_FOLDER = "streaming"


@dataclass(frozen=True)
class Build:
    """One build of `firmware/kernels/streaming`.

    Attributes:
        name: its folder there, and its module of `layouts`.
        layout: how it lays its data out.
        linked: functions that must be in the firmware, each with the class of vector instruction that it must contain,
            as of :class:`pipeline.backends.cortex_m.kernel.Kernel`.
    """

    name: str
    layout: Layout
    linked: Mapping[str, str | None]

    @property
    def library(self) -> str:
        """Its folder in `firmware/kernels`."""
        return f"{_FOLDER}/{self.name}"


_BUILDS: dict[Simd, Build] = {
    "none": Build("portable", portable.LAYOUT, {"sixfold_stream_expand": None, "sixfold_stream_depthwise": None}),
    "dsp": Build("dsp", dsp.LAYOUT, {"sixfold_dsp_product": "smlad", "sixfold_dsp_window": "smlad"}),
    "mve": Build("mve", mve.LAYOUT, {"sixfold_mve_product": "vmladav", "sixfold_mve_depthwise_2_even": "vmladav"}),
}


def build_for(simd: Simd) -> Build:
    """The build for cores with these vector instructions."""
    return _BUILDS[simd]
