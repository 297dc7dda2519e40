"""The reference of the commands, `docs/cli.md`, from the commands themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from pipeline.cli.app import COMMANDS, EXIT_CODES, app

PAGE = Path("docs/cli.md")

_HEAD = """\
# The command line

Every command of `sixfold`. This page is made from the code that reads the arguments (`make docs`);
`sixfold COMMAND --help` shows the same. Run it in the repository's root; `python -m pipeline.cli` is the same program.

- **In a pipe** there are no colours, no progress bars and no questions. On a terminal, what works through many images,
  layers or bytes, compiles, or writes to a board shows how far it is and how much time is left, on standard error.
- **`--json`** prints one JSON document on standard output, keys sorted, and nothing else; messages go to standard
  error. A failed gate prints its document too and exits with 1. What `sixfold run` prints live is a document a line.
- **Ctrl-C** leaves nothing half-written: results are written beside their place and moved there when they are whole,
  and emulators that were started end too. The exit code is 130; a live view is meant to be ended so, and exits with 0.
- **Completion** of commands, options and names of targets: `sixfold --install-completion`, once for your shell.
"""


def cli_reference() -> str:
    """The page as Markdown."""
    codes = "".join(f"| {code} | {meaning} |\n" for code, meaning in EXIT_CODES.items())
    listing = "".join(f"- [`sixfold {name}`](#sixfold-{name}): {_summary(name)}\n" for name in COMMANDS)
    head = f"{_HEAD}\n| Exit code | |\n| --- | --- |\n{codes}\n{listing}"
    return head + "".join(f"\n{section}" for section in map(_section, COMMANDS))


def _summary(name: str) -> str:
    text = str(_command(name).short_help)
    return text[0].lower() + text[1:]


def _command(name: str) -> Any:
    group = typer.main.get_command(app)
    return group.commands[name]  # type: ignore[attr-defined]


def _section(name: str) -> str:
    command = _command(name)
    text = (command.help or "").strip()
    lines = [f"## sixfold {name}", "", text, ""]
    rows = list(_rows(name))
    if rows:
        lines += ["| Argument | |", "| --- | --- |", *rows, ""]
    # Indented, not fenced: the tests parse these lines, and run the fenced ones of other pages.
    lines += [f"    {line}" for line in COMMANDS[name].EXAMPLES]
    return "\n".join(lines) + "\n"


def _rows(name: str) -> Iterator[str]:
    command = _command(name)
    context = command.context_class(command, info_name=name)
    for parameter in command.params:
        if parameter.name == "help":
            continue
        # What --help prints, its columns made into a table's; choices are set apart by what sets cells apart.
        shown, text = (part.replace("|", "\\|") for part in parameter.get_help_record(context))
        yield f"| `{shown}` | {' '.join(text.split())} |"
