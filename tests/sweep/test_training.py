"""DVC's experiments: what is read of them, and two networks that are really trained in its queue."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.params import Params, load_params
from pipeline.sweep.training import experiments_of, name_of, read_experiments
from tests.imports import ROOT
from tests.workspace import Workspace

PARAMS = load_params(ROOT / "params.yaml")


def row(params: dict[str, Any], accuracy: Any, name: str = "one", state: str = "success") -> dict[str, Any]:
    """One experiment as `dvc exp show --json` has it."""
    data = {
        "params": {"params.yaml": {"data": params}},
        "metrics": {"reports/quantize.json": {"data": {"accuracy": {"int8": accuracy}}}},
    }
    return {"name": name, "executor": {"state": state}, "revs": [{"rev": "5f" * 20, "data": data}]}


def changed(**changes: Any) -> dict[str, Any]:
    """params.yaml with other values in sections of its selected experiment."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for section, values in changes.items():
        params["experiments"][params["experiment"]][section].update(values)
    return params


def shown(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"rev": "workspace", "experiments": None}, {"rev": "5f" * 20, "experiments": list(rows)}]


def test_networks_of_other_widths_and_resolutions_are_known_by_their_accuracy():
    found = experiments_of(
        shown(
            row(changed(model={"width": 0.5}), 0.9, "a"),
            row(changed(model={"width": 1}, data={"image_size": 64}), 0.95, "b"),
            row(changed(), 0.8, "c", "running"),
        ),
        PARAMS,
    )
    assert found.accuracies == {(0.5, 32): 0.9, (1.0, 64): 0.95, (0.35, 32): 0.8}
    assert found.states == {"a": "success", "b": "success", "c": "running"}


@pytest.mark.parametrize(
    "other",
    [
        changed(train={"epochs": 1}),
        changed(data={"seed": 7}),
        {**changed(), "experiment": "solar"},
        {},
        {"experiment": 3},
    ],
)
def test_experiments_that_differ_in_more_are_no_networks_of_this_sweep(other: dict[str, Any]):
    assert experiments_of(shown(row(other, 0.9)), PARAMS).accuracies == {}


def test_what_has_not_ended_or_is_damaged_has_no_accuracy():
    queued = {"name": "q", "executor": {"state": "queued"}, "revs": [{"rev": "1", "data": None}]}
    nothing = {"name": "n", "executor": None, "revs": None}
    found = experiments_of(shown(queued, nothing, row(changed(), None)), PARAMS)
    assert found.accuracies == {} and found.states == {"q": "queued", "n": "", "one": "success"}


def test_a_name_stands_for_the_network_and_all_its_parameters():
    other = Params.model_validate(changed(train={"epochs": 1}))
    same = Params.model_validate(changed(model={"width": 1.4}))
    names = [name_of(PARAMS, (0.35, 32)), name_of(PARAMS, (0.5, 32)), name_of(other, (0.35, 32))]
    assert len(set(names)) == 3 and name_of(same, (0.35, 32)) == names[0]


def test_outside_a_repository_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert read_experiments(PARAMS).accuracies == {}


IDENTITY = {f"GIT_{who}_{what}": "tester@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A repository with a training of one epoch and a simple quantisation, as a commit."""
    made = Workspace.make(tmp_path_factory.mktemp("sweep"))
    quantize = {"calibration_images": 64, "rounding": "nearest", "correct_bias": False}
    params = changed(train={"epochs": 1}, data={"calibration": 64}, quantize=quantize)
    (made.folder / "params.yaml").write_text(yaml.safe_dump(params))
    command = ["git", "commit", "-qam", "A short training"]
    subprocess.run(command, cwd=made.folder, env=os.environ | IDENTITY, check=True)
    return made


def sweep(clone: Workspace, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "sweep", *arguments, "--json"],
        cwd=clone.folder,
        # The experiments must run the code of their own folders.
        env={name: value for name, value in clone.environment().items() if name != "PYTHONPATH"} | IDENTITY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["nucleo-f446re"]


@pytest.mark.slow
def test_two_networks_are_trained_in_the_queue_and_decide_the_answer(clone: Workspace):
    asked = ("--board", "nucleo-f446re", "--classes", "10", "--width", "0.1", "--width", "0.2", "--side", "32")
    before = sweep(clone, *asked)
    assert all(one["accuracy"] is None for one in before["candidates"])
    after = sweep(clone, *asked, "--train", "2", "--jobs", "2")
    accuracies = {one["width"]: one["accuracy"] for one in after["candidates"]}
    assert set(accuracies) == {0.1, 0.2} and all(0.1 <= accuracy <= 1 for accuracy in accuracies.values())
    assert after["best"]["accuracy"] == max(accuracies.values())
    # What was trained is known to a later sweep, which trains nothing.
    assert sweep(clone, *asked) == after
    assert clone.run("git", "status", "--short").stdout == ""


@pytest.mark.slow
def test_a_network_is_trained_on_a_cluster_and_is_an_experiment_of_this_repository(clone: Workspace):
    asked = ("--board", "nucleo-f446re", "--classes", "10", "--width", "0.15", "--side", "32")
    after = sweep(clone, *asked, "--train", "1", "--cluster", "local")
    (accuracy,) = {one["accuracy"] for one in after["candidates"]}
    assert 0.1 <= accuracy <= 1 and after["best"]["accuracy"] == accuracy
    assert sweep(clone, *asked) == after
    assert clone.run("git", "status", "--short").stdout == ""
    # Its data are here too; DVC also names what later stages have not made.
    clone.run("dvc", "exp", "apply", name_of(load_params(clone.folder / "params.yaml"), (0.15, 32)))
    assert clone.report("quantize")["accuracy"]["int8"] == accuracy
    assert (clone.folder / "models/model.int8.onnx").is_file()
