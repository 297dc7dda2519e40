"""The file of measured schedules."""

import pytest

from pipeline.backends.tvm import tuning
from pipeline.backends.tvm.isa import INSTRUCTION_SETS
from pipeline.backends.tvm.plan import Plan
from pipeline.backends.tvm.schedule import Schedule
from pipeline.errors import SixfoldError
from pipeline.files import write_json
from tests.backends.tvm.kernels import HERE
from tests.graph.graphs import small_mobilenet

AVX2 = INSTRUCTION_SETS["avx2"]


def test_schedules_survive_the_file_sorted(tmp_path):
    schedules = {"b": Schedule(4, 2, "channels"), "a": Schedule(1, 7)}
    tuning.save_schedules(AVX2, schedules, tmp_path)
    assert tuning.load_schedules(AVX2, tmp_path) == schedules
    text = (tmp_path / "avx2.json").read_text()
    assert text.index('"a"') < text.index('"b"')


def test_nothing_measured_is_no_error(tmp_path):
    assert tuning.load_schedules(AVX2, tmp_path) == {}


@pytest.mark.parametrize("entry", [{"pixels": 0, "blocks": 1, "order": "pixels"}, {"pixels": 1, "blocks": 1}])
def test_a_damaged_file_names_the_field(tmp_path, entry):
    write_json(tmp_path / "avx2.json", {"schedules": {"k": entry}})
    with pytest.raises(SixfoldError, match=r"avx2\.json: schedules\.k\.(pixels|order)"):
        tuning.load_schedules(AVX2, tmp_path)


def test_kernels_of_one_shape_share_a_measurement():
    graph = small_mobilenet(0)
    keys = [step.tunable.key for step in Plan(graph, AVX2).kernels() if step.tunable]
    assert set(tuning.unmeasured(graph, AVX2, tuning.FOLDER / "none")) == set(keys)


@pytest.mark.slow
def test_an_interrupted_tuning_goes_on_where_it_stopped(monkeypatch, tmp_path):
    isa = HERE[-1]
    graph = small_mobilenet(0, resolution=5)
    measured = []

    def seconds(plan, kernel, isa, schedule):
        if len(measured) == 3 and kernel.tunable.key not in measured:
            raise KeyboardInterrupt
        if kernel.tunable.key not in measured:
            measured.append(kernel.tunable.key)
        return schedule.pixels

    monkeypatch.setattr(tuning, "_seconds", seconds)
    with pytest.raises(KeyboardInterrupt):
        tuning.tune(graph, isa, tmp_path)
    assert set(tuning.load_schedules(isa, tmp_path)) == set(measured)
    left = len(tuning.unmeasured(graph, isa, tmp_path))
    monkeypatch.undo()
    # One real measurement of each remaining shape's candidates would take long: two candidates show that it works.
    monkeypatch.setattr("pipeline.backends.tvm.plan.candidates", lambda *_: [Schedule(1, 1), Schedule(2, 1)])
    assert tuning.tune(graph, isa, tmp_path) == left
    assert tuning.unmeasured(graph, isa, tmp_path) == {}
