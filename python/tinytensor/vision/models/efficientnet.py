"""EfficientNet (Tan and Le, arXiv 1905.11946) and its second version (2104.00298)."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tinytensor import Tensor, nn

from ..ops.misc import Conv2dNormActivation, SqueezeExcitation
from ..ops.stochastic_depth import StochasticDepth
from ._utils import _make_divisible, fix, initialize, model
from ._weights import weights_of

__all__ = [
    "EfficientNet",
    "EfficientNet_B0_Weights",
    "EfficientNet_B1_Weights",
    "EfficientNet_B2_Weights",
    "EfficientNet_B3_Weights",
    "EfficientNet_B4_Weights",
    "EfficientNet_B5_Weights",
    "EfficientNet_B6_Weights",
    "EfficientNet_B7_Weights",
    "EfficientNet_V2_S_Weights",
    "EfficientNet_V2_M_Weights",
    "EfficientNet_V2_L_Weights",
    "efficientnet_b0",
    "efficientnet_b1",
    "efficientnet_b2",
    "efficientnet_b3",
    "efficientnet_b4",
    "efficientnet_b5",
    "efficientnet_b6",
    "efficientnet_b7",
    "efficientnet_v2_s",
    "efficientnet_v2_m",
    "efficientnet_v2_l",
]

EfficientNet_B0_Weights = weights_of("EfficientNet_B0_Weights", __name__)
EfficientNet_B1_Weights = weights_of("EfficientNet_B1_Weights", __name__)
EfficientNet_B2_Weights = weights_of("EfficientNet_B2_Weights", __name__)
EfficientNet_B3_Weights = weights_of("EfficientNet_B3_Weights", __name__)
EfficientNet_B4_Weights = weights_of("EfficientNet_B4_Weights", __name__)
EfficientNet_B5_Weights = weights_of("EfficientNet_B5_Weights", __name__)
EfficientNet_B6_Weights = weights_of("EfficientNet_B6_Weights", __name__)
EfficientNet_B7_Weights = weights_of("EfficientNet_B7_Weights", __name__)
EfficientNet_V2_S_Weights = weights_of("EfficientNet_V2_S_Weights", __name__)
EfficientNet_V2_M_Weights = weights_of("EfficientNet_V2_M_Weights", __name__)
EfficientNet_V2_L_Weights = weights_of("EfficientNet_V2_L_Weights", __name__)

Layer = Callable[..., nn.Module]


@dataclass
class _MBConvConfig:
    """A stage: expansion, kernel, stride, channels before and after, and how many blocks of which class."""

    expand_ratio: float
    kernel: int
    stride: int
    input_channels: int
    out_channels: int
    num_layers: int
    block: Layer

    @staticmethod
    def adjust_channels(channels: int, width_mult: float, min_value: int | None = None) -> int:
        return _make_divisible(channels * width_mult, 8, min_value)


class MBConvConfig(_MBConvConfig):
    """A stage of MBConv blocks, scaled in width and depth."""

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        width_mult: float = 1.0,
        depth_mult: float = 1.0,
        block: Layer | None = None,
    ) -> None:
        super().__init__(
            expand_ratio,
            kernel,
            stride,
            self.adjust_channels(input_channels, width_mult),
            self.adjust_channels(out_channels, width_mult),
            self.adjust_depth(num_layers, depth_mult),
            block or MBConv,
        )

    @staticmethod
    def adjust_depth(num_layers: int, depth_mult: float) -> int:
        return math.ceil(num_layers * depth_mult)


class FusedMBConvConfig(_MBConvConfig):
    """A stage of FusedMBConv blocks."""

    def __init__(
        self,
        expand_ratio: float,
        kernel: int,
        stride: int,
        input_channels: int,
        out_channels: int,
        num_layers: int,
        block: Layer | None = None,
    ) -> None:
        super().__init__(
            expand_ratio, kernel, stride, input_channels, out_channels, num_layers, block or FusedMBConv
        )


class _Residual(nn.Module):
    """Layers with a shortcut around them where input and output have one shape."""

    def __init__(self, cnf: _MBConvConfig, layers: Sequence[nn.Module], stochastic_depth_prob: float) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError(f"illegal stride value {cnf.stride}")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.block = nn.Sequential(*layers)
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def forward(self, input: Tensor) -> Tensor:
        result = self.block(input)
        if self.use_res_connect:
            result = self.stochastic_depth(result)
            result += input
        return result


class MBConv(_Residual):
    """To many channels, a convolution within each, squeeze and excitation, and back to few."""

    def __init__(
        self,
        cnf: MBConvConfig,
        stochastic_depth_prob: float,
        norm_layer: Layer,
        se_layer: Layer = SqueezeExcitation,
    ) -> None:
        before, width = cnf.input_channels, cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        parts = {"norm_layer": norm_layer, "activation_layer": nn.SiLU}
        within = {"kernel_size": cnf.kernel, "stride": cnf.stride, "groups": width}
        layers: list[nn.Module] = []
        if width != before:
            layers.append(Conv2dNormActivation(before, width, kernel_size=1, **parts))
        layers.append(Conv2dNormActivation(width, width, **within, **parts))
        layers.append(se_layer(width, max(1, before // 4), activation=partial(nn.SiLU, inplace=True)))
        parts["activation_layer"] = None
        layers.append(Conv2dNormActivation(width, cnf.out_channels, kernel_size=1, **parts))
        super().__init__(cnf, layers, stochastic_depth_prob)


class FusedMBConv(_Residual):
    """One full convolution to many channels in the place of the first two of MBConv, and no squeeze."""

    def __init__(self, cnf: FusedMBConvConfig, stochastic_depth_prob: float, norm_layer: Layer) -> None:
        before, width = cnf.input_channels, cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        parts = {"norm_layer": norm_layer, "activation_layer": nn.SiLU}
        expands = width != before
        first = {"kernel_size": cnf.kernel, "stride": cnf.stride}
        layers = [Conv2dNormActivation(before, width if expands else cnf.out_channels, **first, **parts)]
        if expands:
            parts["activation_layer"] = None
            layers.append(Conv2dNormActivation(width, cnf.out_channels, kernel_size=1, **parts))
        super().__init__(cnf, layers, stochastic_depth_prob)


def _uniform_by_outputs(weight: Tensor) -> Tensor:
    bound = 1.0 / math.sqrt(weight.shape[0])
    return nn.init.uniform_(weight, -bound, bound)


def _checked(setting: Any) -> Sequence[_MBConvConfig]:
    if not setting:
        raise ValueError("The inverted_residual_setting should not be empty")
    if not isinstance(setting, Sequence) or not all(isinstance(stage, _MBConvConfig) for stage in setting):
        raise TypeError("The inverted_residual_setting should be List[MBConvConfig]")
    return setting


class EfficientNet(nn.Module):
    """The stages of a setting between two convolutions, and a linear layer.

    Later blocks are left out more often: the probability rises from 0 to `stochastic_depth_prob`.
    """

    def __init__(
        self,
        inverted_residual_setting: Sequence[MBConvConfig | FusedMBConvConfig],
        dropout: float,
        stochastic_depth_prob: float = 0.2,
        num_classes: int = 1000,
        norm_layer: Layer | None = None,
        last_channel: int | None = None,
    ) -> None:
        super().__init__()
        setting = _checked(inverted_residual_setting)
        norm = norm_layer or nn.BatchNorm2d
        parts = {"norm_layer": norm, "activation_layer": nn.SiLU}
        layers: list[nn.Module] = [
            Conv2dNormActivation(3, setting[0].input_channels, kernel_size=3, stride=2, **parts)
        ]
        total = sum(stage.num_layers for stage in setting)
        number = 0
        for stage in setting:
            config = copy.copy(stage)
            blocks = []
            for _ in range(stage.num_layers):
                blocks.append(config.block(config, stochastic_depth_prob * number / total, norm))
                config = copy.copy(config)
                config.input_channels, config.stride = config.out_channels, 1
                number += 1
            layers.append(nn.Sequential(*blocks))
        before = setting[-1].out_channels
        width = 4 * before if last_channel is None else last_channel
        layers.append(Conv2dNormActivation(before, width, kernel_size=1, **parts))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout, inplace=True), nn.Linear(width, num_classes))
        initialize(self, partial(nn.init.kaiming_normal_, mode="fan_out"), _uniform_by_outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


_STAGES = (
    (1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 2), (6, 5, 2, 24, 40, 2), (6, 3, 2, 40, 80, 3),
    (6, 5, 1, 80, 112, 3), (6, 5, 2, 112, 192, 4), (6, 3, 1, 192, 320, 1),
)  # fmt: skip

# The second version's stages: those without squeeze, and those with.
_FUSED = {
    "s": ((1, 3, 1, 24, 24, 2), (4, 3, 2, 24, 48, 4), (4, 3, 2, 48, 64, 4)),
    "m": ((1, 3, 1, 24, 24, 3), (4, 3, 2, 24, 48, 5), (4, 3, 2, 48, 80, 5)),
    "l": ((1, 3, 1, 32, 32, 4), (4, 3, 2, 32, 64, 7), (4, 3, 2, 64, 96, 7)),
}
_SQUEEZED = {
    "s": ((4, 3, 2, 64, 128, 6), (6, 3, 1, 128, 160, 9), (6, 3, 2, 160, 256, 15)),
    "m": ((4, 3, 2, 80, 160, 7), (6, 3, 1, 160, 176, 14), (6, 3, 2, 176, 304, 18), (6, 3, 1, 304, 512, 5)),
    "l": ((4, 3, 2, 96, 192, 10), (6, 3, 1, 192, 224, 19), (6, 3, 2, 224, 384, 25), (6, 3, 1, 384, 640, 7)),
}

# Models whose normalization does not have PyTorch's usual constants.
_SLOW_NORM = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
_WIDE_NORM = partial(nn.BatchNorm2d, eps=0.001)


def _scaled(
    width: float, depth: float, config: dict[str, Any], dropout: float, norm: Layer | None = None
) -> EfficientNet:
    setting = [MBConvConfig(*stage, width_mult=width, depth_mult=depth) for stage in _STAGES]
    if norm is not None:
        fix(config, norm_layer=norm)
    return EfficientNet(setting, **{"dropout": dropout, **config})


def _second(size: str, config: dict[str, Any], dropout: float) -> EfficientNet:
    setting = [FusedMBConvConfig(*stage) for stage in _FUSED[size]]
    setting += [MBConvConfig(*stage) for stage in _SQUEEZED[size]]
    fix(config, norm_layer=_WIDE_NORM, last_channel=1280)
    return EfficientNet(setting, **{"dropout": dropout, **config})


@model(EfficientNet_B0_Weights)
def efficientnet_b0(**config: Any) -> EfficientNet:
    """EfficientNet B0."""
    return _scaled(1.0, 1.0, config, dropout=0.2)


@model(EfficientNet_B1_Weights)
def efficientnet_b1(**config: Any) -> EfficientNet:
    """EfficientNet B1."""
    return _scaled(1.0, 1.1, config, dropout=0.2)


@model(EfficientNet_B2_Weights)
def efficientnet_b2(**config: Any) -> EfficientNet:
    """EfficientNet B2."""
    return _scaled(1.1, 1.2, config, dropout=0.3)


@model(EfficientNet_B3_Weights)
def efficientnet_b3(**config: Any) -> EfficientNet:
    """EfficientNet B3."""
    return _scaled(1.2, 1.4, config, dropout=0.3)


@model(EfficientNet_B4_Weights)
def efficientnet_b4(**config: Any) -> EfficientNet:
    """EfficientNet B4."""
    return _scaled(1.4, 1.8, config, dropout=0.4)


@model(EfficientNet_B5_Weights)
def efficientnet_b5(**config: Any) -> EfficientNet:
    """EfficientNet B5."""
    return _scaled(1.6, 2.2, config, dropout=0.4, norm=_SLOW_NORM)


@model(EfficientNet_B6_Weights)
def efficientnet_b6(**config: Any) -> EfficientNet:
    """EfficientNet B6."""
    return _scaled(1.8, 2.6, config, dropout=0.5, norm=_SLOW_NORM)


@model(EfficientNet_B7_Weights)
def efficientnet_b7(**config: Any) -> EfficientNet:
    """EfficientNet B7."""
    return _scaled(2.0, 3.1, config, dropout=0.5, norm=_SLOW_NORM)


@model(EfficientNet_V2_S_Weights)
def efficientnet_v2_s(**config: Any) -> EfficientNet:
    """EfficientNet v2, size S."""
    return _second("s", config, dropout=0.2)


@model(EfficientNet_V2_M_Weights)
def efficientnet_v2_m(**config: Any) -> EfficientNet:
    """EfficientNet v2, size M."""
    return _second("m", config, dropout=0.3)


@model(EfficientNet_V2_L_Weights)
def efficientnet_v2_l(**config: Any) -> EfficientNet:
    """EfficientNet v2, size L."""
    return _second("l", config, dropout=0.4)
