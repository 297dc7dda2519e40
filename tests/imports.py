"""Which files of the repository a module imports, directly or not."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("pipeline", "calibration")


def import_closure(*modules: Path) -> set[Path]:
    """The given files and all that they import within :data:`PACKAGES`, relative to the root."""
    found: set[Path] = set()
    waiting = [path.relative_to(ROOT) if path.is_absolute() else path for path in modules]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        for name in _imported(ROOT / path):
            parts = name.split(".")
            if parts[0] in PACKAGES:
                waiting += [f for n in range(1, len(parts) + 1) if (f := _file(parts[:n]))]
    return found


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative imports are not followed; import absolutely"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file(parts: list[str]) -> Path | None:
    path = Path(*parts)
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if (ROOT / candidate).is_file():
            return candidate
    return None
