"""DenseNet: every layer sees all before it in its block (Huang et al., arXiv 1608.06993)."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import tinytensor
from tinytensor import Tensor, nn
from tinytensor.nn import functional as F

from ._utils import initialize, model
from ._weights import weights_of

__all__ = [
    "DenseNet",
    "DenseNet121_Weights",
    "DenseNet161_Weights",
    "DenseNet169_Weights",
    "DenseNet201_Weights",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
]

DenseNet121_Weights = weights_of("DenseNet121_Weights", __name__)
DenseNet161_Weights = weights_of("DenseNet161_Weights", __name__)
DenseNet169_Weights = weights_of("DenseNet169_Weights", __name__)
DenseNet201_Weights = weights_of("DenseNet201_Weights", __name__)


class _DenseLayer(nn.Module):
    def __init__(
        self,
        num_input_features: int,
        growth_rate: int,
        bn_size: int,
        drop_rate: float,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        width = bn_size * growth_rate
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, width, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, growth_rate, kernel_size=3, padding=1, bias=False)
        self.drop_rate = float(drop_rate)
        self.memory_efficient = memory_efficient

    def bn_function(self, *inputs: Tensor) -> Tensor:
        """The bottleneck on all features so far."""
        return self.conv1(self.relu1(self.norm1(tinytensor.cat(inputs, 1))))

    def forward(self, input: Tensor | Sequence[Tensor]) -> Tensor:
        features = [input] if isinstance(input, Tensor) else input
        if self.memory_efficient and any(feature.requires_grad for feature in features):
            from tinytensor.utils.checkpoint import checkpoint

            narrow = checkpoint(self.bn_function, *features, use_reentrant=False)
        else:
            narrow = self.bn_function(*features)
        new = self.conv2(self.relu2(self.norm2(narrow)))
        return F.dropout(new, p=self.drop_rate, training=self.training) if self.drop_rate > 0 else new


class _DenseBlock(nn.ModuleDict):
    _version = 2

    def __init__(self, num_layers: int, num_input_features: int, growth_rate: int, **options: Any) -> None:
        super().__init__()
        for index in range(num_layers):
            layer = _DenseLayer(num_input_features + index * growth_rate, growth_rate, **options)
            self.add_module(f"denselayer{index + 1}", layer)

    def forward(self, init_features: Tensor) -> Tensor:
        features = [init_features]
        for layer in self.values():
            features.append(layer(features))
        return tinytensor.cat(features, 1)


class _Transition(nn.Sequential):
    def __init__(self, num_input_features: int, num_output_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, kernel_size=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)


class DenseNet(nn.Module):
    """A stem, dense blocks with transitions that halve channels and size, and a linear layer.

    `memory_efficient` computes the bottlenecks again in backward instead of keeping them.
    """

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: Sequence[int] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        drop_rate: float = 0,
        num_classes: int = 1000,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        stem = nn.Conv2d(3, num_init_features, kernel_size=7, stride=2, padding=3, bias=False)
        self.features = nn.Sequential(
            OrderedDict(
                conv0=stem,
                norm0=nn.BatchNorm2d(num_init_features),
                relu0=nn.ReLU(inplace=True),
                pool0=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            )
        )
        options = {"bn_size": bn_size, "drop_rate": drop_rate, "memory_efficient": memory_efficient}
        channels = num_init_features
        for number, num_layers in enumerate(block_config, 1):
            block = _DenseBlock(num_layers, channels, growth_rate, **options)
            self.features.add_module(f"denseblock{number}", block)
            channels += num_layers * growth_rate
            if number < len(block_config):
                self.features.add_module(f"transition{number}", _Transition(channels, channels // 2))
                channels //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(channels))
        self.classifier = nn.Linear(channels, num_classes)
        initialize(self, nn.init.kaiming_normal_, linear=lambda weight: weight)

    def forward(self, x: Tensor) -> Tensor:
        features = F.relu(self.features(x), inplace=True)
        return self.classifier(F.adaptive_avg_pool2d(features, (1, 1)).flatten(1))


_OLD_KEY = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


def _new_keys(state: dict[str, Any]) -> dict[str, Any]:
    """The published files still have the names norm.1 and conv.2, which cannot be attributes."""
    return {_OLD_KEY.sub(r"\1\2", key): value for key, value in state.items()}


@model(DenseNet121_Weights, convert=_new_keys)
def densenet121(**config: Any) -> DenseNet:
    """DenseNet-121."""
    return DenseNet(32, (6, 12, 24, 16), 64, **config)


@model(DenseNet161_Weights, convert=_new_keys)
def densenet161(**config: Any) -> DenseNet:
    """DenseNet-161, whose layers grow by 48 channels."""
    return DenseNet(48, (6, 12, 36, 24), 96, **config)


@model(DenseNet169_Weights, convert=_new_keys)
def densenet169(**config: Any) -> DenseNet:
    """DenseNet-169."""
    return DenseNet(32, (6, 12, 32, 32), 64, **config)


@model(DenseNet201_Weights, convert=_new_keys)
def densenet201(**config: Any) -> DenseNet:
    """DenseNet-201."""
    return DenseNet(32, (6, 12, 48, 32), 64, **config)
