"""YAML files checked on load: any wrong key, value or unit is one line with file and field."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from pipeline.errors import SixfoldError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Checked(BaseModel):
    """Base of all configuration models: unknown keys are errors, values are immutable, numbers finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Model = TypeVar("Model", bound=BaseModel)


def read_yaml(path: Path) -> Any:
    """Parse one YAML document.

    Raises:
        SixfoldError: missing, not UTF-8 or not YAML; the line number is named where there is one.
    """
    try:
        # The C loader is seven times as fast, which dvc.lock's length makes felt.
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except FileNotFoundError as error:
        raise SixfoldError(f"{path}: not found") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SixfoldError(f"{path}: cannot be read ({error})") from error
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SixfoldError(f"{path}{line}: not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise SixfoldError(f"{path}: not valid YAML: {error}".replace("\n", " ")) from error


def validate(model: type[Model], value: Any, where: str) -> Model:
    """Check `value` against `model`; `where` (the file) starts the message.

    Raises:
        SixfoldError: the first problem in one line, with the field's path and the permitted keys.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        # A misspelt key is also a missing one; the misspelling is what the user can see.
        first = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
        field = ".".join(str(part) for part in first["loc"]) or "(whole file)"
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            message = f"unknown key; known here: {', '.join(_known_keys(model, first['loc'][:-1]))}"
        elif first["type"] == "missing":
            message = "missing; add it"
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise SixfoldError(f"{where}: {field}: {message}{more}") from error


def field_checker(model: type[BaseModel], name: str) -> Callable[[Any], Any]:
    """A function that checks one value as `model` checks its field `name`; it raises ValueError with one line."""
    adapter: TypeAdapter[Any] = TypeAdapter(get_type_hints(model, include_extras=True)[name])

    def check(value: Any) -> Any:
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            raise ValueError(error.errors(include_url=False)[0]["msg"].removeprefix("Input ")) from error

    return check


def _known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that `model` has at `location`: through nested models by field name, through mappings by any key."""
    annotation: Any = model
    for part in location:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            annotation = _model_within(_field_type(annotation, str(part)))
        else:  # the value type of a mapping: its key leads to that type
            annotation = _model_within(get_args(annotation)[-1])
    known = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return sorted(annotation.model_fields) if known else []


def _field_type(model: type[BaseModel], name: str) -> Any:
    """Type of a field; of a key that `model` only permits (``extra="allow"``), the type of all of these."""
    field = model.model_fields.get(name)
    return get_args(get_type_hints(model)["__pydantic_extra__"])[1] if field is None else field.annotation


def _model_within(annotation: Any) -> Any:
    """``Model | None`` as ``Model``; anything else unchanged."""
    models = [a for a in get_args(annotation) if isinstance(a, type) and issubclass(a, BaseModel)]
    return models[0] if models and get_origin(annotation) is not dict else annotation
