"""Changing single values of a YAML file that people edit too: comments, order and layout stay as they are."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from pipeline.errors import SixfoldError

#: Keys from the document's root down to a value.
KeyPath = tuple[str, ...]


def replace_values(text: str, changes: Mapping[KeyPath, Any], where: str) -> str:
    """A document with some of its scalars or sequences replaced.

    A sequence with a line for each item, which is what other tools make of one in brackets, becomes one line again;
    comments beside its items go with them.

    Args:
        text: the document, a mapping.
        changes: new value by path; each must be there already.
        where: the file, for the message.

    Raises:
        SixfoldError: not YAML, or a path leads nowhere or to a mapping.
    """
    root = _compose(text, where)
    spans = []
    for path, value in changes.items():
        key, node = _find(root, path, where)
        if isinstance(node, yaml.MappingNode):
            raise SixfoldError(f"{where}: {'.'.join(path)}: is a mapping, not a value")
        if isinstance(node, yaml.SequenceNode) and not node.flow_style:
            behind_colon = text.index(":", key.end_mark.index) + 1
            spans.append((behind_colon, behind_colon, f" {inline(value)}"))
            spans.append((*_lines(text, node), ""))
        else:
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
    _, node = _find(_compose(text, where), path, where)
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        raise SixfoldError(f"{where}: {'.'.join(path)}: is no block of lines")
    return _splice(text, [(*_lines(text, node), lines)])


def _lines(text: str, block: yaml.Node) -> tuple[int, int]:
    """Where the lines of a block begin and end, the last line break included; a comment behind it is not."""
    begin = text.rindex("\n", 0, block.start_mark.index) + 1
    end = text.find("\n", max(leaf.end_mark.index for leaf in _leaves(block)))
    return begin, len(text) if end < 0 else end + 1


def _compose(text: str, where: str) -> yaml.Node:
    try:
        # The C loader does not tell where values begin.
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise SixfoldError(f"{where}: not valid YAML: {error}".replace("\n", " ")) from error
    if not isinstance(root, yaml.MappingNode):
        raise SixfoldError(f"{where}: is no mapping")
    return root


def _find(root: yaml.Node, path: KeyPath, where: str) -> tuple[yaml.Node, yaml.Node]:
    """The last key of a path, and its value."""
    key = node = root
    for part in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((name, value) for name, value in pairs if name.value == part), None)
        if found is None:
            raise SixfoldError(f"{where}: {'.'.join(path)}: missing; add it")
        key, node = found
    return key, node


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
    if yaml.safe_load(text) != value:  # NEL, a line break to YAML, is not escaped then
        text = yaml.safe_dump(value, default_flow_style=True, width=10**6)
    return text.removesuffix("\n").removesuffix("\n...")


def _splice(text: str, spans: list[tuple[int, int, str]]) -> str:
    for begin, end, new in sorted(spans, reverse=True):
        text = text[:begin] + new + text[end:]
    return text
