"""Every command block of the documentation runs, or its page says why it cannot."""

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.docs.blocks import Block, blocks
from tests.imports import ROOT
from tests.workspace import Workspace

PAGES = [
    path.relative_to(ROOT)
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "firmware/README.md")
]
BLOCKS = [block for page in PAGES for block in blocks(page, ROOT)]
COMMANDS = [block for block in BLOCKS if block.language == "sh"]
RUN = [page for page in PAGES if any(block.page == page and block.kind != "not run:" for block in COMMANDS)]
#: A block without a language is output, a picture or a listing.
LANGUAGES = {"", "sh", "yaml", "c", "cpp", "json", "python", "toml"}


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_says_what_it_is(block: Block):
    assert block.language in LANGUAGES
    if block.language == "":
        assert not block.text.startswith(("$ ", "sixfold ", "make ", "dvc ")), "commands are marked sh"


def test_most_blocks_run():
    assert len(RUN) >= 10
    assert sum(block.kind == "not run:" for block in COMMANDS) < len(COMMANDS) / 2


@pytest.fixture(scope="module")
def photos(built: Workspace, tmp_path_factory) -> Path:
    """Twenty test images as files, one folder a class."""
    folder = tmp_path_factory.mktemp("photos")
    prepared = built.folder / "data/prepared"
    images, labels = np.load(prepared / "test.images.npy")[:20], np.load(prepared / "test.labels.npy")[:20]
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / str(label)).mkdir(exist_ok=True)
        Image.fromarray(np.squeeze(image)).save(folder / str(label) / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def accepted(built: Workspace, photos: Path, tmp_path_factory) -> Path:
    """A copy of the workspace with `photos/` and `photo.png` in it, its results accepted as baselines."""
    folder = tmp_path_factory.mktemp("accepted") / "sixfold"
    shutil.copytree(built.folder, folder, symlinks=True)
    shutil.copytree(photos, folder / "photos")
    shutil.copyfile(next(photos.glob("*/*.png")), folder / "photo.png")
    # Another processor may train to other weights than those that the committed baselines are about.
    assert Workspace(folder).run("sixfold", "check", "--update").returncode == 0
    return folder


def run_script(script: str, workspace: Workspace, output: Path) -> tuple[int, str]:
    """Exit status and output of a script; what it leaves running in the background ends with it."""
    with output.open("w") as file:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=workspace.folder,
            env=workspace.environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(timeout=600)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return status, output.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN, ids=str)
def test_the_commands_of_a_page_run_one_after_the_other(page: Path, accepted: Path, tmp_path):
    """In a copy of a workspace where `dvc repro` ran, with `photos/` and `photo.png` beside it."""
    folder = tmp_path / "sixfold"
    shutil.copytree(accepted, folder, symlinks=True)
    workspace = Workspace(folder)
    for block in (block for block in BLOCKS if block.page == page):
        if block.kind == "write":
            (folder / block.rest).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.rest).write_text(block.text)
        elif block.language == "sh" and block.kind != "not run:":
            status, output = run_script(block.script(), workspace, tmp_path / "output")
            assert status == 0, f"{block}: {output[-4000:]}"
