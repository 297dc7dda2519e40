from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest

import calibration.equalisation
import calibration.rounding
from benchmarks.quantisation import own, suite
from benchmarks.quantisation.method import Method, Quantised
from benchmarks.quantisation.own import ALL_METHODS, NO_METHOD, SWITCHES, ablation, curve, ours
from benchmarks.quantisation.problem import Problem
from benchmarks.quantisation.store import Store
from benchmarks.quantisation.suite import Parts, planned, run
from pipeline.errors import SixfoldError
from tests.benchmarks.quantisation.made_up import problem


@pytest.fixture(autouse=True)
def _small_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration.equalisation, "ITERATIONS", 20)
    monkeypatch.setattr(calibration.rounding, "SCALE_FACTORS", (1.0, 0.9))


@pytest.fixture(scope="module")
def toy() -> Problem:
    return problem()


def counted(method: Method, made: list[str]) -> Method:
    def quantise(given: Problem, images: int) -> Quantised:
        made.append(method.name)
        return method.quantise(given, images)

    return replace(method, quantise=quantise)


def plan_of(*entries: tuple[str, Method]) -> Any:
    return lambda _problem, _parts: list(entries)


def test_the_plan_has_every_method_alone_and_left_out_once(toy: Problem) -> None:
    rows = ablation(66)
    assert len(rows) == 2 * len(SWITCHES) + 3
    assert len({str(row.decides) for row in rows}) == len(rows)
    assert {row.decides["options"]["rounding"] for row in rows} == {"nearest", "hessian"}
    assert [row.images for row in curve(66)] == [0, 1, 16, 64, 66]
    assert [row.images for row in curve(16)] == [0, 1, 16]
    tables = [table for table, _ in planned(toy, Parts(ablation=True, curve=True))]
    assert set(tables) == {"comparison", "ablation", "curve"}
    assert {table for table, _ in planned(toy, Parts())} == {"comparison"}


def test_a_finished_row_is_not_measured_again(toy: Problem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    method = counted(ours("ours", 66, ALL_METHODS, ("fixed-point", "float", "onnxruntime")), made)
    monkeypatch.setattr(suite, "planned", plan_of(("comparison", method)))
    monkeypatch.setattr(suite, "_small", lambda given: given)
    first = run(toy, Parts(), lambda _text: None, tmp_path)
    assert made == ["ours"]
    assert [row.computed_by for row in first.rows] == ["fixed-point", "float", "onnxruntime"]
    assert all(row.sqnr_db is not None and row.sqnr_db > 15 for row in first.rows)
    assert run(toy, Parts(), lambda _text: None, tmp_path) == first
    assert made == ["ours"]
    # Another option, image or metadata is another row; a peer does not read metadata.
    peer = replace(method, reads_metadata=False)
    for place in ("file", "node"):
        told = onnx.ModelProto.FromString(toy.model)
        (told if place == "file" else told.graph.node[0]).metadata_props.add(key="sixfold.more", value="1")
        rich = replace(toy, model=told.SerializeToString())
        assert Store(toy, tmp_path)._key(method) != Store(rich, tmp_path)._key(method)
        assert Store(toy, tmp_path)._key(peer) == Store(rich, tmp_path)._key(peer)
    other = problem()
    other.calibration[0, 0, 0, 0] ^= 1
    for given, chosen in ((toy, counted(ours("none", 66, NO_METHOD), made)), (other, method)):
        before = len(made)
        Store(given, tmp_path).quantised(chosen)
        assert len(made) == before + 1


def test_what_cannot_be_run_is_a_row_that_says_so(
    toy: Problem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_problem: Problem, _images: int) -> Quantised:
        raise SixfoldError("tool environment x: cannot be made")

    def broken(_problem: Problem, _images: int) -> Quantised:
        raise ZeroDivisionError("theirs")

    entries = [("comparison", Method(name, 66, {"name": name}, call)) for name, call in (("a", missing), ("b", broken))]
    monkeypatch.setattr(suite, "planned", plan_of(*entries, ("comparison", ours("ours", 66, NO_METHOD))))
    monkeypatch.setattr(suite, "_times", lambda _store: [])
    found = run(toy, Parts(), lambda _text: None, tmp_path)
    assert [row.method for row in found.rows] == ["ours"]
    assert [(row.method, row.reason) for row in found.missing] == [
        ("a", "tool environment x: cannot be made"),
        ("b", "ZeroDivisionError('theirs')"),
    ]


def test_methods_that_share_images_share_their_statistics(toy: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    observed: list[int] = []
    real = own.observe

    def observe(network: Any, images: Any, *rest: Any) -> Any:
        observed.append(len(images))
        return real(network, images, *rest)

    own._observed.cache_clear()
    monkeypatch.setattr(own, "observe", observe)
    results = [method.quantise(toy, method.images) for method in (ours("a", 66, NO_METHOD), ours("b", 66, ALL_METHODS))]
    assert observed == [66]
    assert results[0].model != results[1].model
    assert all(result.seconds > 0 and result.cpu_seconds > 0 for result in results)


def test_modules_that_only_synthetic_images_need_decide_nothing_where_there_are_enough() -> None:
    enough, few = set(own._sources(64)), set(own._sources(63))
    assert few - enough == set(own.SYNTHESIS)
    assert "calibration/rounding.py" in enough
    assert not few & set(own.REPORTING)
