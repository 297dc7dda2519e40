"""Tables in Markdown files between two marker lines: regenerated, so that no number in them is typed by hand."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipeline.errors import SixfoldError
from pipeline.files import atomic_file


def markers(name: str) -> tuple[str, str]:
    """The lines before and after table `name`."""
    return f"<!-- {name}:begin -->", f"<!-- {name}:end -->"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with one line a row; a bar within a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def replace_tables(path: Path, tables: Mapping[str, str]) -> None:
    """Replace what lies between the markers of each named table; all else in `path` stays as it is.

    Raises:
        SixfoldError: the file cannot be read or written, or has not each marker once and in order.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SixfoldError(f"{path}: cannot be read ({error})") from error
    for name, table in tables.items():
        begin, end = markers(name)
        if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
            raise SixfoldError(f"{path}: needs the lines {begin} and {end}, once each and in this order")
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{table}{end}{rest.partition(end)[2]}"
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
