"""Changing single values of a YAML file that people edit too: comments, order and layout stay as they are."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from pipeline.errors import SixfoldError

#: Keys from the document's root down to a value.
KeyPath = tuple[str, ...]


def replace_values(text: str, changes: Mapping[KeyPath, Any], where: str) -> str:
    """A document with some of its scalars or flow sequences replaced.

    Args:
        text: the document, a mapping.
        changes: new value by path; each must be there already.
        where: the file, for the message.

    Raises:
        SixfoldError: not YAML, or a path leads nowhere or to a block of lines.
    """
    root = _compose(text, where)
    spans = []
    for path, value in changes.items():
        node = _find(root, path, where)
        if isinstance(node, yaml.MappingNode) or (isinstance(node, yaml.SequenceNode) and not node.flow_style):
            raise SixfoldError(f"{where}: {'.'.join(path)}: is a block of lines, not a value")
        spans.append((node.start_mark.index, node.end_mark.index, inline(value)))
    return _splice(text, spans)


def replace_block(text: str, path: KeyPath, lines: str, where: str) -> str:
    """A document with the lines of a block mapping replaced by others; a comment behind the block stays.

    Args:
        text: the document, a mapping.
        path: of the block.
        lines: indented as they are to be, the last with its line break.
        where: the file, for the message.

    Raises:
        SixfoldError: not YAML, or the path leads nowhere or to something else.
    """
    node = _find(_compose(text, where), path, where)
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        raise SixfoldError(f"{where}: {'.'.join(path)}: is no block of lines")
    begin = text.rindex("\n", 0, node.start_mark.index) + 1
    last = max(leaf.end_mark.index for leaf in _leaves(node))
    end = text.find("\n", last)
    return _splice(text, [(begin, len(text) if end < 0 else end + 1, lines)])


def _compose(text: str, where: str) -> yaml.Node:
    try:
        # The C loader does not tell where values begin.
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise SixfoldError(f"{where}: not valid YAML: {error}".replace("\n", " ")) from error
    if not isinstance(root, yaml.MappingNode):
        raise SixfoldError(f"{where}: is no mapping")
    return root


def _find(root: yaml.Node, path: KeyPath, where: str) -> yaml.Node:
    node = root
    for key in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next((value for name, value in pairs if name.value == key), None)
        if found is None:
            raise SixfoldError(f"{where}: {'.'.join(path)}: missing; add it")
        node = found
    return node


def _leaves(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.ScalarNode) or getattr(node, "flow_style", False):
        yield node
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield from _leaves(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _leaves(value)


def inline(value: Any) -> str:
    """A value on one line, in brackets where it has parts."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _splice(text: str, spans: list[tuple[int, int, str]]) -> str:
    for begin, end, new in sorted(spans, reverse=True):
        text = text[:begin] + new + text[end:]
    return text
