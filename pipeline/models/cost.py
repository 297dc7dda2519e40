"""Parameters and multiply-adds of a network, counted layer by layer."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class LayerCost:
    """One convolution or matrix product: multiply-adds of one image, and weights (biases left out)."""

    name: str
    macs: int
    weights: int


@dataclass(frozen=True)
class Cost:
    """What one inference takes.

    Attributes:
        parameters: everything trained: weights, biases, and batch norm's two vectors.
        weights: convolution and classifier weights alone.
        macs: multiply-adds of all convolutions and the classifier, for one image.
        layers: the same in execution order.
    """

    parameters: int
    weights: int
    macs: int
    layers: tuple[LayerCost, ...]


def cost(model: nn.Module, channels: int, height: int, width: int) -> Cost:
    """Count `model` on one image of (channels, height, width) by running it without data.

    A multiply-add is one product of a weight and an activation: additions of biases and residuals, batch norm (which
    folds away), ReLU6 and pooling count nothing, as in the paper's Table 4. The model is left as it was.
    """
    layers: list[LayerCost] = []
    names = {module: name for name, module in model.named_modules()}

    def record(module: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        weight = module.weight
        assert isinstance(weight, Tensor)
        # Every output position (of every channel) takes one multiply-add per weight of its filter.
        positions = output.shape[1:].numel() // weight.shape[0]
        layers.append(LayerCost(names[module], positions * weight.numel(), weight.numel()))

    counted = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    hooks = [module.register_forward_hook(record) for module in counted]
    training = model.training
    try:
        model.eval()
        device = torch.device("meta")
        state = {name: value.to(device) for name, value in model.state_dict().items()}
        with torch.no_grad():
            torch.func.functional_call(model, state, torch.empty(1, channels, height, width, device=device))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return Cost(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        weights=sum(layer.weights for layer in layers),
        macs=sum(layer.macs for layer in layers),
        layers=tuple(layers),
    )
