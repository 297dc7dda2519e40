"""The solar cells: a stand-in for the package in fast tests, the package itself in the slow one."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.data import solar
from pipeline.data.solar import open_solar
from pipeline.errors import SixfoldError
from tests.data.folders import write_image


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = tmp_path / "elpv_dataset" / "data"
    write_image(data / "images" / "cell0001.png", 30, (300, 300))
    write_image(data / "images" / "cell0002.png", 200, (300, 300))
    write_image(data / "images" / "cell0003.png", 200, (300, 300))
    (data / "labels.csv").write_text(
        "images/cell0001.png  1.0                 mono\nimages/cell0002.png  0.3333333333333333  poly\n"
        "images/cell0003.png  0.6666666666666666  poly\n"
    )
    monkeypatch.setattr(solar, "fetch_wheel", lambda _name: tmp_path)
    return data


def test_labels_pixels_and_licence(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = open_solar(96, 1)
    assert source.classes == ("functional", "defective")
    assert [item.label for item in source.items] == [1, 0, 1]
    assert source.read(0).shape == (96, 96, 1)
    assert source.read(0).mean() < 60
    assert "CC BY-NC-SA 4.0" in capsys.readouterr().out
    assert "CC BY-NC-SA 4.0" in source.licence


@pytest.mark.parametrize("line", ["images/cell0001.png 1.0", "images/cell0001.png much mono"])
def test_a_damaged_table_is_named_with_its_line(package: Path, line: str) -> None:
    (package / "labels.csv").write_text(f"images/cell0002.png 0.0 mono\n{line}\n")
    with pytest.raises(SixfoldError, match=r"labels\.csv:2: expected"):
        open_solar(96, 1)


@pytest.mark.slow
def test_the_real_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    try:
        source = open_solar(96, 1)
    except SixfoldError as error:
        if "cannot be downloaded" not in str(error):
            raise
        pytest.skip(str(error))
    labels = np.array([item.label for item in source.items])
    assert np.bincount(labels).tolist() == [1803, 821]
    assert source.read(2623).shape == (96, 96, 1)
