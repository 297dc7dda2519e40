"""The files that GitHub, GitLab and pre-commit read: valid by their schemas, and their commands run."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from pipeline.gate.check import update_baselines
from pipeline.params import load_params
from pipeline.tool_environments import tool_python
from tests.gate.repository import BOARD, HOST, OTHER_HOST, Repository
from tests.imports import ROOT

GITHUB = Path(".github/workflows/sixfold.yml")
GITLAB = Path(".gitlab-ci.yml")
CONFIG = Path(".pre-commit-config.yaml")
HOOKS = Path(".pre-commit-hooks.yaml")
ENVIRONMENT = "check-jsonschema"


def read(path: Path) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


GITHUB_STEPS = read(GITHUB)["jobs"]["gate"]["steps"]
GITLAB_JOB = read(GITLAB)["gate"]


def environment(**variables: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **variables}


def shell(command: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Only the verified targets are enabled, and their results are accepted."""
    made = Repository(tmp_path)
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    params["targets"] = {name: params["targets"][name] for name in (BOARD, HOST, OTHER_HOST)}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    assert set(load_params(tmp_path / "params.yaml").targets) == {BOARD, HOST, OTHER_HOST}
    update_baselines([], tmp_path)
    return made


def spoil(repository: Repository) -> None:
    repository.edit(BOARD, lambda report: report["memory"].update(ram_bytes=report["memory"]["ram_bytes"] + 1))


def test_github_compares_and_shows_the_summary(repository):
    (compare,) = (step for step in GITHUB_STEPS if step.get("name") == "Compare with the baselines")
    for status, shown in ((0, "as its baseline"), (1, "| **failed** | ram |")):
        done = shell(compare["run"], repository.root, GITHUB_STEP_SUMMARY=str(repository.root / "summary.md"))
        assert done.returncode == status, done.stderr
        assert shown in repository.path("summary.md").read_text()
        assert ET.parse(repository.path("gate.xml")).getroot().get("name") == "sixfold check"
        spoil(repository)
    (upload,) = (step for step in GITHUB_STEPS if step.get("uses", "").startswith("actions/upload-artifact@"))
    assert "gate.xml" in upload["with"]["path"].split()


def test_gitlab_compares_and_keeps_its_results(repository):
    compare = GITLAB_JOB["script"][-1]
    for status in (0, 1):
        assert shell(compare, repository.root).returncode == status
        for name in (GITLAB_JOB["artifacts"]["reports"]["junit"], "summary.md"):
            assert repository.path(name).is_file() and name in GITLAB_JOB["artifacts"]["paths"]
        spoil(repository)


def test_both_have_the_whole_history_in_the_same_image():
    (checkout,) = (step for step in GITHUB_STEPS if step.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"]["fetch-depth"] == 0 and GITLAB_JOB["variables"]["GIT_DEPTH"] == "0"
    assert read(GITHUB)["jobs"]["gate"]["container"] == GITLAB_JOB["image"] == "debian:12"


def test_their_set_up_is_that_of_the_makefile():
    (setup,) = (step["run"] for step in GITHUB_STEPS if step.get("name") == "Set up")
    for lines in (setup.splitlines(), GITLAB_JOB["before_script"]):
        commands = [line for line in lines if line.startswith("make ")]
        assert commands == ["make setup"]
    dry = subprocess.run(["make", "--dry-run", "setup"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert dry.returncode == 0, dry.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ["check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(GITHUB)],
        ["check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", str(GITLAB)],
        ["pre_commit", "validate-config", str(CONFIG)],
        ["pre_commit", "validate-manifest", str(HOOKS)],
    ],
    ids=lambda arguments: arguments[-1],
)
def test_each_file_is_valid(arguments):
    done = subprocess.run(
        [tool_python(ENVIRONMENT), "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def committed(folder: Path) -> str:
    """Make a folder a Git repository with all that is in it; return the commit."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "all")
    return git(folder, "rev-parse", "HEAD")


def pre_commit(folder: Path, cache: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [tool_python(ENVIRONMENT), "-m", "pre_commit", "run", "--all-files", "--color=never", *arguments],
        cwd=folder,
        env=environment(PRE_COMMIT_HOME=str(cache)),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_hook_in_another_repository(repository, tmp_path_factory):
    hooks = tmp_path_factory.mktemp("hooks")
    (hooks / HOOKS).write_text((ROOT / HOOKS).read_text())
    entry = {"repo": str(hooks), "rev": committed(hooks), "hooks": [{"id": "sixfold-check"}]}
    repository.path(str(CONFIG)).write_text(yaml.safe_dump({"repos": [entry]}))
    committed(repository.root)
    cache = tmp_path_factory.mktemp("cache")
    passed = pre_commit(repository.root, cache, "--hook-stage", "pre-push")
    assert passed.returncode == 0 and "regression gate" in passed.stdout and "Passed" in passed.stdout
    spoil(repository)
    failed = pre_commit(repository.root, cache, "--hook-stage", "pre-push")
    assert failed.returncode == 1 and f"failed: {BOARD}: ram" in failed.stdout
    assert "regression gate" not in pre_commit(repository.root, cache).stdout, "a commit waits for nothing"


@pytest.mark.slow
def test_the_hooks_of_this_repository(repository, tmp_path_factory):
    for name in (CONFIG, Path("pyproject.toml")):
        repository.path(str(name)).write_text((ROOT / name).read_text())
    repository.path(".venv").symlink_to(Path(sys.executable).parent.parent)
    repository.write(".gitignore", b"/.venv\n")
    repository.write("tidy.py", b'"""A tidy module."""\n')
    committed(repository.root)
    cache = tmp_path_factory.mktemp("cache")
    for stage in ("pre-commit", "pre-push"):
        done = pre_commit(repository.root, cache, "--hook-stage", stage)
        assert done.returncode == 0, done.stdout
    repository.write("tidy.py", b'"""An untidy module."""\nimport os\nx   = 1\n')
    spoil(repository)
    untidy = pre_commit(repository.root, cache).stdout
    assert "F401" in untidy and "1 file would be reformatted" in untidy
    assert f"failed: {BOARD}: ram" in pre_commit(repository.root, cache, "--hook-stage", "pre-push").stdout
