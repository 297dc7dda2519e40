import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from benchmarks.results import BoardRow, read_results, write_results
from pipeline.errors import SixfoldError
from tests.benchmarks.rows import BOARD, results


def test_a_board_row_has_the_fields_of_the_design_and_no_other() -> None:
    assert BoardRow(**BOARD).model_dump(mode="json") == BOARD


@pytest.mark.parametrize(
    "change",
    [
        {"kernels": "fast"},
        {"input": "tiles"},
        {"instructions": 0},
        {"ram_bytes": None},
        {"mismatched": -1},
        {"ms": 1.0},
    ],
)
def test_what_the_schema_does_not_have_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BoardRow(**BOARD | change)


def test_rows_are_written_sorted_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    write_results(results(), path)
    first = path.read_bytes()
    read = read_results(path)
    assert [row.core for row in read.boards] == ["cortex-m4", "cortex-m7"]
    assert [row.runtime for row in read.host] == ["onnxruntime", "openvino"]
    assert [row.name for row in read.networks] == ["a", "mbv2-035-96"]
    write_results(read, path)
    assert path.read_bytes() == first


def test_missing_results_name_the_command(tmp_path: Path) -> None:
    with pytest.raises(SixfoldError, match=r"bench\.json: not found; run `make bench`"):
        read_results(tmp_path / "bench.json")


def test_damaged_results_name_the_field(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    write_results(results(), path)
    content = json.loads(path.read_text())
    del content["boards"][1]["macs"]
    path.write_text(json.dumps(content))
    with pytest.raises(SixfoldError, match=r"bench\.json: boards\.1\.macs: missing"):
        read_results(path)
