"""Feeds damaged files to the importer: ``python -m tests.importers.fuzz --inputs 100000``.

Whatever the bytes, the importer must give a graph or one line that says why not, within bounds of time and memory. A
graph must then be written, read back as the same graph, and executed. Inputs run in a process of their own with limited
memory, so that a crash of a library is found as well; input N is the same in every run.
"""

import argparse
import mmap
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import FrameType

import numpy as np

from pipeline.errors import SixfoldError
from pipeline.graph import cost
from pipeline.graph.onnx_file import parse_onnx
from pipeline.graph.qdq import int8_qdq
from pipeline.graph.reader import Reader
from pipeline.graph.reference import execute
from pipeline.importers.model_file import Overrides, read_model
from pipeline.preprocess import Normalization
from tests.importers import files
from tests.importers.mutations import Seed, mutated, seed

#: Seconds that one input may take; the seeds take a few milliseconds.
SECONDS = 10
#: Bytes by which a process may grow beyond what it has after its imports.
MEMORY = 1 << 30
#: Bytes by which the largest resident size may grow after the first inputs, over all others.
GROWTH = 64 << 20
_WARM_UP = 200
#: Inputs a process runs before it is replaced by a fresh one.
_CHUNK = 20_000
#: Graphs above this are not executed: a damaged size can make an honest network of any cost.
_MOST_MACS = 2_000_000
_OVERRIDES = Overrides(Normalization((0.5,), (0.5,)))


class FoundError(Exception):
    """An input that breaks a promise."""


def corpus() -> list[Seed]:
    """Valid files of both formats, small, which together hold everything that is read."""
    from pipeline.backends.litert.writer import write_tflite  # noqa: PLC0415
    from tests.graph.graphs import small_mobilenet  # noqa: PLC0415
    from tests.importers.onnx_files import per_tensor_uint8  # noqa: PLC0415

    own = small_mobilenet(3, resolution=8)
    tflite = {
        "keras": files.keras_like().finish(),
        "uint8": files.uint8_ends().finish(),
        "small": files.small().finish(),
        "metadata": files.with_metadata(files.small().finish()),
        "sixfold": write_tflite(own),
    }
    onnx = {"sixfold.onnx": int8_qdq(own), "uint8.onnx": per_tensor_uint8()}
    return [
        *(seed(name, data) for name, data in tflite.items()),
        *(seed(name, model.SerializeToString(deterministic=True)) for name, model in onnx.items()),
    ]


def check(data: bytes) -> str:
    """Import one file and check every promise; returns what came of it.

    Raises:
        FoundError: a promise is broken. Any other exception breaks one as well.
    """
    try:
        graph = read_model(data, "input", _OVERRIDES).graph
    except SixfoldError as error:
        message = str(error)
        if not message.startswith("input") or not message.isprintable():
            raise FoundError(f"the message is no single line: {message!r}") from error
        return "refused"
    again = Reader(parse_onnx(int8_qdq(graph).SerializeToString(), "written"), "written").read()
    if again.sha256() != graph.sha256():
        raise FoundError("the written graph reads back as another")
    if sum(cost.macs(graph).values()) > _MOST_MACS or sum(t.size for t in graph.tensors.values()) > _MOST_MACS:
        return "imported, large"
    shape = graph.tensors[graph.input].shape
    execute(graph, np.random.default_rng(0).integers(-128, 128, (1, *shape), dtype=np.int8), "fixed-point")
    return "imported"


def run(first: int, last: int, progress: Path | None = None) -> Counter[str]:
    """Run inputs `first` to `last` - 1 in this process.

    Raises:
        FoundError: names the input; also where it takes too long or memory grows.
    """
    seeds = corpus()
    outcomes: Counter[str] = Counter()
    signal.signal(signal.SIGALRM, _too_long)
    board = _progress_board(progress)
    after_warm_up = 0
    for index in range(first, last):
        if board is not None:
            board[:8] = index.to_bytes(8, "little")
        data = mutated(seeds, index)
        signal.alarm(SECONDS)
        try:
            outcomes[check(data)] += 1
        except Exception as error:
            raise FoundError(f"input {index}: {type(error).__name__}: {error}") from error
        finally:
            signal.alarm(0)
        if index - first == _WARM_UP:
            after_warm_up = resident()
    if after_warm_up and resident() - after_warm_up > GROWTH:
        raise FoundError(f"inputs {first} to {last - 1}: memory grew by {(resident() - after_warm_up) >> 20} MiB")
    return outcomes


def resident() -> int:
    """The largest resident size of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def limit_memory() -> None:
    """Let this process grow by :data:`MEMORY` and no further."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGESIZE") + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _too_long(signum: int, frame: FrameType | None) -> None:
    raise FoundError(f"takes more than {SECONDS} s")


def _progress_board(path: Path | None) -> mmap.mmap | None:
    """Shared memory that survives a crash, where the number of the input is noted before it is read."""
    if path is None:
        return None
    path.write_bytes(bytes(8))
    with path.open("r+b") as stream:
        return mmap.mmap(stream.fileno(), 8)


def main() -> None:
    """Run in chunks, each in a process of its own; exit 1 at the first input that breaks a promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.importers.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--chunk", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.chunk:
        _run_chunk(options.first, options.inputs)
        return
    outcomes: Counter[str] = Counter()
    started, end = time.monotonic(), options.first + options.inputs
    for first in range(options.first, end, _CHUNK):
        outcomes += _in_a_process(first, min(_CHUNK, end - first))
        print(f"{outcomes.total()} inputs, {dict(outcomes)}", flush=True)
    print(f"{outcomes.total()} inputs in {time.monotonic() - started:.0f} s: no crash, hang or growth of memory")


def _run_chunk(first: int, inputs: int) -> None:
    limit_memory()
    try:
        outcomes = run(first, first + inputs, Path(os.environ["FUZZ_PROGRESS"]))
    except FoundError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    for outcome, count in sorted(outcomes.items()):
        print(f"{count} {outcome}")


def _in_a_process(first: int, inputs: int) -> Counter[str]:
    with tempfile.TemporaryDirectory() as folder:
        progress = Path(folder) / "progress"
        arguments = ["--chunk", "--first", str(first), "--inputs", str(inputs)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.importers.fuzz", *arguments],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "FUZZ_PROGRESS": str(progress)},
        )
        if done.returncode:
            reached = int.from_bytes(progress.read_bytes(), "little") if progress.exists() else first
            print(f"failed: input {reached}, exit code {done.returncode}\n{done.stderr[-2000:]}", file=sys.stderr)
            sys.exit(1)
    rows = (line.partition(" ") for line in done.stdout.splitlines())
    return Counter({outcome: int(count) for count, _, outcome in rows})


if __name__ == "__main__":
    main()
