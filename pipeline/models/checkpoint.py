"""`model.pt`: a trained network in one file that says what it is."""

import io
import sys
from pathlib import Path

import torch
from torch import Tensor

from pipeline.errors import SixfoldError
from pipeline.files import atomic_file
from pipeline.models.mobilenet_v2 import Architecture, MobileNetV2

FORMAT = "sixfold-mobilenet-v2"


def save_model(path: Path, model: MobileNetV2) -> None:
    """Write architecture and weights; equal weights give equal bytes.

    The file holds a dictionary of plain values and tensors, which `torch.load(..., weights_only=True)` reads; its entry
    `state_dict` has torchvision's names.
    """
    # Pickle writes a string or tensor it has met before as a reference, so who created them would show in the bytes:
    # names are interned and tensors copied. The buffer keeps the file's name out of the archive.
    state = {
        sys.intern(str(name)): value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in model.state_dict().items()
    }
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "architecture": model.architecture.to_dict(), "state_dict": state}, buffer)
    with atomic_file(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def load_model(path: Path) -> MobileNetV2:
    """Read a model in evaluation mode, on the CPU.

    Raises:
        SixfoldError: missing, damaged, not one of ours, or with a weight that is not finite (named).
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise SixfoldError(f"{path}: not found; run `dvc repro train`") from error
    except Exception as error:  # a damaged archive makes torch raise nearly anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SixfoldError(f"{path}: not a readable checkpoint ({reason}); run `dvc repro --force train`") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise SixfoldError(f"{path}: format: not a checkpoint that stage train wrote; run `dvc repro --force train`")
    try:
        model = MobileNetV2(Architecture.from_dict(content["architecture"]))
        model.load_state_dict(content["state_dict"], strict=True)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise SixfoldError(f"{path}: architecture and state_dict do not agree ({reason})") from error
    check_finite(model.state_dict(), str(path))
    return model.eval()


def check_finite(state: dict[str, Tensor], where: str) -> None:
    """Refuse weights that are no numbers.

    Raises:
        SixfoldError: naming `where`, the parameter and how many of its values are NaN or infinite.
    """
    for name, value in state.items():
        if value.is_floating_point() and not torch.isfinite(value).all():
            bad = int((~torch.isfinite(value)).sum())
            raise SixfoldError(f"{where}: {name}: {bad} of {value.numel()} values are NaN or infinite; train again")
