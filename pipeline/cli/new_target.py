"""`sixfold new-target`: a file in targets/ from flags and answers, checked before it is written."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.cli.output import print_json
from pipeline.cli.questions import ask
from pipeline.errors import SixfoldError
from pipeline.files import atomic_file, read_json
from pipeline.sizes import parse_bytes
from pipeline.targets import TARGETS_FOLDER, Target, load_target
from pipeline.validation import validate
from pipeline.yaml_edit import KeyPath, inline, replace_values

CORES_FILE = Path("firmware/cores.json")

#: The emulated machine that stands for a board, by core.
STAND_INS = {
    "cortex-m3": "mps2-an385",
    "cortex-m4": "mps2-an386",
    "cortex-m7": "mps2-an500",
    "cortex-m33": "mps2-an505",
    "cortex-m55": "mps3-an547",
}

#: Field of `flash` that a programmer's value goes to, and whether that is a list.
_PROGRAMMERS = {"openocd": ("config", True), "pyocd": ("chip", False), "uf2": ("family", False), "gdb": (None, False)}


class _Verbatim(str):
    """A number as the user wrote it, in hexadecimal for example."""


@dataclass(frozen=True)
class Answers:
    """What was given on the command line, as the options of `sixfold new-target`; None is asked for or left out."""

    core: str | None
    flash: str | None
    sram: str | None
    summary: str | None
    clock_hz: int | None
    kernels: str | None
    family: str | None
    uart: str | None
    programmer: str | None
    drop: float | None


def new_target(name: str, given: Answers, as_json: bool) -> None:
    """Write ``targets/<name>.yaml`` for a microcontroller.

    Raises:
        SixfoldError: the file is there already, something needed is missing, or a value is not permitted; nothing is
            written then.
    """
    path = _free(name)
    cores = sorted(read_json(CORES_FILE).keys() & STAND_INS.keys())
    core = ask(f"core ({', '.join(cores)})", given.core, None, _one_of(cores), "--core", as_json)
    if core not in cores:
        raise SixfoldError(f"--core {core}: unknown; {CORES_FILE} and the emulator have {', '.join(cores)}")
    flash = ask("flash, as ORIGIN:SIZE", given.flash, None, _checked_region, "--flash", as_json)
    sram = ask("SRAM, as ORIGIN:SIZE", given.sram, None, _checked_region, "--sram", as_json)
    summary = ask("a line about the board", given.summary, f"{name} ({core})", str, "--summary", as_json)
    fields: dict[str, Any] = {"name": name, "summary": summary, "backend": "cortex-m", "core": core}
    if given.clock_hz is not None:
        fields["clock_hz"] = given.clock_hz
    if given.kernels is not None:
        fields["kernels"] = given.kernels
    fields["memory"] = {"flash": _region("--flash", flash), "sram": _region("--sram", sram)}
    if given.family is not None or given.uart is not None:
        fields["board"] = _board(given)
    fields["runner"] = {"kind": "qemu-system", "machine": STAND_INS[core], "stands_for": name}
    if given.programmer is not None:
        fields["flash"] = _programmer(given.programmer)
    fields["budget"] = {"accuracy_drop_points": 0.5 if given.drop is None else given.drop}
    _write(path, _text(fields), as_json)


def copy_target(name: str, like: str, summary: str | None, as_json: bool) -> None:
    """Write ``targets/<name>.yaml`` as a copy of another target with its own name and summary.

    Raises:
        SixfoldError: the file is there already, or there is no such other.
    """
    path = _free(name)
    other = load_target(like)
    source = TARGETS_FOLDER / f"{like}.yaml"
    changes: dict[KeyPath, str] = {("name",): name, ("summary",): summary or f"{other.summary}; a copy of {like}"}
    _write(path, replace_values(source.read_text(encoding="utf-8"), changes, str(source)), as_json)


def _free(name: str) -> Path:
    if re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", name) is None:
        raise SixfoldError(f"{name!r} is no name for a target; use small letters, digits and hyphens")
    path = TARGETS_FOLDER / f"{name}.yaml"
    if path.exists():
        raise SixfoldError(f"{path}: is there already; take another name, or edit that file")
    return path


def _write(path: Path, text: str, as_json: bool) -> None:
    target = validate(Target, yaml.safe_load(text), str(path))
    if target.backend == "cortex-m":
        from pipeline.backends.cortex_m.machines import placement  # noqa: PLC0415 - imports the compiler with it

        placement(target)  # refuses what the machine that stands for the board has no memory for
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    if as_json:
        print_json({"file": path.as_posix(), "target": target.model_dump(mode="json", exclude_none=True)})
        return
    print(f"{path}: written")
    print(f"next: sixfold build {target.name} && sixfold verify {target.name}")
    print(f"and to have `dvc repro` do it, add to params.yaml what `sixfold targets --params {target.name}` prints")


def _one_of(names: list[str]) -> Callable[[str], str]:
    def convert(answer: str) -> str:
        if answer not in names:
            raise ValueError(f"is none of {', '.join(names)}")
        return answer

    return convert


def _checked_region(answer: str) -> str:
    try:
        _region("", answer)
    except SixfoldError as error:
        raise ValueError(str(error)) from error
    return answer


def _region(flag: str, text: str) -> dict[str, str]:
    origin, _, size = text.partition(":")
    try:
        int(origin, 0)
        parse_bytes(size)
    except ValueError:
        message = f"{text} is not ORIGIN:SIZE, such as 0x20000000:128KiB"
        raise SixfoldError(f"{flag} {message}".strip()) from None
    return {"origin": _Verbatim(origin), "size": size}


def _board(given: Answers) -> dict[str, Any]:
    parts = (given.uart or "").split(":")
    if given.family is None or len(parts) != 3:
        raise SixfoldError("--family and --uart PORT:TX:RX belong together, such as stm32f4 and usart2:PA2:PA3")
    return {"family": given.family, "uart": dict(zip(("port", "tx", "rx"), parts, strict=True))}


def _programmer(text: str) -> dict[str, Any]:
    kind, _, value = text.partition(":")
    if kind not in _PROGRAMMERS:
        raise SixfoldError(f"--programmer {kind}: unknown; there are {', '.join(_PROGRAMMERS)}")
    field, several = _PROGRAMMERS[kind]
    if (field is None) != (not value):
        wanted = "takes no value" if field is None else f"needs one, as {kind}:{field.upper()}"
        raise SixfoldError(f"--programmer {text}: {wanted}")
    return {"kind": kind} if field is None else {"kind": kind, field: [value] if several else value}


def _text(fields: dict[str, Any]) -> str:
    """The fields as the files in targets/ are written: a line each, memories a line each."""
    lines = []
    for key, value in fields.items():
        if key in ("memory", "board"):
            lines += [f"{key}:", *(f"  {name}: {_flow(part)}" for name, part in value.items())]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value) if isinstance(value, _Verbatim) else inline(value)
