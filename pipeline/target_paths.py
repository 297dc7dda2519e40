"""Which files a target's build and verification read: what `params.yaml` lists for DVC to watch."""

from pathlib import Path

import pipeline
from pipeline import backends, runners
from pipeline.params import EnabledTarget
from pipeline.targets import Target

# What a backend reads beside its own module.
_SOURCES = {
    "onnxruntime": "pipeline/backends/uint8_twin.py",
    "onnxruntime-aarch64": "pipeline/backends",
    "openvino": "pipeline/backends/uint8_twin.py",
    "tvm": "pipeline/backends/linux",
    "litert": "pipeline/backends/litert",
    "litert-aarch64": "pipeline/backends",
    "tflm": "pipeline/backends/litert",
    "cortex-m": "firmware",
    "ethos-u": "pipeline/backends",
}


def watched_paths(target: Target) -> EnabledTarget:
    """The paths of `target` as its line in params.yaml must have them."""
    return EnabledTarget(
        backend=_module_path(backends.BACKEND_MODULES[target.backend]),
        sources=_SOURCES[target.backend],
        runner=_module_path(runners.RUNNER_MODULES[target.backend, target.runner.kind]),
    )


def params_lines(target: Target) -> str:
    """The lines to paste below `targets:` in params.yaml."""
    paths = watched_paths(target)
    fields = "".join(f"    {field}: {getattr(paths, field)}\n" for field in type(paths).model_fields)
    return f"  {target.name}:\n{fields}"


def _module_path(module: str) -> str:
    """Where a module lies, relative to the repository: a folder if it is a package."""
    path = Path(*module.split("."))
    root = Path(pipeline.__file__).parent.parent
    return path.as_posix() if (root / path).is_dir() else path.with_suffix(".py").as_posix()
