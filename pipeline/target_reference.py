"""The reference of target files, `docs/target-file.md`, from the model that checks them."""

import inspect
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pipeline.sizes import Bytes, parse_bytes
from pipeline.targets import Target
from pipeline.validation import Checked

PAGE = Path("docs/target-file.md")

_HEAD = """\
# Target files

Every field of `targets/NAME.yaml`. This page is made from the code that checks the files (`make docs`);
[add-a-target.md](add-a-target.md) goes through an example. A wrong key, value or unit is one line with file and field.
"""


def target_reference() -> str:
    """The page as Markdown."""
    return _HEAD + "".join(f"\n{section}" for section in _sections(Target, ""))


def _sections(model: type[Checked], path: str) -> Iterator[str]:
    """A table of this model's fields, then those of the models in it."""
    described = _attributes(model)
    title = f"`{path}`" if path else "The file"
    rows = [f"## {title}", "", _summary(model), "", "| Field | Value | Left out | |", "| --- | --- | --- | --- |"]
    inner: list[tuple[type[Checked], str]] = []
    for name, field in model.model_fields.items():
        nested = _nested(field.annotation)
        if nested is not None:
            inner.append((nested, f"{path}.{name}" if path else name))
        rows.append(f"| `{name}` | {_type(field)} | {_default(field)} | {described.get(name, '')} |")
    yield "\n".join(rows) + "\n"
    seen: dict[type[Checked], list[str]] = {}
    for nested, where in inner:
        seen.setdefault(nested, []).append(where)
    for nested, places in seen.items():
        yield from _sections(nested, "`, `".join(places))


def _summary(model: type[Checked]) -> str:
    return _markdown(inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0])


def _attributes(model: type[Checked]) -> dict[str, str]:
    """What the docstring's section Attributes says of each field."""
    section = inspect.cleandoc(model.__doc__ or "").partition("Attributes:\n")[2]
    entries = re.split(r"^    (\w+): ", section, flags=re.MULTILINE)[1:]
    return {name: _markdown(text) for name, text in zip(entries[::2], entries[1::2], strict=True)}


def _markdown(text: str) -> str:
    text = re.sub(r":\w+:`~?\.?(?:[\w.]*\.)?(\w+)`", r"`\1`", " ".join(text.split()))
    return text.replace("``", "`").replace("|", "\\|")


def _nested(annotation: Any) -> type[Checked] | None:
    for part in (annotation, *get_args(annotation)):
        if inspect.isclass(part) and issubclass(part, Checked):
            return part
    return None


def _type(field: FieldInfo) -> str:
    # pydantic takes the outermost Annotated apart.
    is_size = any(getattr(part, "func", None) is parse_bytes for part in field.metadata)
    return _name(Bytes if is_size else field.annotation)


def _name(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_name(part) for part in arguments if part is not type(None))
    if origin in (list, tuple):
        return f"list of {_name(arguments[0])}"
    if hasattr(annotation, "__metadata__"):
        return "size: `64KiB`, `1MiB` or bytes" if annotation is Bytes else _name(arguments[0])
    if inspect.isclass(annotation) and issubclass(annotation, Checked):
        return "mapping, see below"
    return {str: "text", int: "integer", float: "number"}.get(annotation, str(annotation))


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "must be there"
    if field.default is None or field.default == ():
        return "—"
    if isinstance(field.default, Checked):
        return "its defaults"
    return f"`{field.default}`"
