import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SixfoldError
from pipeline.files import atomic_file, atomic_folder, read_json, sha256_file, write_json


def test_a_file_appears_whole_and_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "result"
    with atomic_file(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
    assert path.read_text() == "half" and path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "result"
    path.write_text("before")
    with pytest.raises(failure), atomic_file(path) as temporary:
        temporary.write_text("half")
        raise failure
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_line_and_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "result"
    path.write_text("before")
    with (
        pytest.raises(SixfoldError, match=r"result: cannot be written \(No space left"),
        atomic_file(path) as temporary,
    ):
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_disk_that_really_is_full(tmp_path: Path) -> None:
    with pytest.raises(SixfoldError, match="No space left"), atomic_file(tmp_path / "result") as temporary:
        temporary.unlink()
        temporary.symlink_to("/dev/full")
        temporary.write_text("half")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["atomic_file", "atomic_folder"])
def test_a_killed_process_leaves_what_was_there(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "result"
    if kind == "atomic_file":
        path.write_text("before")
    else:
        path.mkdir()
        (path / "part").write_text("before")
    code = (
        "import os, signal, sys; from pathlib import Path; from pipeline import files\n"
        f"with files.{kind}(Path(sys.argv[1])) as temporary:\n"
        "    target = temporary if temporary.is_file() else temporary / 'part'\n"
        "    target.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (path if path.is_file() else path / "part").read_text() == "before"


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for writer in (atomic_file, atomic_folder):
        with pytest.raises(SixfoldError, match="cannot be written"), writer(tmp_path / "file" / "result"):
            pytest.fail("the block must not run")


def test_a_folder_replaces_the_one_before_whole(tmp_path: Path) -> None:
    path = tmp_path / "artefact"
    for name in ("first", "second"):
        with atomic_folder(path) as temporary:
            (temporary / name).write_text(name)
    assert [file.name for file in path.iterdir()] == ["second"] and path.stat().st_mode & 0o777 == 0o755
    with pytest.raises(RuntimeError), atomic_folder(path) as temporary:
        (temporary / "third").write_text("half")
        raise RuntimeError
    assert [file.name for file in path.iterdir()] == ["second"] and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_while_a_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "artefact"
    with pytest.raises(SixfoldError, match="artefact: cannot be written"), atomic_folder(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_json_comes_back_and_equal_values_are_equal_bytes(tmp_path_factory: pytest.TempPathFactory, value) -> None:
    folder = tmp_path_factory.getbasetemp()
    write_json(folder / "a.json", value)
    assert read_json(folder / "a.json") == value
    shuffled = dict(reversed(value.items())) if isinstance(value, dict) else value
    write_json(folder / "b.json", shuffled)
    assert sha256_file(folder / "a.json") == sha256_file(folder / "b.json")


def test_a_number_that_json_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", json.dumps({"a": 1}).encode()[:-1]])
def test_damaged_json_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(SixfoldError, match=r"a\.json: not readable JSON") as caught:
        read_json(path)
    assert "\n" not in str(caught.value)


def test_missing_json_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(SixfoldError, match="not found; run `dvc repro`"):
        read_json(tmp_path / "a.json")
