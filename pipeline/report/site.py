"""The report as a folder that needs no network: its pages and the pictures on them."""

from pathlib import Path

from pipeline.files import atomic_file, atomic_folder
from pipeline.report.artefacts import artefact_files
from pipeline.report.confusion import confusion
from pipeline.report.history import read_history
from pipeline.report.inputs import ReportInputs
from pipeline.report.page import render_history, render_page, render_profiles
from pipeline.report.pictures import FOLDER, write_pictures

SITE = Path("site")
PAGE = SITE / "index.html"
#: Apart from the page: it changes with every commit, and the page only with the results.
HISTORY = SITE / "history.html"
#: Apart from the page: no stage makes what it shows.
PROFILES = SITE / "profiles.html"


def write_site(inputs: ReportInputs, experiment: str, root: Path = Path()) -> None:
    """Write the site of the repository at `root`; what an earlier report left is replaced.

    Args:
        inputs: what it is made of.
        experiment: the one that params.yaml selects.
        root: the repository.

    Raises:
        SixfoldError: the prepared data set is damaged, or the site cannot be written.
    """
    mistakes = confusion(inputs.confusion, inputs.labels).pairs
    with atomic_folder(root / SITE / FOLDER) as folder:
        pictures = write_pictures(inputs, mistakes, root, folder)
    names = [verified.target.name for verified in inputs.targets]
    artefacts = {name: files for name in names if (files := artefact_files(name, root))}
    with atomic_file(root / PAGE) as temporary:
        temporary.write_text(render_page(inputs, experiment, pictures, artefacts), encoding="utf-8")
    with atomic_file(root / PROFILES) as temporary:
        temporary.write_text(render_profiles(inputs, experiment), encoding="utf-8")
    with atomic_file(root / HISTORY) as temporary:
        temporary.write_text(render_history(read_history(inputs, root), experiment), encoding="utf-8")
