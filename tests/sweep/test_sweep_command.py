import json
import re
import shutil
from pathlib import Path
from typing import get_args

import pytest

from pipeline import cli
from pipeline.backends.cortex_m.libraries import MODES
from pipeline.cli.commands.sweep import Image, Library
from pipeline.targets import InputMode, Kernels
from tests.imports import ROOT
from tests.report.test_page import read, words


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "targets", tmp_path / "targets")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["sixfold", "sweep", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


SMALL = ("--width", "0.35", "--width", "1", "--side", "32", "--side", "96", "--classes", "10")


def test_the_answer_is_printed_and_drawn(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert run(monkeypatch, "--board", "nucleo-f446re", "--board", "nrf52840-dk", *SMALL) == 0
    printed = capsys.readouterr().out
    assert re.search(r"The best that fits nucleo-f446re: width 0\.35, images of 32x32, kernels cmsis-nn", printed)
    html = (repository / "site/sweep.html").read_text()
    text = words(html)
    assert "sram lacks" in text and "worth a look" in text and html.count("<svg") == 6
    assert {"board-nucleo-f446re", "board-nrf52840-dk"} <= set(read(html).ids)


def test_json_holds_every_candidate_and_the_same_bytes_again(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    pages, answers = [], []
    for _ in range(2):
        assert run(monkeypatch, "--board", "nucleo-f446re", *SMALL, "--json") == 0
        answers.append(capsys.readouterr().out)
        pages.append((repository / "site/sweep.html").read_bytes())
    assert answers[0] == answers[1] and pages[0] == pages[1]
    found = json.loads(answers[0])["nucleo-f446re"]
    assert len(found["candidates"]) == 16 and found["best"] in found["frontier"]
    assert all(one in found["candidates"] and one["fits"] and one["accuracy"] is None for one in found["frontier"])


def test_kernels_are_compared_on_the_same_networks(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    asked = ("--board", "netduino-plus-2", "--width", "0.35", "--side", "32", "--side", "96", "--classes", "10")
    assert run(monkeypatch, *asked, "--json") == 0
    found = json.loads(capsys.readouterr().out)["netduino-plus-2"]
    assert [(one["kernels"], one["input"]) for one in found["best_with"]] == [tuple(mode) for mode in MODES]
    best = {(one["kernels"], one["input"]): one["best"] for one in found["best_with"]}
    # What has no room layer by layer has some row by row; the cheaper way to take the image is the answer.
    assert best["cmsis-nn", "frame"]["side"] == 32 and best["streaming", "frame"]["side"] == 96
    assert found["best"] == best["streaming", "frame"]
    assert run(monkeypatch, *asked, "--kernels", "cmsis-nn", "--kernels", "portable", "--json") == 0
    others = json.loads(capsys.readouterr().out)["netduino-plus-2"]
    assert others["best"] == best["cmsis-nn", "frame"]
    assert others["candidates"] == [one for one in found["candidates"] if one["kernels"] != "streaming"]
    assert run(monkeypatch, *asked, "--input", "rows") == 0
    shown = capsys.readouterr().out
    assert "kernels streaming, rows" in shown and "cmsis-nn" not in shown
    text = words((repository / "site/sweep.html").read_text())
    assert "at 96\u00d796, kernels streaming, rows" in text and "cmsis-nn" not in text


def test_the_options_are_the_kernels_and_inputs_of_a_target():
    assert [one.value for one in Library] == list(get_args(Kernels))
    assert [one.value for one in Image] == list(get_args(InputMode))


def test_where_nothing_fits_the_gate_fails_and_the_page_says_so(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    wide = ("--width", "1.4", "--side", "224", "--classes", "1000")
    assert run(monkeypatch, "--board", "nucleo-f446re", *wide) == 1
    assert "no candidate suits nucleo-f446re" in capsys.readouterr().err
    assert "None of the 4 candidates fits" in words((repository / "site/sweep.html").read_text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--board", "nonsense", *SMALL), "no such target"),
        (("--board", "host-tvm", *SMALL), "backend tvm"),
        (("--board", "nucleo-f446re", "--width", "0", "--classes", "9"), "--width 0"),
        (("--board", "nucleo-f446re", "--side", "33", "--classes", "9"), "--side 33: must be a multiple of 32"),
        (("--board", "nucleo-f446re"), "give --classes"),
        (("--board", "nucleo-f446re", *SMALL, "--cluster", "local"), "--cluster: nothing is trained without --train"),
        (
            ("--board", "nucleo-f446re", *SMALL, "--input", "rows", "--kernels", "cmsis-nn", "--kernels", "streaming"),
            "--input rows: not with kernels cmsis-nn, only with streaming",
        ),
    ],
)
@pytest.mark.usefixtures("repository")
def test_wrong_usage_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
):
    assert run(monkeypatch, *arguments) == 2
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1


def test_classes_are_those_of_the_prepared_images(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    folder = repository / "data/prepared"
    folder.mkdir(parents=True)
    (folder / "dataset.json").write_text(json.dumps({"labels": ["a", "b", "c"]}))
    assert run(monkeypatch, "--board", "nucleo-f446re", "--width", "0.35", "--side", "32", "--json") == 0
    (three,) = {one["parameters"] for one in json.loads(capsys.readouterr().out)["nucleo-f446re"]["candidates"]}
    assert (
        run(monkeypatch, "--board", "nucleo-f446re", "--width", "0.35", "--side", "32", "--json", "--classes", "4") == 0
    )
    (four,) = {one["parameters"] for one in json.loads(capsys.readouterr().out)["nucleo-f446re"]["candidates"]}
    assert four - three == 1280 + 1
