"""The table of verifications: read from folders as the pipeline leaves them, and refused where they do not fit."""

import json
from dataclasses import replace

import pytest

from benchmarks.verified.collect import collect, compared_targets
from benchmarks.verified.results import DOCS_FILE, table, update_docs
from pipeline.errors import SixfoldError
from pipeline.files import sha256_file
from pipeline.graph.qdq import int8_qdq
from pipeline.report.markdown import markers
from tests.graph.graphs import small_mobilenet
from tests.imports import ROOT

TARGETS = ["host-tvm", "raspberry-pi-4", "raspberry-pi-4-litert", "raspberry-pi-5-onnxruntime"]


@pytest.fixture(autouse=True)
def _in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


def network(folder, name, mismatched=0):
    """A folder with a model and a report of every target."""
    for part in ("models", "reports", "data/prepared"):
        (folder / part).mkdir(parents=True)
    model = folder / "models/model.int8.onnx"
    graph = replace(small_mobilenet(1), metadata={"name": name})
    model.write_bytes(int8_qdq(graph).SerializeToString(deterministic=True))
    (folder / "data/prepared/dataset.json").write_text(json.dumps({"source": name, "labels": ["a"], "counts": {}}))
    for target in compared_targets():
        change(folder, target.name, lambda _, target=target: report(target, sha256_file(model), mismatched))
    return folder


def report(target, sha256, mismatched):
    parity = {"reference": target.reference, "samples": 200, "elements": 2000, "mismatched": mismatched}
    return {"target": target.name, "model": {"sha256": sha256}, "parity": {**parity, "max_lsb": int(mismatched > 0)}}


def change(folder, target, edit):
    path = folder / "reports" / f"{target}.json"
    path.write_text(json.dumps(edit(json.loads(path.read_text()) if path.is_file() else None)))


def test_every_linux_target_is_compared():
    assert {target.name for target in compared_targets()} >= {*TARGETS}
    assert not {"mps2-an386", "host-litert"} & {target.name for target in compared_targets()}


def test_a_line_a_target_and_a_column_a_network(tmp_path):
    results = collect([network(tmp_path / "one", "digits"), network(tmp_path / "two", "solar", 3)])
    head, _, *lines = table(results).splitlines()
    assert head == "| Target | Must equal | digits, 16\u00d716\u00d71 | solar, 16\u00d716\u00d71 |"
    assert [line.split("`")[1] for line in lines] == [target.name for target in compared_targets()]
    for line in lines:
        assert "| 0 of 2\u202f000 codes; 200 images |" in line
        assert "| 3 of 2\u202f000 codes, at most 1 LSB; 200 images |" in line


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda found: {**found, "model": {"sha256": "0"}},
            r"raspberry-pi-4.json: is of another model than .*int8.onnx",
        ),
        (
            lambda found: {**found, "parity": {**found["parity"], "reference": "xnnpack"}},
            r"raspberry-pi-4.json: was compared with xnnpack, not float",
        ),
        (lambda found: {**found, "parity": {**found["parity"], "samples": None}}, r"raspberry-pi-4.json: samples"),
    ],
)
def test_a_report_that_does_not_fit_is_named(tmp_path, edit, message):
    folder = network(tmp_path / "one", "digits")
    change(folder, "raspberry-pi-4", edit)
    with pytest.raises(SixfoldError, match=message):
        collect([folder])


def test_what_was_not_verified_is_a_dash(tmp_path):
    folders = [network(tmp_path / "one", "digits"), network(tmp_path / "two", "solar")]
    (folders[1] / "reports/raspberry-pi-5.json").unlink()
    (line,) = (line for line in table(collect(folders)).splitlines() if "`raspberry-pi-5`" in line)
    assert line == "| `raspberry-pi-5` | `float` | 0 of 2\u202f000 codes; 200 images | \u2014 |"


def test_a_data_set_that_comes_twice_is_named(tmp_path):
    folders = [network(tmp_path / name, "digits") for name in ("one", "two")]
    with pytest.raises(SixfoldError, match=r"two: another folder has data set digits too"):
        collect(folders)


def test_the_page_has_a_place_for_the_table(tmp_path):
    begin, end = markers("verified")
    page = tmp_path / "page.md"
    page.write_text((ROOT / DOCS_FILE).read_text())
    results = collect([network(tmp_path / "one", "digits")])
    update_docs(results, page)
    assert f"{begin}\n{table(results)}{end}" in page.read_text()
