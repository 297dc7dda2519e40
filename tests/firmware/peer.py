"""The C kernels, built for this computer under sanitisers, behind a pipe."""

import struct
import subprocess
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow")

CONV2D, DEPTHWISE_CONV2D, FULLY_CONNECTED, ADD, GLOBAL_AVERAGE_POOL, REQUANTIZE = range(6)
CMSIS_NN = {
    f"sixfold_cmsis_nn_{name}": 6 + index
    for index, name in enumerate(
        ("convolve", "convolve_1x1", "depthwise_3x3", "depthwise", "fully_connected", "add", "global_average_pool")
    )
}
CMSIS_NN_SCRATCH = 13
OK, BAD_ARGUMENT = range(2)


class KernelPeer:
    """A running `kernel_peer`; one case a call."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    @classmethod
    def build(cls, folder: Path, cmsis_nn: Path | None = None) -> "KernelPeer":
        """Compile the portable kernels, and those of CMSIS-NN if its folder is given, with the peer and start it."""
        program = folder / "kernel_peer"
        kernels = FIRMWARE / "kernels"
        sources = [Path(__file__).with_name("kernel_peer.c"), *sorted((kernels / "portable").glob("*.c"))]
        options = [f"-I{FIRMWARE / 'include'}"]
        if cmsis_nn is not None:
            options += ["-DKERNEL_PEER_CMSIS_NN", "-isystem", str(cmsis_nn / "Include")]
            sources += [*sorted((kernels / "cmsis-nn").glob("*.c")), _third_party(cmsis_nn, folder)]
        subprocess.run(["gcc", *WARNINGS, *SANITIZERS, *options, *sources, "-o", program], check=True)
        return cls(program)

    def run(self, operation: int, words: list[int], *arrays: np.ndarray) -> tuple[int, bytes]:
        """Status and output bytes of one case; fails the test with the sanitiser's report if there is one."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None and self._process.stderr is not None
        try:
            stdin.write(struct.pack(f"<{len(words) + 1}i", operation, *words))
            for array in arrays:
                assert array.dtype in (np.int8, np.int32)
                stdin.write(np.ascontiguousarray(array).tobytes())
            stdin.flush()
            header = stdout.read(8)
        except BrokenPipeError:
            header = b""
        assert len(header) == 8, self._process.stderr.read().decode()
        status, length = struct.unpack("<ii", header)
        return status, stdout.read(length)

    def close(self) -> None:
        """End the program; a leak that it reports now is a failure too."""
        _, errors = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, errors.decode()


def _third_party(cmsis_nn: Path, folder: Path) -> Path:
    """CMSIS-NN as an object file, without warnings.

    Two checks are left out for it alone: it shifts negative values to the left, and forms 2^31 - 1 by wrapping where a
    result is divided by 2^31.
    """
    needed = ("ConvolutionFunctions/*_s8*.c", "NNSupportFunctions/*_s8*.c", "NNSupportFunctions/arm_q7_to_q15*.c")
    needed += ("PoolingFunctions/arm_avgpool*_s8.c", "BasicMathFunctions/arm_elementwise_add_s8.c")
    sources = [path for pattern in needed for path in sorted((cmsis_nn / "Source").glob(pattern))]
    sources = [path for path in sources if not any(word in path.name for word in ("lstm", "svdf", "transpose"))]
    together = folder / "cmsis_nn.c"
    together.write_text("".join(f'#include "{path}"\n' for path in sources))
    unchecked = "-fno-sanitize=shift,signed-integer-overflow"
    command = ["gcc", "-w", *SANITIZERS, unchecked, f"-I{cmsis_nn / 'Include'}", "-c", together]
    subprocess.run([*command, "-o", folder / "cmsis_nn.o"], check=True)
    return folder / "cmsis_nn.o"
