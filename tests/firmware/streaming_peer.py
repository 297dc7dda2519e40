"""The peer of the streaming kernels: compiled for this computer under sanitisers, or for emulated boards."""

import re
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.boards import BOARDS
from pipeline.backends.cortex_m.kernel import load_core
from pipeline.backends.cortex_m.linker_script import emit_linker_script
from pipeline.backends.cortex_m.machines import placement
from pipeline.backends.cortex_m.streaming.builds import build_for
from tests.firmware.peer import FIRMWARE, SANITIZERS, WARNINGS
from tests.firmware.streaming_cases import Case

_HERE = Path(__file__).parent
_KERNELS = FIRMWARE / "kernels"


class StreamingPeer:
    """A running peer on this computer; one case a call."""

    def __init__(self, folder: Path) -> None:
        program = folder / "streaming_peer"
        sources = [_HERE / "streaming_peer.c", _HERE / "streaming_peer_host.c", *_sources("streaming/portable")]
        options = [*WARNINGS, *SANITIZERS, f"-I{FIRMWARE / 'include'}"]
        subprocess.run(["gcc", *options, *sources, "-o", program], check=True)
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, case: Case) -> bytes:
        """The output of a case; fails the test with the sanitiser's report if there is one."""
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        assert stdin is not None and stdout is not None and stderr is not None
        try:
            stdin.write(case.request)
            stdin.flush()
            length = stdout.read(4)
        except BrokenPipeError:
            length = b""
        assert len(length) == 4, f"{case.text}: {stderr.read().decode()}"
        return stdout.read(*struct.unpack("<i", length))

    def close(self) -> None:
        """End the program; a leak that it reports now is a failure too."""
        _, errors = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, errors.decode()


def run_on_board(core: str, cases: Sequence[Case], folder: Path) -> list[bytes]:
    """The outputs of all cases, from one start of the emulated board that has this core."""
    target = BOARDS[core].target("portable")
    board = placement(target)
    script = folder / "peer.ld"
    script.write_text(emit_linker_script(target.name, board))
    described = load_core(core)
    drivers = re.findall(r"\w+", (FIRMWARE / "boards" / board.board / "board.cmake").read_text())[2:]
    sources = [
        *(_HERE / "streaming_peer.c", _HERE / "streaming_peer_board.c", FIRMWARE / "startup/cortex_m.c"),
        *sorted((FIRMWARE / "runtime").glob("*.c")),
        *sorted((FIRMWARE / "boards" / board.board).glob("*.c")),
        *(FIRMWARE / "drivers" / f"{driver}.c" for driver in ("uart", *drivers)),
        *_sources(build_for(described.simd).library),
    ]
    includes = [f"-I{FIRMWARE / path}" for path in ("include", "runtime", "drivers", f"boards/{board.board}")]
    linked = ["-nostartfiles", "-Wl,--gc-sections,--fatal-warnings", f"-T{script}", "-ffunction-sections"]
    flags = ["-O2", *described.flags.split(), "-mthumb", *WARNINGS]
    command = ["arm-none-eabi-gcc", *flags, *includes, *linked, *sources, "-o", folder / "peer.elf"]
    subprocess.run(command, check=True)
    (folder / "cases.bin").write_bytes(b"".join(case.request for case in cases))
    emulator = [
        *("qemu-system-arm", "-M", str(target.runner.machine), "-display", "none", "-serial", "none"),
        *("-monitor", "none", "-nic", "none", "-semihosting-config", "enable=on,target=native"),
        *("-kernel", "peer.elf"),
    ]
    done = subprocess.run(emulator, cwd=folder, capture_output=True, timeout=600, check=False)
    answers = _split((folder / "answers.bin").read_bytes())
    where = cases[len(answers)].text if len(answers) < len(cases) else "the end"
    assert done.returncode == 0, f"at {where}: {(done.stdout + done.stderr).decode()}"
    return answers


def _sources(library: str) -> list[Path]:
    """The build's kernels and those that it calls."""
    found = [*(_KERNELS / library).glob("*.[cS]"), *(_KERNELS / "portable").glob("*.c")]
    return sorted(found)


def _split(data: bytes) -> list[bytes]:
    answers = []
    while data:
        length = struct.unpack_from("<i", data)[0] + 4
        answers.append(data[4:length])
        data = data[length:]
    return answers
