"""One training run, from prepared images to the best weights."""

import logging
import os
import shutil
import sys
import warnings
from dataclasses import dataclass

import lightning.pytorch as pl
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar

from pipeline.data.prepared import PreparedDataset
from pipeline.errors import SixfoldError
from pipeline.models.imagenet import imagenet_start
from pipeline.models.mobilenet_v2 import Architecture, MobileNetV2
from pipeline.params import ModelParams, TrainParams
from pipeline.training.batches import Batches
from pipeline.training.classifier import Classifier
from pipeline.training.record import EpochRow, Record
from pipeline.training.resume import LAST, AtomicCheckpointIO, readable_checkpoint, run_folder


@dataclass(frozen=True)
class Trained:
    """The result of a run.

    Attributes:
        model: with the best weights, in evaluation mode, on the CPU.
        rows: one an epoch.
        best_epoch: 1 for the first; 0 where nothing was trained.
        first: whether this process is the one that writes results (of several devices or nodes).
    """

    model: MobileNetV2
    rows: tuple[EpochRow, ...]
    best_epoch: int
    first: bool


def fit(dataset: PreparedDataset, model_params: ModelParams, params: TrainParams) -> Trained:
    """Train on `dataset`, resuming a killed run with the same inputs; its files are removed at the end.

    Args:
        dataset: prepared images.
        model_params: the network.
        params: the recipe.

    Raises:
        SixfoldError: nothing to train on, or neither epochs nor weights to start from; the loss is not finite, the
            devices are not there, or the batch does not suit them or the data.
    """
    # How many threads share a sum decides its last bits: with one, the bytes are the same on any number of cores. It
    # costs little: layers this small gain next to nothing from a second thread, and lose much where cores are busy.
    # On a CPU `train.devices` processes are the way to use more cores.
    torch.set_num_threads(1)
    architecture = Architecture(
        width=model_params.width,
        num_classes=len(dataset.names),
        in_channels=dataset.channels,
        stem_stride=model_params.stem_stride,
        dropout=model_params.dropout,
    )
    torch.manual_seed(model_params.seed)
    model = MobileNetV2(architecture)
    if model_params.init == "imagenet":
        model.load_state_dict(imagenet_start(model))
    if not params.epochs:
        if model_params.init == "scratch":
            raise SixfoldError("params.yaml: train.epochs: 0 leaves random weights; train, or set model.init: imagenet")
        return Trained(model.eval(), (), 0, first=True)
    if not len(dataset.labels("train")):
        raise SixfoldError(f"{dataset.source} has no images to train on; set train.epochs to 0 in params.yaml")
    folder = run_folder(dataset, {"model": model_params.model_dump(), "train": params.model_dump()})
    checkpoint = readable_checkpoint(folder)
    if checkpoint:
        print(f"resuming {checkpoint}", flush=True)
    nodes = _nodes()
    batches = Batches(dataset, params.batch_size, params.epochs, params.devices * nodes, params.seed)
    classifier = Classifier(
        model,
        dataset.normalization,
        image_size=dataset.image_size,
        recipe=params.recipe,
        augmentation=params.augmentation,
        schedule=batches.schedule,
        seed=params.seed,
    )
    interactive = sys.stderr.isatty()
    record = Record(show=not interactive)
    saver = ModelCheckpoint(folder, filename=LAST, save_on_train_epoch_end=True, enable_version_counter=False)
    _quieten()
    try:
        trainer = pl.Trainer(
            max_epochs=params.epochs,
            accelerator="auto",
            devices=params.devices,
            num_nodes=nodes,
            strategy="auto",
            sync_batchnorm=params.devices * nodes > 1 and torch.cuda.is_available(),
            deterministic=True,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            logger=False,
            default_root_dir=folder,
            plugins=[AtomicCheckpointIO()],
            enable_model_summary=False,
            enable_progress_bar=interactive,
            callbacks=[record, saver, *([TQDMProgressBar()] if interactive else [])],
        )
    except MisconfigurationException as error:
        reason = " ".join(str(error).split())
        raise SixfoldError(f"params.yaml: train.devices: {params.devices} cannot be used here ({reason})") from error
    trainer.fit(classifier, batches, ckpt_path=checkpoint, weights_only=True)
    if trainer.is_global_zero:
        shutil.rmtree(folder, ignore_errors=True)
    best = MobileNetV2(architecture)
    best.load_state_dict(record.best_weights)
    return Trained(best.eval(), tuple(record.rows), record.best_epoch, trainer.is_global_zero)


def _nodes() -> int:
    """Machines that train together, as torchrun or SLURM tells them."""
    return int(os.environ.get("GROUP_WORLD_SIZE") or os.environ.get("SLURM_NNODES") or 1)


def _quieten() -> None:
    """Silence remarks that are no news: the data is in memory, and which devices are there."""
    logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*Checkpoint directory .* exists and is not empty.*")
    # Lightning's use of a part of torch that is about to go.
    warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
