"""The training step, as a Lightning module."""

from typing import Any, Literal

import lightning.pytorch as pl
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.classification import MulticlassAccuracy

from pipeline.errors import SixfoldError
from pipeline.models.mobilenet_v2 import MobileNetV2
from pipeline.preprocess import Normalization, pixel_table
from pipeline.training.augmentation import Augmentation, make_augmentation
from pipeline.training.batches import Batch
from pipeline.training.recipe import Schedule, label_smoothing, make_optimizer


class Classifier(pl.LightningModule):
    """Cross-entropy training of a MobileNetV2.

    All that is random in a step (augmentation, dropout) depends on seed, epoch, batch and rank alone, and on nothing
    that happened before: that is what makes a resumed run equal to an undisturbed one.

    Logs `train_loss`, `validation_loss`, `validation_accuracy` (0..1) and `lr`, once an epoch.
    """

    def __init__(
        self,
        model: MobileNetV2,
        normalization: Normalization,
        *,
        image_size: int,
        recipe: Literal["short", "paper"],
        augmentation: Augmentation,
        schedule: Schedule,
        seed: int,
    ) -> None:
        super().__init__()
        # oneDNN's depthwise convolutions are about twice as fast on a CPU in this layout.
        self.model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._recipe = recipe
        self._schedule = schedule
        self._seed = seed
        self._augment = make_augmentation(augmentation, image_size, normalization.channels)
        self._accuracy = MulticlassAccuracy(model.architecture.num_classes, average="micro")
        channels = normalization.channels
        self.register_buffer("_table", torch.from_numpy(pixel_table(normalization)), persistent=False)
        self.register_buffer("_mean", torch.tensor(normalization.mean).view(1, channels, 1, 1), persistent=False)
        self.register_buffer("_std", torch.tensor(normalization.std).view(1, channels, 1, 1), persistent=False)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Loss of one batch.

        Raises:
            SixfoldError: the loss is not finite.
        """
        pixels, labels = batch
        key = np.random.SeedSequence([self._seed, self.current_epoch, batch_idx, self.global_rank])
        torch.manual_seed(int(key.generate_state(1, np.uint64)[0]))
        with torch.no_grad():
            images = (self._augment(pixels.float() / 255) - self._mean) / self._std
        logits = self.model(images.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(logits, labels, label_smoothing=label_smoothing(self._recipe))
        if not torch.isfinite(loss):
            raise SixfoldError(
                f"training: the loss became {loss.item()} in epoch {self.current_epoch + 1}, step {batch_idx + 1}; in "
                "params.yaml use recipe short or a smaller train.batch_size (the rate follows it), and check data.std"
            )
        size = len(labels)
        self.log("train_loss", loss, on_step=False, on_epoch=True, prog_bar=True, batch_size=size, sync_dist=True)
        return loss

    def on_train_epoch_start(self) -> None:
        """Note the rate that the epoch begins with."""
        self.log("lr", torch.tensor(self.optimizers().param_groups[0]["lr"], dtype=torch.float64))  # type: ignore[union-attr]

    def validation_step(self, batch: Batch, _batch_idx: int) -> None:
        """Loss and accuracy of one batch, exactly as deployed: through the pixel table."""
        pixels, labels = batch
        channels = torch.arange(pixels.shape[1], device=pixels.device).view(1, -1, 1, 1)
        images = self.get_buffer("_table")[channels, pixels.long()]
        logits = self.model(images.contiguous(memory_format=torch.channels_last))
        self._accuracy(logits, labels)
        self.log("validation_loss", F.cross_entropy(logits, labels), batch_size=len(labels))
        self.log("validation_accuracy", self._accuracy, prog_bar=True)

    def configure_optimizers(self) -> Any:
        """The recipe's optimiser, its rate advanced after each step."""
        optimizer, rate = make_optimizer(self._recipe, self.model, self._schedule)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rate, "interval": "step"}}
