"""The console that commands and stages print tables on.

Rich is imported when something is printed: commands have much to look at before that.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# Wide enough for every table on one line per row when the output is piped into a file or a log.
PIPED_WIDTH = 160


def console() -> Console:
    """A console with colours on a terminal; plain, and wider, elsewhere."""
    from rich.console import Console

    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=PIPED_WIDTH)


def table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the one style that all share."""
    from rich import box
    from rich.table import Table

    result = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column in columns:
        result.add_column(column, overflow="fold")
    return result
