"""The best epoch, and that ties go to the earlier."""

from types import SimpleNamespace

import pytest
import torch

from pipeline.models.mobilenet_v2 import Architecture, MobileNetV2
from pipeline.preprocess import Normalization
from pipeline.training.classifier import Classifier
from pipeline.training.recipe import Schedule
from pipeline.training.record import Record


def _epochs(record: Record, accuracies: list[float]) -> None:
    model = MobileNetV2(Architecture(0.1, 2, 1))
    module = Classifier(
        model,
        Normalization((0.0,), (1.0,)),
        image_size=32,
        recipe="short",
        augmentation="none",
        schedule=Schedule(2, 1, 1),
        seed=0,
    )
    for epoch, accuracy in enumerate(accuracies):
        with torch.no_grad():
            model.classifier[1].bias.fill_(epoch)
        metrics = {"train_loss": 1.0, "validation_loss": 1.0, "validation_accuracy": accuracy, "lr": 0.1}
        metrics = {name: torch.tensor(value) for name, value in metrics.items()}
        trainer = SimpleNamespace(
            current_epoch=epoch, callback_metrics=metrics, is_global_zero=True, max_epochs=len(accuracies)
        )
        record.on_train_epoch_end(trainer, module)


@pytest.mark.parametrize(
    ("accuracies", "best"), [([0.5, 0.9, 0.7], 2), ([0.5, 0.9, 0.9], 2), ([0.9, 0.9, 0.9], 1), ([0.0], 1)]
)
def test_best_epoch(accuracies: list[float], best: int, capsys: pytest.CaptureFixture[str]) -> None:
    record = Record(show=True)
    _epochs(record, accuracies)
    assert record.best_epoch == best
    assert record.best_weights["classifier.1.bias"].tolist() == [best - 1] * 2
    assert len(capsys.readouterr().out.splitlines()) == len(accuracies)


def test_it_survives_a_checkpoint() -> None:
    record, other = Record(show=False), Record(show=False)
    _epochs(record, [0.5, 0.9, 0.7])
    other.load_state_dict(record.state_dict())
    assert (other.rows, other.best_epoch) == (record.rows, 2)
    assert torch.equal(other.best_weights["classifier.1.bias"], record.best_weights["classifier.1.bias"])
