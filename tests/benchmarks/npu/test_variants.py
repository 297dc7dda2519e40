"""Every other way to write or compile a network: Vela takes it, and where it is modelled it computes the same."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.npu.variants import VARIANTS, Variant
from pipeline.backends.ethos_u.compiled_file import read_compiled
from pipeline.backends.ethos_u.vela import run_vela
from pipeline.graph.reference import execute
from pipeline.runners.ethos_u.model import Model, NotModelledError
from pipeline.targets import load_target
from tests.graph.graphs import random_inputs, small_mobilenet

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_variant_computes_the_same(variant: Variant) -> None:
    graph = small_mobilenet(4)
    npu = load_target("ethos-u55-128", ROOT / "targets").npu
    assert npu is not None
    compiled = run_vela(variant.write(graph), npu, None, variant.smallest, variant.options)
    assert compiled.estimate.npu_share == 1
    inputs = random_inputs(graph, 6, 4)
    try:
        outputs = Model(read_compiled(compiled.content)).execute(inputs)
    except NotModelledError:
        assert variant.name.startswith("MEAN")
        return
    np.testing.assert_array_equal(outputs, execute(graph, inputs, "fixed-point"))
