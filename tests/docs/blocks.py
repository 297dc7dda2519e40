"""The fenced blocks of a Markdown page, and what the page's source says about running them.

A comment in the line before a block speaks to the tests; readers do not see it:

    <!-- not run: REASON -->        this block cannot run here
    <!-- run with NAME=VALUE ... --> these words of the block stand for those values
    <!-- write PATH -->             not a command: the text of this file, for later blocks
"""

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)\s*$")
_COMMENT = re.compile(r"^ *<!-- (?P<kind>not run:|run with|write) (?P<rest>.+) -->$")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        line: of the opening fence, from 1.
        language: what stands behind the fence.
        kind: of the comment before it: ``not run:``, ``run with``, ``write`` or nothing.
        rest: of that comment.
    """

    page: Path
    line: int
    language: str
    kind: str
    rest: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    def script(self) -> str:
        """The commands with their placeholders filled in."""
        script = self.text
        for assignment in shlex.split(self.rest) if self.kind == "run with" else ():
            name, _, value = assignment.partition("=")
            script, count = re.subn(rf"(?<![\w./-]){re.escape(name)}(?![\w-])", lambda _, value=value: value, script)
            assert count, f"{self}: the comment says {name}, the block does not"
        return script


def blocks(page: Path, root: Path) -> Iterator[Block]:
    """Every fenced block of a page, in order; `page` is relative to `root`."""
    lines = (root / page).read_text(encoding="utf-8").splitlines()
    opened: int | None = None
    for index, line in enumerate(lines):
        fence = _FENCE.match(line)
        if fence is None:
            continue
        if opened is None:
            opened = index
            continue
        before = _COMMENT.match(lines[opened - 1]) if opened else None
        first = _FENCE.match(lines[opened])
        assert first is not None
        text = textwrap.dedent("\n".join(lines[opened + 1 : index])) + "\n"
        kind, rest = (before["kind"], before["rest"]) if before else ("", "")
        yield Block(page, opened + 1, first["language"], kind, rest, text)
        opened = None
    assert opened is None, f"{page}:{opened}: this block has no end"
