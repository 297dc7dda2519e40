"""Deployment of the folders whose runtime pip installs on the board: LiteRT's for a Pi 4, ONNX Runtime's for a Pi 5."""

import json
import shutil
from dataclasses import replace

import pytest

from pipeline.backends import load_backend
from pipeline.cli.flash import flash_target
from pipeline.deploy import ssh
from pipeline.errors import GateFailedError
from pipeline.targets import load_target
from tests.backends.linux.test_folder import METADATA
from tests.deploy.ssh_server import start_server
from tests.deploy.test_deploy import current, version
from tests.graph.graphs import small_mobilenet
from tests.imports import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["raspberry-pi-4-litert", "raspberry-pi-5-onnxruntime"])
def target(request):
    return load_target(request.param)


@pytest.fixture(scope="module")
def artefact(target, tmp_path_factory):
    folder = tmp_path_factory.mktemp("build") / "artefact"
    folder.mkdir()
    graph = replace(small_mobilenet(5, channels=3), metadata=METADATA)
    load_backend(target.backend).compile_graph(graph, target, folder)
    return folder


@pytest.fixture(scope="module")
def engine(artefact):
    return json.loads((artefact / "model.json").read_text())["engine"]


@pytest.fixture(scope="module")
def server(target, engine, tmp_path_factory):
    running = start_server(tmp_path_factory.mktemp("board"), str(target.runner.machine), tuple(engine["tools"]))
    yield running
    running.stop()


@pytest.fixture
def workplace(tmp_path, monkeypatch, target, artefact):
    folder = tmp_path / "artifacts" / target.name
    shutil.copytree(artefact, folder)
    monkeypatch.chdir(tmp_path)
    return folder


def test_versions_are_tested_there_and_switched_and_a_wrong_one_is_refused(server, target, workplace, capsys):
    board = server.home / "sixfold" / target.name
    first = version(workplace, 1)
    answer = ssh.deploy(target, server.address())
    assert (answer["codes"], answer["different"]) == (40, 0)
    assert answer["machine"].endswith("aarch64")
    assert answer["latency"]["repeats"] == 100
    assert current(board) == first
    for path in (path for path in workplace.rglob("*") if path.is_file()):
        assert (board / "current" / path.relative_to(workplace)).read_bytes() == path.read_bytes()

    second = version(workplace, 2)
    shutil.copytree(ROOT / "targets", "targets")
    address = server.address()
    host = f"{address.user}@{address.host}:{address.port}"
    flash_target(target.name, host=host, identity=address.identity, known_hosts=address.known_hosts)
    assert "40 codes of the self-test, none differs" in capsys.readouterr().out
    assert current(board) == second

    codes = workplace / "selftest/codes.bin"
    codes.write_bytes(bytes([codes.read_bytes()[0] ^ 1]) + codes.read_bytes()[1:])
    with pytest.raises(GateFailedError, match=r"1 of 40 codes differ on the board; nothing was switched"):
        ssh.deploy(target, server.address())
    assert current(board) == second
    assert {path.name for path in (board / "releases").iterdir()} == {first, second}


def test_a_board_without_the_runtime_is_told_what_to_install(target, engine, workplace, tmp_path_factory):
    bare = start_server(tmp_path_factory.mktemp("bare"), str(target.runner.machine), packages=())
    try:
        wanted = f"install it here: python3 -m pip install {' '.join(engine['requirements'])}; nothing was switched"
        with pytest.raises(GateFailedError) as caught:
            ssh.deploy(target, bare.address())
    finally:
        bare.stop()
    assert str(caught.value).endswith(wanted)
    board = bare.home / "sixfold" / target.name
    assert not (board / "current").exists()
    assert list((board / "releases").iterdir()) == []
