"""`params.yaml` as typed objects."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.errors import SixfoldError
from pipeline.validation import Checked, read_yaml, validate

PARAMS_FILE = Path("params.yaml")


class DataParams(Checked):
    """Where images come from and how they are cut into splits. Fractions are of all images.

    Attributes:
        central_crop: side of the square that is cut from each image file, as a fraction of its shorter side.
    """

    source: Literal["digits", "solar", "image-folder", "imagenet"]
    image_size: Annotated[int, Field(ge=32, le=1024, multiple_of=32)]
    channels: Literal[1, 3]
    mean: tuple[float, ...]
    std: tuple[Annotated[float, Field(gt=0)], ...]
    central_crop: Annotated[float, Field(gt=0, le=1)] = 1.0
    validation: Annotated[float, Field(gt=0, lt=0.5)]
    test: Annotated[float, Field(gt=0, lt=0.5)]
    calibration: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0, lt=2**32)]

    @model_validator(mode="after")
    def _one_statistic_per_channel(self) -> "DataParams":
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != self.channels:
                raise ValueError(f"{name} has {len(values)} values, channels is {self.channels}; give one each")
        return self


class ModelParams(Checked):
    """MobileNetV2's free parameters (paper, Table 2)."""

    width: Annotated[float, Field(gt=0, le=4)]
    stem_stride: Literal[1, 2]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    init: Literal["scratch", "imagenet"]
    seed: Annotated[int, Field(ge=0, lt=2**32)]


class TrainParams(Checked):
    """How the network is trained; with no epochs, it is the one that `model.init` names."""

    recipe: Literal["short", "paper"]
    epochs: Annotated[int, Field(ge=0)]
    batch_size: Annotated[int, Field(ge=2)]
    augmentation: Literal["digits", "photographs", "none"]
    devices: Annotated[int, Field(ge=1)]
    seed: Annotated[int, Field(ge=0, lt=2**32)]


class QuantizeParams(Checked):
    """How the integer graph is derived. The switches are those of :class:`calibration.options.Options`."""

    calibration_images: Annotated[int, Field(ge=0)]
    rounding: Literal["nearest", "hessian"]
    clip: bool
    centre: bool
    equalise: bool
    correct_bias: bool
    correct_stream: bool
    seed: Annotated[int, Field(ge=0, lt=2**32)]


class Experiment(Checked):
    """One column of `experiments` in params.yaml."""

    data: DataParams
    model: ModelParams
    train: TrainParams
    quantize: QuantizeParams

    @model_validator(mode="after")
    def _enough_calibration_images(self) -> "Experiment":
        if self.quantize.calibration_images > self.data.calibration:
            raise ValueError(
                f"quantize.calibration_images is {self.quantize.calibration_images}, "
                f"data.calibration sets aside {self.data.calibration}; raise the latter"
            )
        return self


class EnabledTarget(Checked):
    """What a target's build and verification read, as paths that DVC watches."""

    backend: str
    sources: str
    runner: str


class Params(Checked):
    """The whole of params.yaml."""

    experiment: str
    image_folder: str
    targets: dict[str, EnabledTarget]
    experiments: dict[str, Experiment]

    @property
    def selected(self) -> Experiment:
        """The experiment that `experiment` names."""
        return self.experiments[self.experiment]


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read and check params.yaml.

    Raises:
        SixfoldError: one line with file and field.
    """
    params = validate(Params, read_yaml(path), str(path))
    if params.experiment not in params.experiments:
        known = ", ".join(sorted(params.experiments))
        raise SixfoldError(f"{path}: experiment: no experiment {params.experiment!r}; there are {known}")
    return params
