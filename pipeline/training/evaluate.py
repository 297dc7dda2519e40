"""Scoring a float network."""

import torch
from torch import nn

from pipeline.data.prepared import PreparedDataset
from pipeline.data.source import Split
from pipeline.preprocess import normalise

ROWS_AT_ONCE = 128


def accuracy(model: nn.Module, dataset: PreparedDataset, split: Split) -> float | None:
    """Share (0..1) of a split's images whose greatest logit is their class's; None where the split is empty.

    Args:
        model: in evaluation mode, on the CPU.
        dataset: prepared images.
        split: which of them.
    """
    images, labels = dataset.images(split), dataset.labels(split)
    hits = 0
    with torch.inference_mode():
        for start in range(0, len(labels), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            logits = model(torch.from_numpy(normalise(images[rows], dataset.normalization)))
            hits += int((logits.argmax(dim=1).numpy() == labels[rows]).sum())
    return hits / len(labels) if len(labels) else None
