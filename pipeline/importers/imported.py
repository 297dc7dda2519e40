"""What every importer returns, and how large a file it takes."""

from dataclasses import dataclass

from pipeline.graph.ir import IntegerGraph

#: Far above any MobileNet (the largest, 1.4/224 in float, is 24 MiB) and small enough to hold in memory several times.
LARGEST_FILE = 64 * 2**20


@dataclass(frozen=True)
class Imported:
    """A graph and what its user should know.

    Attributes:
        notes: what was left out or written as something else, a line each.
    """

    graph: IntegerGraph
    notes: tuple[str, ...]
