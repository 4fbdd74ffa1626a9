"""VGG: stacks of 3 x 3 convolutions (Simonyan and Zisserman, arXiv 1409.1556)."""

from __future__ import annotations

from functools import partial
from typing import Any

from tinytensor import Tensor, nn

from ._utils import initialize, model, num_classes_of
from ._weights import weights_of

__all__ = [
    "VGG",
    "VGG11_Weights",
    "VGG11_BN_Weights",
    "VGG13_Weights",
    "VGG13_BN_Weights",
    "VGG16_Weights",
    "VGG16_BN_Weights",
    "VGG19_Weights",
    "VGG19_BN_Weights",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
]

VGG11_Weights = weights_of("VGG11_Weights", __name__)
VGG11_BN_Weights = weights_of("VGG11_BN_Weights", __name__)
VGG13_Weights = weights_of("VGG13_Weights", __name__)
VGG13_BN_Weights = weights_of("VGG13_BN_Weights", __name__)
VGG16_Weights = weights_of("VGG16_Weights", __name__)
VGG16_BN_Weights = weights_of("VGG16_BN_Weights", __name__)
VGG19_Weights = weights_of("VGG19_Weights", __name__)
VGG19_BN_Weights = weights_of("VGG19_BN_Weights", __name__)

# Convolutions in each of the five stages, by depth.
_STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_CHANNELS = (64, 128, 256, 512, 512)


class VGG(nn.Module):
    """The given layers of convolutions, and three linear layers."""

    def __init__(
        self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            draw = partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu")
            initialize(self, draw, partial(nn.init.normal_, mean=0, std=0.01))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def _features(depth: int, batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    before = 3
    for repeats, channels in zip(_STAGES[depth], _CHANNELS):
        for _ in range(repeats):
            layers.append(nn.Conv2d(before, channels, kernel_size=3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(channels))
            layers.append(nn.ReLU(inplace=True))
            before = channels
        layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
    return nn.Sequential(*layers)


def _undrawn(chosen: Any, config: dict[str, Any]) -> dict[str, Any]:
    return num_classes_of(chosen, {**config, "init_weights": False})


@model(VGG11_Weights, prepare=_undrawn)
def vgg11(**config: Any) -> VGG:
    """VGG with 11 layers."""
    return VGG(_features(11, batch_norm=False), **config)


@model(VGG11_BN_Weights, prepare=_undrawn)
def vgg11_bn(**config: Any) -> VGG:
    """VGG with 11 layers and batch normalization."""
    return VGG(_features(11, batch_norm=True), **config)


@model(VGG13_Weights, prepare=_undrawn)
def vgg13(**config: Any) -> VGG:
    """VGG with 13 layers."""
    return VGG(_features(13, batch_norm=False), **config)


@model(VGG13_BN_Weights, prepare=_undrawn)
def vgg13_bn(**config: Any) -> VGG:
    """VGG with 13 layers and batch normalization."""
    return VGG(_features(13, batch_norm=True), **config)


@model(VGG16_Weights, prepare=_undrawn)
def vgg16(**config: Any) -> VGG:
    """VGG with 16 layers."""
    return VGG(_features(16, batch_norm=False), **config)


@model(VGG16_BN_Weights, prepare=_undrawn)
def vgg16_bn(**config: Any) -> VGG:
    """VGG with 16 layers and batch normalization."""
    return VGG(_features(16, batch_norm=True), **config)


@model(VGG19_Weights, prepare=_undrawn)
def vgg19(**config: Any) -> VGG:
    """VGG with 19 layers."""
    return VGG(_features(19, batch_norm=False), **config)


@model(VGG19_BN_Weights, prepare=_undrawn)
def vgg19_bn(**config: Any) -> VGG:
    """VGG with 19 layers and batch normalization."""
    return VGG(_features(19, batch_norm=True), **config)
