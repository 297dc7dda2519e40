"""The C kernels, built for this computer under sanitisers, behind a pipe."""

import struct
import subprocess
from pathlib import Path

import numpy as np

from pipeline.backends.cortex_m.libraries import PORTABLE

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
SANITIZERS = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow")

CONV2D, DEPTHWISE_CONV2D, FULLY_CONNECTED, ADD, GLOBAL_AVERAGE_POOL, REQUANTIZE = range(6)
OK, BAD_ARGUMENT = range(2)


class KernelPeer:
    """A running `kernel_peer`; one case a call."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    @classmethod
    def build(cls, folder: Path, library: str = PORTABLE.name) -> "KernelPeer":
        """Compile one kernel library with the peer and start it."""
        program = folder / "kernel_peer"
        kernels = sorted((FIRMWARE / "kernels" / library).glob("*.c"))
        sources = [Path(__file__).with_name("kernel_peer.c"), *kernels]
        command = ["gcc", *WARNINGS, *SANITIZERS, f"-I{FIRMWARE / 'include'}", *sources, "-o", program]
        subprocess.run(command, check=True)
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
