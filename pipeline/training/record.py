"""What a run remembers: one row an epoch, and the best weights so far."""

from dataclasses import asdict, dataclass
from typing import Any

import lightning.pytorch as pl
from torch import Tensor

from pipeline.training.classifier import Classifier


@dataclass(frozen=True)
class EpochRow:
    """One epoch: mean losses, accuracy (0..1) on validation, and the learning rate it began with."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float
    lr: float


class Record(pl.Callback):
    """Keeps the rows and the weights of the most accurate epoch, the earlier where two are equal.

    Both are part of Lightning's checkpoint, so that one file, written whole, is all there is to resume from.

    Attributes:
        rows: the epochs so far.
        best_epoch: 1 for the first; 0 before any.
        best_weights: the model's state dict after that epoch.
    """

    def __init__(self, show: bool) -> None:
        """With `show`, print a line an epoch: for a log, where there is no progress bar."""
        self.rows: list[EpochRow] = []
        self.best_epoch = 0
        self.best_weights: dict[str, Tensor] = {}
        self._show = show

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Add the epoch that has just ended."""
        assert isinstance(pl_module, Classifier)
        names = ("train_loss", "validation_loss", "validation_accuracy", "lr")
        row = EpochRow(trainer.current_epoch + 1, **{name: float(trainer.callback_metrics[name]) for name in names})
        best = max((earlier.validation_accuracy for earlier in self.rows), default=-1.0)
        self.rows.append(row)
        if row.validation_accuracy > best:
            self.best_epoch = row.epoch
            state = pl_module.model.state_dict()
            self.best_weights = {name: value.detach().cpu().clone().contiguous() for name, value in state.items()}
        if self._show and trainer.is_global_zero:
            print(
                f"epoch {row.epoch}/{trainer.max_epochs}: train loss {row.train_loss:.4f}, validation loss "
                f"{row.validation_loss:.4f}, accuracy {100 * row.validation_accuracy:.2f} %",
                flush=True,
            )

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs."""
        rows = [asdict(row) for row in self.rows]
        return {"rows": rows, "best_epoch": self.best_epoch, "best_weights": self.best_weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """The inverse of :meth:`state_dict`."""
        self.rows = [EpochRow(**row) for row in state_dict["rows"]]
        self.best_epoch = state_dict["best_epoch"]
        self.best_weights = state_dict["best_weights"]
