"""ConvNeXt: a convolutional network with a transformer's habits (Liu et al., arXiv 2201.03545)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import tinytensor
from tinytensor import Tensor, nn
from tinytensor.nn import functional as F

from ..ops.misc import Conv2dNormActivation, Permute
from ..ops.stochastic_depth import StochasticDepth
from ._utils import initialize, model
from ._weights import weights_of

__all__ = [
    "ConvNeXt",
    "ConvNeXt_Tiny_Weights",
    "ConvNeXt_Small_Weights",
    "ConvNeXt_Base_Weights",
    "ConvNeXt_Large_Weights",
    "convnext_tiny",
    "convnext_small",
    "convnext_base",
    "convnext_large",
]

ConvNeXt_Tiny_Weights = weights_of("ConvNeXt_Tiny_Weights", __name__)
ConvNeXt_Small_Weights = weights_of("ConvNeXt_Small_Weights", __name__)
ConvNeXt_Base_Weights = weights_of("ConvNeXt_Base_Weights", __name__)
ConvNeXt_Large_Weights = weights_of("ConvNeXt_Large_Weights", __name__)

Layer = Callable[..., nn.Module]


class LayerNorm2d(nn.LayerNorm):
    """LayerNorm over the channels of (N, C, H, W)."""

    def forward(self, x: Tensor) -> Tensor:
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class CNBlock(nn.Module):
    """A 7 x 7 convolution within each channel, then two linear layers over the channels, scaled and added."""

    def __init__(
        self, dim: int, layer_scale: float, stochastic_depth_prob: float, norm_layer: Layer | None = None
    ) -> None:
        super().__init__()
        norm = norm_layer or partial(nn.LayerNorm, eps=1e-6)
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, kernel_size=7, padding=3, groups=dim, bias=True),
            Permute([0, 2, 3, 1]),
            norm(dim),
            nn.Linear(dim, 4 * dim),
            nn.GELU(),
            nn.Linear(4 * dim, dim),
            Permute([0, 3, 1, 2]),
        )
        self.layer_scale = nn.Parameter(tinytensor.full((dim, 1, 1), layer_scale))
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")

    def forward(self, input: Tensor) -> Tensor:
        result = self.stochastic_depth(self.layer_scale * self.block(input))
        result += input
        return result


class CNBlockConfig:
    """A stage: channels in it and after it (None for the last), and how many blocks."""

    def __init__(self, input_channels: int, out_channels: int | None, num_layers: int) -> None:
        self.input_channels = input_channels
        self.out_channels = out_channels
        self.num_layers = num_layers

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in vars(self).items())})"


class ConvNeXt(nn.Module):
    """Stages of blocks; 2 x 2 convolutions between them halve the size.

    Later blocks are left out more often: the probability rises from 0 to `stochastic_depth_prob`.
    """

    def __init__(
        self,
        block_setting: Sequence[CNBlockConfig],
        stochastic_depth_prob: float = 0.0,
        layer_scale: float = 1e-6,
        num_classes: int = 1000,
        block: Layer | None = None,
        norm_layer: Layer | None = None,
    ) -> None:
        super().__init__()
        if not block_setting:
            raise ValueError("The block_setting should not be empty")
        if not isinstance(block_setting, Sequence) or not all(
            isinstance(s, CNBlockConfig) for s in block_setting
        ):
            raise TypeError("The block_setting should be List[CNBlockConfig]")
        make = block or CNBlock
        norm = norm_layer or partial(LayerNorm2d, eps=1e-6)
        stem = {"kernel_size": 4, "stride": 4, "padding": 0, "activation_layer": None, "bias": True}
        layers: list[nn.Module] = [
            Conv2dNormActivation(3, block_setting[0].input_channels, norm_layer=norm, **stem)
        ]
        last = sum(stage.num_layers for stage in block_setting) - 1
        number = 0
        for stage in block_setting:
            width = stage.input_channels
            numbers = range(number, number + stage.num_layers)
            layers.append(
                nn.Sequential(*(make(width, layer_scale, stochastic_depth_prob * n / last) for n in numbers))
            )
            number = numbers.stop
            if stage.out_channels is not None:
                halving = nn.Conv2d(width, stage.out_channels, kernel_size=2, stride=2)
                layers.append(nn.Sequential(norm(width), halving))
                width = stage.out_channels
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(norm(width), nn.Flatten(1), nn.Linear(width, num_classes))
        draw = partial(nn.init.trunc_normal_, std=0.02)
        initialize(self, draw, draw)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)))


def _network(
    widths: Sequence[int], depths: Sequence[int], depth_prob: float, config: dict[str, Any]
) -> ConvNeXt:
    setting = [CNBlockConfig(*stage) for stage in zip(widths, [*widths[1:], None], depths)]
    return ConvNeXt(setting, **{"stochastic_depth_prob": depth_prob, **config})


@model(ConvNeXt_Tiny_Weights)
def convnext_tiny(**config: Any) -> ConvNeXt:
    """ConvNeXt, tiny."""
    return _network((96, 192, 384, 768), (3, 3, 9, 3), 0.1, config)


@model(ConvNeXt_Small_Weights)
def convnext_small(**config: Any) -> ConvNeXt:
    """ConvNeXt, small."""
    return _network((96, 192, 384, 768), (3, 3, 27, 3), 0.4, config)


@model(ConvNeXt_Base_Weights)
def convnext_base(**config: Any) -> ConvNeXt:
    """ConvNeXt, base."""
    return _network((128, 256, 512, 1024), (3, 3, 27, 3), 0.5, config)


@model(ConvNeXt_Large_Weights)
def convnext_large(**config: Any) -> ConvNeXt:
    """ConvNeXt, large."""
    return _network((192, 384, 768, 1536), (3, 3, 27, 3), 0.5, config)
