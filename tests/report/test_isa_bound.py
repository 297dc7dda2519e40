import json

import pytest

from pipeline.report.inputs import load_inputs
from pipeline.report.isa_bound import multiplier, share_of_bound
from pipeline.report.page import bound_sentence, cost_bars
from tests.report.repository import ROOT


def test_every_core_of_the_firmware_has_a_bound_of_its_vector_instructions():
    at_once = {"none": 1, "dsp": 2, "mve": 16}
    for core, facts in json.loads((ROOT / "firmware/cores.json").read_text()).items():
        found = multiplier(core)
        assert found is not None and found[1] == at_once[facts["simd"]], core


def test_a_loop_of_nothing_but_products_reaches_the_bound():
    assert share_of_bound("cortex-m4", 1000, 500) == 1.0
    assert share_of_bound("cortex-m55", 1600, 400) == 0.25
    assert share_of_bound("x86-64", 1000, 500) is None and share_of_bound("cortex-m4", 1000, 0) is None


@pytest.mark.usefixtures("repository")
def test_the_page_compares_each_operator_and_the_whole_with_the_bound():
    (verified,) = load_inputs(["mps2-an386"]).targets
    bars = cost_bars(verified.report.latency.layers, "instructions", verified.target.core)
    assert [bar.note for bar in bars] == ["5.09 per MAC, 10\u00a0% of the bound", ""]
    assert "147\u202f456 instructions. One inference reaches 0.27\u00a0% of it" in bound_sentence(verified)
    (host,) = load_inputs(["host-onnxruntime"]).targets
    assert bound_sentence(host) == ""
