"""`sixfold build`: compiles one target and says what came of it."""

from pathlib import Path
from typing import Any

from pipeline.cli.output import print_json, prose_to_stderr
from pipeline.files import sha256_file
from pipeline.paths import artefact_folder
from pipeline.report.format import size
from pipeline.stages import compile as stage


def build_target(name: str, as_json: bool = False) -> None:
    """Build target `name` and print its files, as a line or with size and SHA-256 each as JSON."""
    with prose_to_stderr(as_json):
        stage.compile_target(name)
    folder = artefact_folder(name)
    files = _files(folder)
    if as_json:
        print_json({"target": name, "folder": folder.as_posix(), "files": files})
    else:
        print(f"{name}: {len(files)} files, {size(sum(file['bytes'] for file in files.values()))}, in {folder}")


def _files(folder: Path) -> dict[str, dict[str, Any]]:
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256_file(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
