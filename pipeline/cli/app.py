"""Puts the commands of `sixfold` together; each is a module of `pipeline.cli.commands`."""

import inspect
from types import ModuleType

import typer

from pipeline.cli.commands import (
    build,
    check,
    diff,
    doctor,
    evaluate,
    export,
    flash,
    import_,
    init,
    new_target,
    profile,
    report,
    run,
    sweep,
    targets,
    tune,
    verify,
)

#: In the order of `sixfold --help`. Each module offers `command` and `EXAMPLES`.
COMMANDS: dict[str, ModuleType] = {
    "targets": targets,
    "doctor": doctor,
    "init": init,
    "new-target": new_target,
    "build": build,
    "verify": verify,
    "run": run,
    "diff": diff,
    "export": export,
    "import": import_,
    "tune": tune,
    "flash": flash,
    "profile": profile,
    "evaluate": evaluate,
    "check": check,
    "report": report,
    "sweep": sweep,
}

EXIT_CODES = {
    0: "good",
    1: "a gate failed: a budget, parity, or something needed is missing",
    2: "wrong usage or input",
    130: "interrupted",
}


def _examples(lines: tuple[str, ...]) -> str:
    # \b keeps Click from filling the lines up as a paragraph.
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def _exit_codes() -> str:
    return "\n".join(["\b", "Exit codes:", *(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items())])


app = typer.Typer(
    name="sixfold",
    help="MobileNetV2 from PyTorch to a microcontroller: one integer graph, verified bit for bit on every target. "
    "Run it in the repository's root.",
    epilog=_exit_codes(),
    no_args_is_help=True,
    rich_markup_mode=None,
    # A defect of ours shows Python's own traceback, which is what a bug report needs.
    pretty_exceptions_enable=False,
)
for _name, _module in COMMANDS.items():
    _help = inspect.getdoc(_module.command) or ""
    _summary = _help.partition("\n")[0]
    app.command(_name, help=_help, short_help=_summary, epilog=_examples(_module.EXAMPLES))(_module.command)
