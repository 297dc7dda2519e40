"""What a benchmark that takes long has already measured, kept in build/ so that an interrupted run goes on."""

import hashlib
import json
from pathlib import Path
from typing import Any

from benchmarks.quantisation.method import Arithmetic, Method, Quantised
from benchmarks.quantisation.problem import Problem
from benchmarks.sources import digest_of
from pipeline.evaluation import paired_accuracy, sqnr_db
from pipeline.files import atomic_file, read_json, write_json
from pipeline.score import int8_logits

BUILD_FOLDER = Path("build/quantisation")
#: Everything of ours that decides a score, given the int8 file.
SCORING = ("pipeline/score.py", "pipeline/evaluation.py", "pipeline/float_model.py", "pipeline/graph")
#: Taken when this module is loaded, as the code is that will run, not when a file may have been edited meanwhile.
SCORING_DIGEST = digest_of(SCORING)


class Store:
    """Int8 files with their times, and scores, each under a hash of everything that decides it."""

    def __init__(self, problem: Problem, folder: Path = BUILD_FOLDER) -> None:
        self.problem, self.folder = problem, folder
        self._expected: Any = None

    def quantised(self, method: Method) -> tuple[Path, Quantised]:
        """The int8 file of a method, where it lies and what it took; made if it is not there.

        Raises:
            SixfoldError: the method cannot be run here.
        """
        path = self.folder / f"{self._key(method)}.int8.onnx"
        times = path.with_suffix(".json")
        if not (path.is_file() and times.is_file()):
            made = method.quantise(self.problem, method.images)
            with atomic_file(path) as temporary:
                temporary.write_bytes(made.model)
            write_json(times, {"seconds": made.seconds, "cpu_seconds": made.cpu_seconds})
        return path, Quantised(path.read_bytes(), **read_json(times))

    def score(self, method: Method, arithmetic: Arithmetic) -> dict[str, Any]:
        """Score of a method's int8 file, by the names of :class:`benchmarks.quantisation.results.Row`.

        Raises:
            SixfoldError: the method cannot be run here, or the arithmetic cannot compute its file.
        """
        path, made = self.quantised(method)
        key = _hash([hashlib.sha256(made.model).hexdigest(), self.problem.fingerprint, SCORING_DIGEST, arithmetic])
        kept = self.folder / f"{key}.score.json"
        if not kept.is_file():
            problem, expected = self.problem, self.expected
            logits = int8_logits(path, problem.test, problem.normalization, arithmetic)
            accuracy = paired_accuracy(problem.labels, expected.argmax(1), logits.argmax(1))
            score = {name: accuracy.as_json()[name] for name in ("agreement", "drop", "drop_ci95")}
            write_json(kept, {**score, "sqnr_db": sqnr_db(expected, logits)})
        return dict(read_json(kept))

    @property
    def expected(self) -> Any:
        """The float logits of the test images."""
        if self._expected is None:
            self._expected = self.problem.expected(self.folder)
        return self._expected

    def _key(self, method: Method) -> str:
        metadata = self.problem.metadata if method.reads_metadata else []
        return _hash([self.problem.fingerprint, metadata, method.images, dict(method.decides)])


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
