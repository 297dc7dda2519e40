import pytest

from pipeline.cli.forecast import forecast
from pipeline.params import Experiment, load_params
from pipeline.targets import load_target
from tests.cli.project import ROOT

MANY = 10_000


def experiment(width: float, side: int) -> Experiment:
    given = load_params(ROOT / "params.yaml").experiments["image-folder"]
    return given.model_copy(
        update={
            "data": given.data.model_copy(update={"image_size": side}),
            "model": given.model.model_copy(update={"width": width}),
        }
    )


def of(width: float, side: int, images: int, *names: str) -> list[str]:
    return forecast(experiment(width, side), 5, images, [load_target(name, ROOT / "targets") for name in names])


def test_what_fits_is_passed_over() -> None:
    assert of(0.35, 96, MANY, "netduino-plus-2", "nucleo-f446re", "host-tvm") == []


@pytest.mark.parametrize(
    ("width", "side", "name", "region"),
    [(1.0, 96, "netduino-plus-2", "flash has 1 MiB"), (0.35, 224, "nucleo-f446re", "sram has 128 KiB")],
)
def test_what_no_memory_holds_is_named_with_what_would_say_more(
    width: float, side: int, name: str, region: str
) -> None:
    (line,) = of(width, side, MANY, name, "host-tvm")
    assert line.replace("\u00a0", " ").startswith(
        f"{name} cannot hold this network: {region}, tensors and weights take"
    )
    assert f"`sixfold sweep --board {name} --classes 5`" in line


def test_a_budget_that_one_image_overruns_is_named() -> None:
    assert of(0.35, 96, 200, "netduino-plus-2") == []
    (line,) = of(0.35, 96, 199, "netduino-plus-2", "host-tvm")
    assert line.startswith(
        "each of 199 test images weighs 0.50 points of accuracy, more than the budget of netduino-plus"
    )
