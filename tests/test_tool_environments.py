"""Environments of tools: pins, making, races, running something inside. A folder of wheels stands for the registry."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import pipeline.tool_process
from pipeline.errors import SixfoldError
from pipeline.tool_environments import tool_environment, tool_environments, tool_python
from pipeline.tool_process import run_module, run_worker
from tests.wheels import sha256, write_wheel

REPOSITORY = Path(__file__).parents[1]

TOOL = """
import os, subprocess, sys, time
def main():
    command = sys.argv[1]
    if command == "fail":
        print("first"); print("reading the network"); print("error: no such operator", file=sys.stderr); sys.exit(3)
    if command == "crash":
        os.kill(os.getpid(), 11)
    if command == "hang":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open("child", "w").write(str(child.pid))
        time.sleep(60)
    if command == "where":
        print(os.getcwd()); print(__file__); print("pipeline" in sys.modules or "" in sys.path)
main()
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its only index, and an empty cache."""
    monkeypatch.setenv("SIXFOLD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return tmp_path / "index"


@pytest.fixture
def constraints(registry: Path, tmp_path: Path) -> Path:
    """A constraints file with one tool, `some-tool`, which needs `helper`."""
    wheels = {
        "some-tool": write_wheel(registry, "some_tool", {"some_tool/__init__.py": "", "some_tool/__main__.py": TOOL}),
        "helper": write_wheel(registry, "helper", {"helper.py": "VALUE = 6\n"}),
    }
    lines = [f'{name}==1.0 ; extra == "tool-some-tool" --hash=sha256:{sha256(path)}\n' for name, path in wheels.items()]
    path = tmp_path / "constraints.txt"
    path.write_text("helper==2.0 --hash=sha256:" + "0" * 64 + "\n" + "".join(lines))
    return path


@pytest.fixture
def here(constraints: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, as the file of the working directory."""
    monkeypatch.chdir(constraints.parent)
    return constraints


def test_it_is_made_once_with_exactly_its_pins(
    constraints: Path, registry: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = tool_environment("some-tool", constraints)
    assert not environment.made and environment.version == "1.0" and environment.version_of("helper") == "1.0"
    python = tool_python("some-tool", constraints)
    assert environment.made and python == environment.python
    assert capfd.readouterr().err.splitlines()[-1:] == ["making the environment of some-tool 1.0 (once)"]
    code = "import helper, sys, importlib.util as u; print(helper.VALUE, u.find_spec('numpy'), u.find_spec('pipeline'))"
    done = subprocess.run([python, "-I", "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "6 None None\n"
    for wheel in registry.iterdir():
        wheel.unlink()
    assert tool_python("some-tool", constraints) == python
    assert capfd.readouterr().err == ""


def test_another_pin_is_another_environment(constraints: Path) -> None:
    first = tool_environment("some-tool", constraints).folder
    constraints.write_text(constraints.read_text().replace("helper==1.0", "helper==1.1"))
    assert tool_environment("some-tool", constraints).folder != first


@pytest.mark.parametrize("fault", ["missing", "other hash"])
def test_what_cannot_be_made_is_one_line_and_leaves_nothing(constraints: Path, registry: Path, fault: str) -> None:
    wheel = registry / "helper-1.0-py3-none-any.whl"
    if fault == "missing":
        wheel.unlink()
    else:
        write_wheel(registry, "helper", {"helper.py": "VALUE = 7\n"})
    with pytest.raises(SixfoldError, match="tool environment some-tool: cannot be made .*check the network") as caught:
        tool_python("some-tool", constraints)
    assert "\n" not in str(caught.value)
    folder = tool_environment("some-tool", constraints).folder
    assert [path for path in folder.parent.iterdir() if path.is_dir()] == []


def test_an_unknown_name_lists_the_known_ones(constraints: Path) -> None:
    with pytest.raises(SixfoldError, match="no tool environment 'other'; there are some-tool"):
        tool_python("other", constraints)
    with pytest.raises(SixfoldError, match="holds no numpy"):
        tool_environment("some-tool", constraints).version_of("numpy")


def test_it_is_made_again_where_its_python_has_gone(constraints: Path) -> None:
    python = tool_python("some-tool", constraints)
    python.unlink()
    python.symlink_to("/no/such/python")
    assert not tool_environment("some-tool", constraints).made
    assert tool_python("some-tool", constraints).exists()


def test_two_processes_at_once_make_one(constraints: Path, capfd: pytest.CaptureFixture[str]) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=tool_python, args=("some-tool", constraints)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert capfd.readouterr().err.count("making the environment") == 1


def test_a_killed_maker_leaves_nothing_broken(constraints: Path, registry: Path, tmp_path: Path) -> None:
    """The process is killed while pip waits for an index that never answers: the next one starts from the beginning."""
    environment = tool_environment("some-tool", constraints)
    code = (
        "import sys, time; from pathlib import Path; from pipeline import tool_environments as t\n"
        "t.run_pip = lambda *arguments: time.sleep(60)\n"
        "t.tool_python('some-tool', Path(sys.argv[1]))\n"
    )
    maker = subprocess.Popen([sys.executable, "-c", code, str(constraints)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not (half := list(environment.folder.parent.glob(".some-tool*/bin/python"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    maker.kill()
    maker.wait()
    assert half and not environment.made
    tool_python("some-tool", constraints)
    assert environment.made
    assert [path for path in environment.folder.parent.iterdir() if path.is_dir()] == [environment.folder]


def test_a_module_runs_apart_from_us(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    folder = tmp_path / "work"
    folder.mkdir()
    where, module, ours = run_module("some-tool", "some_tool", ["where"], folder=folder, time_limit_s=30).splitlines()
    assert where == str(folder) and ours == "False"
    assert Path(module).is_relative_to(tool_environment("some-tool").folder)


def test_a_failure_shows_the_tools_last_lines(here: Path, tmp_path: Path) -> None:
    with pytest.raises(SixfoldError) as caught:
        run_module("some-tool", "some_tool", ["fail"], folder=tmp_path, time_limit_s=30)
    line = str(caught.value)
    assert line.startswith("some-tool: some_tool: failed with exit code 3: ") and "\n" not in line
    assert "reading the network" in line and "error: no such operator" in line
    with pytest.raises(SixfoldError, match="some_tool: ended by SIGSEGV: it printed nothing"):
        run_module("some-tool", "some_tool", ["crash"], folder=tmp_path, time_limit_s=30)


def test_what_takes_too_long_is_ended_with_its_children(here: Path, tmp_path: Path) -> None:
    tool_python("some-tool")
    with pytest.raises(SixfoldError, match="some_tool: not done after 1 s; ended"):
        run_module("some-tool", "some_tool", ["hang"], folder=tmp_path, time_limit_s=1)
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _runs(child)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A worker script, run by this environment's Python, which has numpy."""
    monkeypatch.setattr(pipeline.tool_process, "tool_python", lambda name: Path(sys.executable))
    path = tmp_path / "some_worker.py"
    path.write_text(
        "import numpy as np\n"
        "def answer(request, arrays):\n"
        "    print('talks on its output')\n"
        "    if request.get('fault'):\n"
        "        raise ValueError(request['fault'])\n"
        "    if request.get('objects'):\n"
        "        return {}, {'a': np.array([None])}\n"
        "    return {'names': sorted(arrays), 'twice': request['x'] * 2}, {k: v + v for k, v in arrays.items()}\n"
    )
    return path


def test_a_worker_gets_and_returns_values_and_arrays(worker: Path) -> None:
    arrays = {"file": np.arange(-6, 6, dtype=np.int8).reshape(3, 4), "a/empty": np.zeros((0, 2), np.float32)}
    value, returned = run_worker("any", worker, {"x": "a\u2014"}, arrays, time_limit_s=30)
    assert value == {"names": ["a/empty", "file"], "twice": "a\u2014a\u2014"}
    assert {name: array.dtype for name, array in returned.items()} == {"file": np.int8, "a/empty": np.float32}
    np.testing.assert_array_equal(returned["file"], arrays["file"] * 2)
    assert returned["a/empty"].shape == (0, 2)


def test_a_workers_failure_is_one_line(worker: Path) -> None:
    with pytest.raises(SixfoldError, match=r"any: some_worker\.py: failed with exit code 1: .*ValueError: a bad model"):
        run_worker("any", worker, {"fault": "a bad model"}, time_limit_s=30)
    with pytest.raises(SixfoldError, match="Object arrays cannot be saved"):
        run_worker("any", worker, {"objects": True}, time_limit_s=30)


def test_an_interrupted_caller_ends_the_worker(worker: Path, tmp_path: Path) -> None:
    worker.write_text(
        "import os, time\nfrom pathlib import Path\n"
        "def answer(request, arrays):\n"
        "    Path(__file__).with_name('pid').write_text(str(os.getpid()))\n"
        "    time.sleep(60)\n"
    )
    code = (
        "import sys; from pathlib import Path; import pipeline.tool_process as t\n"
        "t.tool_python = lambda name: Path(sys.executable)\n"
        "t.run_worker('any', Path(sys.argv[1]), {}, time_limit_s=60)\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", code, str(worker)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(caller.pid, signal.SIGINT)
    caller.wait(timeout=30)
    assert not _runs(int((tmp_path / "pid").read_text()))


@pytest.mark.slow
def test_the_smallest_real_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From nothing, through pip's index, by the hashes in constraints.txt; its numpy is not ours."""
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("SIXFOLD_CACHE", str(tmp_path))
    worker = tmp_path / "worker.py"
    worker.write_text(
        "import numpy as np, tflite_runtime.interpreter\n"
        "def answer(request, arrays):\n    return {'numpy': np.__version__}, arrays\n"
    )
    sent = {"codes": np.arange(6, dtype=np.int8)}
    value, returned = run_worker("tflite-runtime", worker, {}, sent, time_limit_s=60)
    assert value["numpy"] == tool_environment("tflite-runtime").version_of("numpy") != np.__version__
    np.testing.assert_array_equal(returned["codes"], sent["codes"])


def test_the_repositorys_environments_have_their_main_package() -> None:
    for environment in tool_environments(REPOSITORY / "constraints.txt"):
        assert environment.version
