"""Batches: content, order, shares of several devices."""

import numpy as np
import pytest
import torch

from pipeline.data.prepared import PreparedDataset
from pipeline.errors import SixfoldError
from pipeline.training.batches import Batches, SplitImages
from tests.training.datasets import tiny_dataset


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    return tiny_dataset(tmp_path_factory.mktemp("batches"))


def _epoch(batches: Batches, epoch: int) -> list[bytes]:
    loader = batches.train_dataloader()
    loader.sampler.set_epoch(epoch)
    return [image.numpy().tobytes() for pixels, _ in loader for image in pixels]


def test_a_batch_is_the_rows_of_the_file(dataset: PreparedDataset) -> None:
    pixels, labels = SplitImages(dataset, "train").__getitems__([3, 0])
    np.testing.assert_array_equal(pixels.permute(0, 2, 3, 1).numpy(), dataset.images("train")[[3, 0]])
    assert pixels.dtype == torch.uint8
    assert labels.tolist() == dataset.labels("train")[[3, 0]].tolist()


def test_order_is_of_seed_and_epoch_alone(dataset: PreparedDataset) -> None:
    first, second = (Batches(dataset, 8, 2, devices=1, seed=5) for _ in range(2))
    assert _epoch(first, 0) != _epoch(first, 1)
    assert _epoch(first, 1) == _epoch(second, 1)
    assert _epoch(Batches(dataset, 8, 2, devices=1, seed=6), 1) != _epoch(first, 1)


def test_the_last_incomplete_batch_is_left_out(dataset: PreparedDataset) -> None:
    images = len(dataset.labels("train"))
    batches = Batches(dataset, 8, 3, devices=1, seed=0)
    assert batches.schedule.steps_per_epoch == images // 8 == len(batches.train_dataloader())
    assert batches.schedule.steps == 3 * batches.schedule.steps_per_epoch
    assert Batches(dataset, 10_000, 1, devices=1, seed=0).schedule.steps_per_epoch == 1


def test_two_devices_share_the_batch(dataset: PreparedDataset) -> None:
    one, two = (Batches(dataset, 8, 1, devices=devices, seed=0) for devices in (1, 2))
    assert one.schedule.batch_size == two.schedule.batch_size == 8
    assert {len(labels) for _, labels in two.train_dataloader()} == {4}


@pytest.mark.parametrize(("batch_size", "devices"), [(9, 2), (2, 2), (8, 50)])
def test_shares_that_do_not_work_are_named(dataset: PreparedDataset, batch_size: int, devices: int) -> None:
    with pytest.raises(SixfoldError, match=rf"train\.batch_size: {batch_size} images .* on {devices} devices"):
        Batches(dataset, batch_size, 1, devices=devices, seed=0)


def test_validation_is_whole_and_in_order(dataset: PreparedDataset) -> None:
    labels = torch.cat([labels for _, labels in Batches(dataset, 8, 1, devices=2, seed=0).val_dataloader()])
    assert labels.tolist() == dataset.labels("validation").tolist()
