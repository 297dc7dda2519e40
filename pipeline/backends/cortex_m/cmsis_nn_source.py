"""Where CMSIS-NN's source code comes from: a pinned package, or a checkout of the user's."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SixfoldError
from pipeline.packages import fetch_wheel

#: Names a checkout to use instead of the pinned package.
ROOT_VARIABLE = "CMSIS_NN_ROOT"

_PACKAGE = "aidge-export-arm-cortexm"
_FOLDER = "aidge_export_arm_cortexm/_CMSIS-NN/CMSIS-NN"
_HEADER = "Include/arm_nnfunctions.h"
#: One file of each folder that firmware/CMakeLists.txt compiles; a checkout of anything else lacks one.
_NEEDED = (
    _HEADER,
    "Include/arm_nnsupportfunctions.h",
    "Source/BasicMathFunctions/arm_elementwise_add_s8.c",
    "Source/ConvolutionFunctions/arm_convolve_1x1_s8_fast.c",
    "Source/ConvolutionFunctions/arm_convolve_s8.c",
    "Source/ConvolutionFunctions/arm_depthwise_conv_3x3_s8.c",
    "Source/ConvolutionFunctions/arm_depthwise_conv_s8_opt.c",
    "Source/NNSupportFunctions/arm_nn_mat_mult_nt_t_s8.c",
    "Source/PoolingFunctions/arm_avgpool_s8.c",
)


@dataclass(frozen=True)
class CmsisNn:
    """A usable copy of CMSIS-NN.

    Attributes:
        root: folder with `Include` and `Source`.
        version: its header's revision and a hash of all its code, for reports.
    """

    root: Path
    version: str


def find_cmsis_nn() -> CmsisNn:
    """The checkout in `$CMSIS_NN_ROOT` if that is set, else the pinned package, fetched when first needed.

    Raises:
        SixfoldError: the package cannot be fetched, or the checkout lacks a file; names it.
    """
    chosen = os.environ.get(ROOT_VARIABLE)
    root = Path(chosen).absolute() if chosen else (fetch_wheel(_PACKAGE) / _FOLDER).absolute()
    for needed in _NEEDED:
        if not (root / needed).is_file():
            origin = f"{ROOT_VARIABLE}={chosen}" if chosen else _PACKAGE
            raise SixfoldError(f"{origin}: {needed}: not found; it must be the folder of a CMSIS-NN checkout")
    return CmsisNn(root, _version(root))


def _version(root: Path) -> str:
    revision = re.search(r"\$Revision:\s*V?\.?\s*([\w.]+)", (root / _HEADER).read_text(errors="replace"))
    digest = hashlib.sha256()
    for folder in ("Include", "Source"):
        for path in sorted((root / folder).rglob("*.[ch]")):
            digest.update(f"{path.relative_to(root).as_posix()}\n".encode() + path.read_bytes())
    return f"{revision[1] if revision else 'unknown'} (sha256 {digest.hexdigest()[:12]})"
