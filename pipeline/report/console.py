"""The console that commands and stages print tables on."""

import rich.box
from rich.console import Console
from rich.table import Table

# Wide enough for every table on one line per row when the output is piped into a file or a log.
PIPED_WIDTH = 160


def console() -> Console:
    """A console with colours on a terminal; plain, and wider, elsewhere."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=PIPED_WIDTH)


def table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the one style that all share."""
    result = Table(title=title, box=rich.box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column in columns:
        result.add_column(column, overflow="fold")
    return result
