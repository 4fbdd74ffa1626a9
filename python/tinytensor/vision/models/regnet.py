"""RegNet: networks whose widths follow a line (Radosavovic et al., arXiv 2003.13678)."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from itertools import groupby
from typing import Any

from tinytensor import Tensor, nn

from ..ops.misc import Conv2dNormActivation, SqueezeExcitation
from ._utils import _make_divisible, model
from ._weights import weights_of

__all__ = [
    "RegNet",
    "RegNet_Y_400MF_Weights",
    "RegNet_Y_800MF_Weights",
    "RegNet_Y_1_6GF_Weights",
    "RegNet_Y_3_2GF_Weights",
    "RegNet_Y_8GF_Weights",
    "RegNet_Y_16GF_Weights",
    "RegNet_Y_32GF_Weights",
    "RegNet_Y_128GF_Weights",
    "RegNet_X_400MF_Weights",
    "RegNet_X_800MF_Weights",
    "RegNet_X_1_6GF_Weights",
    "RegNet_X_3_2GF_Weights",
    "RegNet_X_8GF_Weights",
    "RegNet_X_16GF_Weights",
    "RegNet_X_32GF_Weights",
    "regnet_y_400mf",
    "regnet_y_800mf",
    "regnet_y_1_6gf",
    "regnet_y_3_2gf",
    "regnet_y_8gf",
    "regnet_y_16gf",
    "regnet_y_32gf",
    "regnet_y_128gf",
    "regnet_x_400mf",
    "regnet_x_800mf",
    "regnet_x_1_6gf",
    "regnet_x_3_2gf",
    "regnet_x_8gf",
    "regnet_x_16gf",
    "regnet_x_32gf",
]

RegNet_Y_400MF_Weights = weights_of("RegNet_Y_400MF_Weights", __name__)
RegNet_Y_800MF_Weights = weights_of("RegNet_Y_800MF_Weights", __name__)
RegNet_Y_1_6GF_Weights = weights_of("RegNet_Y_1_6GF_Weights", __name__)
RegNet_Y_3_2GF_Weights = weights_of("RegNet_Y_3_2GF_Weights", __name__)
RegNet_Y_8GF_Weights = weights_of("RegNet_Y_8GF_Weights", __name__)
RegNet_Y_16GF_Weights = weights_of("RegNet_Y_16GF_Weights", __name__)
RegNet_Y_32GF_Weights = weights_of("RegNet_Y_32GF_Weights", __name__)
RegNet_Y_128GF_Weights = weights_of("RegNet_Y_128GF_Weights", __name__)
RegNet_X_400MF_Weights = weights_of("RegNet_X_400MF_Weights", __name__)
RegNet_X_800MF_Weights = weights_of("RegNet_X_800MF_Weights", __name__)
RegNet_X_1_6GF_Weights = weights_of("RegNet_X_1_6GF_Weights", __name__)
RegNet_X_3_2GF_Weights = weights_of("RegNet_X_3_2GF_Weights", __name__)
RegNet_X_8GF_Weights = weights_of("RegNet_X_8GF_Weights", __name__)
RegNet_X_16GF_Weights = weights_of("RegNet_X_16GF_Weights", __name__)
RegNet_X_32GF_Weights = weights_of("RegNet_X_32GF_Weights", __name__)

Layer = Callable[..., nn.Module]


class SimpleStemIN(Conv2dNormActivation):
    """A 3 x 3 convolution that halves the size."""

    def __init__(self, width_in: int, width_out: int, norm_layer: Layer, activation_layer: Layer) -> None:
        parts = {"norm_layer": norm_layer, "activation_layer": activation_layer}
        super().__init__(width_in, width_out, kernel_size=3, stride=2, **parts)


class BottleneckTransform(nn.Sequential):
    """1 x 1, 3 x 3 in groups, squeeze and excitation where there is a ratio, and 1 x 1."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        norm_layer: Layer,
        activation_layer: Layer,
        group_width: int,
        bottleneck_multiplier: float,
        se_ratio: float | None,
    ) -> None:
        width = int(round(width_out * bottleneck_multiplier))
        parts = {"norm_layer": norm_layer, "activation_layer": activation_layer}
        within = {"kernel_size": 3, "stride": stride, "groups": width // group_width}
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        layers["a"] = Conv2dNormActivation(width_in, width, kernel_size=1, **parts)
        layers["b"] = Conv2dNormActivation(width, width, **within, **parts)
        if se_ratio:
            squeezed = int(round(se_ratio * width_in))
            layers["se"] = SqueezeExcitation(width, squeezed, activation=activation_layer)
        parts["activation_layer"] = None
        layers["c"] = Conv2dNormActivation(width, width_out, kernel_size=1, **parts)
        super().__init__(layers)


class ResBottleneckBlock(nn.Module):
    """A bottleneck beside a shortcut."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        norm_layer: Layer,
        activation_layer: Layer,
        group_width: int = 1,
        bottleneck_multiplier: float = 1.0,
        se_ratio: float | None = None,
    ) -> None:
        super().__init__()
        self.proj = None
        if width_in != width_out or stride != 1:
            parts = {"norm_layer": norm_layer, "activation_layer": None}
            self.proj = Conv2dNormActivation(width_in, width_out, kernel_size=1, stride=stride, **parts)
        layers = (norm_layer, activation_layer)
        self.f = BottleneckTransform(
            width_in, width_out, stride, *layers, group_width, bottleneck_multiplier, se_ratio
        )
        self.activation = activation_layer(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.proj is None else self.proj(x)
        return self.activation(shortcut + self.f(x))


class AnyStage(nn.Sequential):
    """Blocks of one width; the first has the stride."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        depth: int,
        block_constructor: Layer,
        norm_layer: Layer,
        activation_layer: Layer,
        group_width: int,
        bottleneck_multiplier: float,
        se_ratio: float | None = None,
        stage_index: int = 0,
    ) -> None:
        super().__init__()
        shared = (norm_layer, activation_layer, group_width, bottleneck_multiplier, se_ratio)
        for index in range(depth):
            size = (width_in, width_out, stride) if index == 0 else (width_out, width_out, 1)
            self.add_module(f"block{stage_index}-{index}", block_constructor(*size, *shared))


class BlockParams:
    """Depth, width, width of a group, bottleneck and stride of every stage."""

    def __init__(
        self,
        depths: list[int],
        widths: list[int],
        group_widths: list[int],
        bottleneck_multipliers: list[float],
        strides: list[int],
        se_ratio: float | None = None,
    ) -> None:
        self.depths = depths
        self.widths = widths
        self.group_widths = group_widths
        self.bottleneck_multipliers = bottleneck_multipliers
        self.strides = strides
        self.se_ratio = se_ratio

    @classmethod
    def from_init_params(
        cls,
        depth: int,
        w_0: int,
        w_a: float,
        w_m: float,
        group_width: int,
        bottleneck_multiplier: float = 1.0,
        se_ratio: float | None = None,
    ) -> BlockParams:
        """The stages of a RegNet. Block j would be w_0 + w_a j wide; it takes the nearest w_0 w_m^k, k whole,
        rounded to a multiple of 8. Blocks of one width are a stage.
        """
        if w_a < 0 or w_0 <= 0 or w_m <= 1 or w_0 % 8 != 0:
            raise ValueError(f"Invalid RegNet settings: w_0={w_0}, w_a={w_a}, w_m={w_m}")
        powers = [round(math.log((w_0 + w_a * j) / w_0) / math.log(w_m)) for j in range(depth)]
        block_widths = [round(w_0 * w_m**power / 8) * 8 for power in powers]
        stages = [(width, len(list(blocks))) for width, blocks in groupby(block_widths)]
        widths, groups = [], []
        for width, _ in stages:
            inner = int(width * bottleneck_multiplier)
            group = min(group_width, inner)
            groups.append(group)
            widths.append(int(_make_divisible(inner, group) / bottleneck_multiplier))
        count = len(stages)
        depths = [blocks for _, blocks in stages]
        return cls(depths, widths, groups, [bottleneck_multiplier] * count, [2] * count, se_ratio)


class RegNet(nn.Module):
    """A stem, the stages, and a linear layer."""

    def __init__(
        self,
        block_params: BlockParams,
        num_classes: int = 1000,
        stem_width: int = 32,
        stem_type: Layer | None = None,
        block_type: Layer | None = None,
        norm_layer: Layer | None = None,
        activation: Layer | None = None,
    ) -> None:
        super().__init__()
        layers = (norm_layer or nn.BatchNorm2d, activation or nn.ReLU)
        make = block_type or ResBottleneckBlock
        self.stem = (stem_type or SimpleStemIN)(3, stem_width, *layers)
        self.trunk_output = nn.Sequential()
        stages = zip(
            block_params.widths,
            block_params.strides,
            block_params.depths,
            block_params.group_widths,
            block_params.bottleneck_multipliers,
        )
        before = stem_width
        for number, (width, stride, depth, group, bottleneck) in enumerate(stages, 1):
            shape = (before, width, stride, depth, make, *layers, group, bottleneck, block_params.se_ratio)
            self.trunk_output.add_module(f"block{number}", AnyStage(*shape, stage_index=number))
            before = width
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(before, num_classes)
        self._draw_weights()

    def _draw_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                outputs = math.prod(module.kernel_size) * module.out_channels
                nn.init.normal_(module.weight, mean=0.0, std=math.sqrt(2.0 / outputs))
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, mean=0.0, std=0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.avgpool(self.trunk_output(self.stem(x))).flatten(1))


def _network(
    depth: int,
    w_0: int,
    w_a: float,
    w_m: float,
    group_width: int,
    config: dict[str, Any],
    squeeze: bool = False,
) -> RegNet:
    scales = {name: config.pop(name) for name in ("bottleneck_multiplier",) if name in config}
    params = BlockParams.from_init_params(
        depth, w_0, w_a, w_m, group_width, se_ratio=0.25 if squeeze else None, **scales
    )
    return RegNet(params, **config)


@model(RegNet_Y_400MF_Weights)
def regnet_y_400mf(**config: Any) -> RegNet:
    """RegNetY of 400 MFLOP."""
    return _network(16, 48, 27.89, 2.09, 8, config, squeeze=True)


@model(RegNet_Y_800MF_Weights)
def regnet_y_800mf(**config: Any) -> RegNet:
    """RegNetY of 800 MFLOP."""
    return _network(14, 56, 38.84, 2.4, 16, config, squeeze=True)


@model(RegNet_Y_1_6GF_Weights)
def regnet_y_1_6gf(**config: Any) -> RegNet:
    """RegNetY of 1.6 GFLOP."""
    return _network(27, 48, 20.71, 2.65, 24, config, squeeze=True)


@model(RegNet_Y_3_2GF_Weights)
def regnet_y_3_2gf(**config: Any) -> RegNet:
    """RegNetY of 3.2 GFLOP."""
    return _network(21, 80, 42.63, 2.66, 24, config, squeeze=True)


@model(RegNet_Y_8GF_Weights)
def regnet_y_8gf(**config: Any) -> RegNet:
    """RegNetY of 8 GFLOP."""
    return _network(17, 192, 76.82, 2.19, 56, config, squeeze=True)


@model(RegNet_Y_16GF_Weights)
def regnet_y_16gf(**config: Any) -> RegNet:
    """RegNetY of 16 GFLOP."""
    return _network(18, 200, 106.23, 2.48, 112, config, squeeze=True)


@model(RegNet_Y_32GF_Weights)
def regnet_y_32gf(**config: Any) -> RegNet:
    """RegNetY of 32 GFLOP."""
    return _network(20, 232, 115.89, 2.53, 232, config, squeeze=True)


@model(RegNet_Y_128GF_Weights)
def regnet_y_128gf(**config: Any) -> RegNet:
    """RegNetY of 128 GFLOP."""
    return _network(27, 456, 160.83, 2.52, 264, config, squeeze=True)


@model(RegNet_X_400MF_Weights)
def regnet_x_400mf(**config: Any) -> RegNet:
    """RegNetX of 400 MFLOP."""
    return _network(22, 24, 24.48, 2.54, 16, config)


@model(RegNet_X_800MF_Weights)
def regnet_x_800mf(**config: Any) -> RegNet:
    """RegNetX of 800 MFLOP."""
    return _network(16, 56, 35.73, 2.28, 16, config)


@model(RegNet_X_1_6GF_Weights)
def regnet_x_1_6gf(**config: Any) -> RegNet:
    """RegNetX of 1.6 GFLOP."""
    return _network(18, 80, 34.01, 2.25, 24, config)


@model(RegNet_X_3_2GF_Weights)
def regnet_x_3_2gf(**config: Any) -> RegNet:
    """RegNetX of 3.2 GFLOP."""
    return _network(25, 88, 26.31, 2.25, 48, config)


@model(RegNet_X_8GF_Weights)
def regnet_x_8gf(**config: Any) -> RegNet:
    """RegNetX of 8 GFLOP."""
    return _network(23, 80, 49.56, 2.88, 120, config)


@model(RegNet_X_16GF_Weights)
def regnet_x_16gf(**config: Any) -> RegNet:
    """RegNetX of 16 GFLOP."""
    return _network(22, 216, 55.59, 2.1, 128, config)


@model(RegNet_X_32GF_Weights)
def regnet_x_32gf(**config: Any) -> RegNet:
    """RegNetX of 32 GFLOP."""
    return _network(23, 320, 69.86, 2.0, 168, config)
