"""Every peer runs on a toy model, in its own environment, and its file computes nearly what the float model does."""

from pathlib import Path

import pytest

from benchmarks.quantisation.method import Method
from benchmarks.quantisation.peers import peers
from benchmarks.quantisation.store import Store
from tests.benchmarks.quantisation.made_up import problem

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("method", peers(16), ids=lambda method: method.name)
def test_a_peer_quantises(method: Method, tmp_path: Path) -> None:
    score = Store(problem(16, 20), tmp_path).score(method, "onnxruntime")
    assert 10 < score["sqnr_db"] < 60
    _, made = Store(problem(16, 20), tmp_path).quantised(method)
    assert made.cpu_seconds > 0
