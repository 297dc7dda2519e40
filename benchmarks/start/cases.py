"""Every command of `sixfold` in the three ways in which it starts, and the project that it starts in.

A command has started when it has something to say or to do:

- `help`: the help is printed,
- `refusal`: a wrong argument, or something that is not there, is answered with an error,
- `work`: all arguments are in order, and the first of the files that the command works on is opened (the model, an
  image, a firmware, a report); a command that works on none is timed to its end,
- `completion`: the shell has its suggestions.

What is slow to import and only needed for the work (PyTorch, ONNX Runtime, Matplotlib, an SSH library, ...) is imported
after that, so it must not be imported before.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pipeline.cli.app import COMMANDS
from pipeline.params import load_params
from pipeline.paths import FLOAT_MODEL, INT8_MODEL, artefact_folder, target_report
from pipeline.report.inputs import DATASET_FILE
from pipeline.targets import TARGETS_FOLDER

Kind: TypeAlias = Literal["help", "refusal", "work", "completion"]

_EMULATED = "mps2-an386"
_REAL = "nucleo-f446re"
_LINUX = "raspberry-pi-4"
_TUNED = "host-tvm"
_PHOTOS = "photos"
_PHOTO = "photos/cat/one.png"
_FOREIGN = "theirs.tflite"
_MODEL = INT8_MODEL.as_posix()

#: An option that no command has.
_NO_OPTION = "--none"

#: What else each command refuses: a value that means nothing, and in a project where nothing is built yet all that is
#: missing.
_REFUSED: dict[str, tuple[tuple[str, ...], ...]] = {
    "targets": (("--core", "none"), ("--params", "none")),
    "doctor": (),
    "init": (("no-folder",),),
    "new-target": (("mine", "--like", "none"), (_REAL, "--like", _LINUX), ("mine", "--core", "none", "--json")),
    "build": (("none",), (_EMULATED,)),
    "verify": (("none",), (_EMULATED,), (_EMULATED, "--data", "no-folder")),
    "run": (("none", _PHOTO), (_EMULATED, _PHOTO), ("none", "--watch", "no-folder"), (_EMULATED,)),
    "diff": (("none",), (_EMULATED,)),
    "export": (("tflm", "project"), ("none", "project")),
    "import": (("no-file.tflite",), (_FOREIGN, "--mean", "x", "--std", "1")),
    "tune": (("none",), (_EMULATED,), (_TUNED,)),
    "flash": (("none",), (_REAL,), (_EMULATED,), (_LINUX,)),
    "profile": (("none",), (_EMULATED,)),
    "evaluate": (("--data", "no-folder"), ()),
    "check": (("none",),),
    "report": (),
    "sweep": (("--board", "none"), ("--board", _REAL, "--side", "33"), ()),
}

#: Arguments that are in order, and what is then opened first.
_WORK: dict[str, tuple[tuple[tuple[str, ...], str], ...]] = {
    "targets": (((), ""), (("--json",), ""), (("--params", _LINUX), "")),
    "doctor": (((), ""),),
    "init": (((_PHOTOS, "--yes"), _PHOTOS),),
    "new-target": ((("mine", "--like", _LINUX), ""),),
    "build": (((_EMULATED,), _MODEL), ((_TUNED,), _MODEL)),
    "verify": (((_EMULATED,), _MODEL), ((_TUNED,), _MODEL), ((_EMULATED, "--data", _PHOTOS), _MODEL)),
    "run": (((_EMULATED, _PHOTO), _MODEL), ((_EMULATED, "--watch", _PHOTOS), _MODEL)),
    "diff": (((_EMULATED,), _MODEL), ((_EMULATED, _PHOTO), _MODEL)),
    "export": ((("tflm", "project"), _MODEL),),
    "import": (((_FOREIGN,), _FOREIGN),),
    "tune": (((_TUNED,), _MODEL),),
    "flash": (
        ((_REAL,), artefact_folder(_REAL).as_posix()),
        ((_LINUX, "--host", "pi@localhost"), artefact_folder(_LINUX).as_posix()),
    ),
    "profile": (((_EMULATED,), _MODEL),),
    "evaluate": ((("--data", _PHOTOS), FLOAT_MODEL.as_posix()),),
    "check": (((), "baselines"),),
    "report": (((), "reports"),),
    "sweep": ((("--board", _REAL), DATASET_FILE.as_posix()),),
}

#: What is typed, and the number of the word that the tab key is pressed in.
_TYPED = (("sixfold ", 1), ("sixfold bui", 1), ("sixfold build mps", 2), ("sixfold verify --", 2))


@dataclass(frozen=True)
class Case:
    """One command line.

    Attributes:
        command: its name, or `sixfold` for the program itself.
        arguments: after `sixfold`.
        built: whether the project has a model and artefacts.
        work: what is opened first; empty where the command comes to its end.
        typed: of a completion, what is on the command line, and in which word.
    """

    command: str
    kind: Kind
    arguments: tuple[str, ...]
    built: bool = False
    work: str = ""
    typed: tuple[str, int] | None = None

    def __str__(self) -> str:
        """As a user types it."""
        return f"{self.typed[0]}<Tab>" if self.typed else " ".join(("sixfold", *self.arguments))

    @property
    def variables(self) -> dict[str, str]:
        """Of the environment, by which a shell asks for completion."""
        if self.typed is None:
            return {}
        return {"_SIXFOLD_COMPLETE": "complete_bash", "COMP_WORDS": self.typed[0], "COMP_CWORD": str(self.typed[1])}


def cases() -> Iterator[Case]:
    """All of them, in the order of the commands."""
    yield Case("sixfold", "help", ("--help",))
    yield Case("sixfold", "refusal", ("none",))
    for typed in _TYPED:
        yield Case("sixfold", "completion", (), typed=typed)
    for name in COMMANDS:
        yield Case(name, "help", (name, "--help"))
        for arguments in (*_REFUSED[name], (_NO_OPTION,)):
            yield Case(name, "refusal", (name, *arguments))
        for arguments, work in _WORK[name]:
            yield Case(name, "work", (name, *arguments), built=True, work=work)


def make_project(folder: Path, built: bool, root: Path = Path()) -> Path:
    """Fill `folder` with what a start reads of the repository at `root`.

    Args:
        folder: exists, empty.
        built: with a model, artefacts and results too. They are there and no more: whoever opens one is at work.
        root: the repository.
    """
    for name in ("params.yaml", "constraints.txt", "pyproject.toml", "dvc.yaml", "dvc.lock"):
        shutil.copy(root / name, folder)
    shutil.copytree(root / TARGETS_FOLDER, folder / TARGETS_FOLDER)
    for name in ("baselines", "firmware"):
        (folder / name).symlink_to((root / name).resolve())
    photo = folder / _PHOTO
    photo.parent.mkdir(parents=True)
    for path in (photo, folder / _FOREIGN):
        path.touch()
    if built:
        for path in (INT8_MODEL, FLOAT_MODEL, DATASET_FILE):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).touch()
        for name in (_EMULATED, _REAL, _LINUX, _TUNED):
            (folder / artefact_folder(name)).mkdir(parents=True)
        (folder / artefact_folder(_LINUX) / "run.sh").touch()
        for name in load_params(root / "params.yaml").targets:
            report = folder / target_report(name)
            report.parent.mkdir(exist_ok=True)
            report.write_text(json.dumps({"target": name, "budget": {"passed": True}}))
    return folder
