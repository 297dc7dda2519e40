"""Batches of prepared images, in an order that depends on seed and epoch alone."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import lightning.pytorch as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.distributed import DistributedSampler

from pipeline.data.prepared import PreparedDataset
from pipeline.data.source import Split
from pipeline.errors import SixfoldError
from pipeline.training.recipe import Schedule

Batch: TypeAlias = tuple[Tensor, Tensor]
"""Pixels uint8 (N, channels, size, size) and class indices int64 (N,)."""

EVALUATION_BATCH = 256


class SplitImages(Dataset[Batch]):
    """One split, read a batch at a time from the mapped file: no worker processes are needed to keep up."""

    def __init__(self, dataset: PreparedDataset, split: Split) -> None:
        self._images = dataset.images(split)
        self._labels = dataset.labels(split)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """The images at `indices` as one batch."""
        rows = list(indices)
        pixels = torch.from_numpy(self._images[rows]).permute(0, 3, 1, 2)
        return pixels, torch.from_numpy(self._labels[rows])


def _already_a_batch(batch: Any) -> Any:
    return batch


class Batches(pl.LightningDataModule):
    """Train and validation for Lightning.

    With several devices each gets its share of train, while every one scores the whole of validation: that is exact,
    where sharing would count some images twice.
    """

    def __init__(self, dataset: PreparedDataset, batch_size: int, epochs: int, devices: int, seed: int) -> None:
        """Plan the batches.

        Args:
            dataset: the prepared data set.
            batch_size: images per step on all devices together; fewer when train has fewer.
            epochs: passes over train.
            devices: that train together, on all nodes.
            seed: of the order.

        Raises:
            SixfoldError: the batch cannot be shared equally, or leaves batch norm a single image.
        """
        super().__init__()
        self._dataset = dataset
        self._devices = devices
        self._seed = seed
        images = len(dataset.labels("train"))
        whole = min(batch_size, images // devices * devices)
        if whole % devices or whole // devices < 2:
            raise SixfoldError(
                f"params.yaml: train.batch_size: {batch_size} images (train has {images}) on {devices} devices: "
                "each needs the same number, 2 or more"
            )
        self._per_device = whole // devices
        self.schedule = Schedule(whole, images // devices // self._per_device, epochs)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Shuffled anew each epoch; the last images that fill no batch are left out of that epoch."""
        rank = self.trainer.global_rank if self.trainer else 0
        split = SplitImages(self._dataset, "train")
        # Also on one device: its order is a function of seed and epoch, so a resumed run needs no generator's state.
        sampler: DistributedSampler[Batch] = DistributedSampler(
            split, self._devices, rank, shuffle=True, seed=self._seed, drop_last=True
        )
        return DataLoader(split, self._per_device, sampler=sampler, drop_last=True, collate_fn=_already_a_batch)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The validation split in order."""
        return DataLoader(SplitImages(self._dataset, "validation"), EVALUATION_BATCH, collate_fn=_already_a_batch)
