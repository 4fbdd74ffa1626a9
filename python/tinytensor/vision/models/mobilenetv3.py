"""MobileNet v3, found by search (Howard et al., arXiv 1905.02244)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tinytensor import Tensor, nn

from ..ops.misc import Conv2dNormActivation, SqueezeExcitation
from ._utils import _make_divisible, initialize, model
from ._weights import weights_of

__all__ = [
    "MobileNetV3",
    "MobileNet_V3_Large_Weights",
    "MobileNet_V3_Small_Weights",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
]

MobileNet_V3_Large_Weights = weights_of("MobileNet_V3_Large_Weights", __name__)
MobileNet_V3_Small_Weights = weights_of("MobileNet_V3_Small_Weights", __name__)

Layer = Callable[..., nn.Module]


class InvertedResidualConfig:
    """One block: channels before, within and after, kernel, whether it squeezes; activation "RE" or "HS"."""

    def __init__(
        self,
        input_channels: int,
        kernel: int,
        expanded_channels: int,
        out_channels: int,
        use_se: bool,
        activation: str,
        stride: int,
        dilation: int,
        width_mult: float,
    ) -> None:
        self.input_channels = self.adjust_channels(input_channels, width_mult)
        self.kernel = kernel
        self.expanded_channels = self.adjust_channels(expanded_channels, width_mult)
        self.out_channels = self.adjust_channels(out_channels, width_mult)
        self.use_se = use_se
        self.use_hs = activation == "HS"
        self.stride = stride
        self.dilation = dilation

    @staticmethod
    def adjust_channels(channels: int, width_mult: float) -> int:
        return _make_divisible(channels * width_mult, 8)


class InvertedResidual(nn.Module):
    """To many channels, a convolution within each, squeeze and excitation, and back to few."""

    def __init__(
        self,
        cnf: InvertedResidualConfig,
        norm_layer: Layer,
        se_layer: Layer = partial(SqueezeExcitation, scale_activation=nn.Hardsigmoid),
    ) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError(f"illegal stride value {cnf.stride}")
        width = cnf.expanded_channels
        parts = {"norm_layer": norm_layer, "activation_layer": nn.Hardswish if cnf.use_hs else nn.ReLU}
        layers: list[nn.Module] = []
        if width != cnf.input_channels:
            layers.append(Conv2dNormActivation(cnf.input_channels, width, kernel_size=1, **parts))
        layers.append(
            Conv2dNormActivation(
                width,
                width,
                kernel_size=cnf.kernel,
                stride=1 if cnf.dilation > 1 else cnf.stride,
                dilation=cnf.dilation,
                groups=width,
                **parts,
            )
        )
        if cnf.use_se:
            layers.append(se_layer(width, _make_divisible(width // 4, 8)))
        parts["activation_layer"] = None
        layers.append(Conv2dNormActivation(width, cnf.out_channels, kernel_size=1, **parts))
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        self.block = nn.Sequential(*layers)
        self.out_channels = cnf.out_channels
        self._is_cn = cnf.stride > 1

    def forward(self, input: Tensor) -> Tensor:
        result = self.block(input)
        if self.use_res_connect:
            result += input
        return result


class MobileNetV3(nn.Module):
    """The blocks of a setting between two convolutions, and two linear layers."""

    def __init__(
        self,
        inverted_residual_setting: Sequence[InvertedResidualConfig],
        last_channel: int,
        num_classes: int = 1000,
        block: Layer | None = None,
        norm_layer: Layer | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        setting = inverted_residual_setting
        if not setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not isinstance(setting, Sequence) or not all(
            isinstance(s, InvertedResidualConfig) for s in setting
        ):
            raise TypeError("The inverted_residual_setting should be List[InvertedResidualConfig]")
        make = block or InvertedResidual
        norm = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        parts = {"norm_layer": norm, "activation_layer": nn.Hardswish}
        before, width = setting[-1].out_channels, 6 * setting[-1].out_channels
        self.features = nn.Sequential(
            Conv2dNormActivation(3, setting[0].input_channels, kernel_size=3, stride=2, **parts),
            *(make(cnf, norm) for cnf in setting),
            Conv2dNormActivation(before, width, kernel_size=1, **parts),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(width, last_channel),
            nn.Hardswish(inplace=True),
            nn.Dropout(p=dropout, inplace=True),
            nn.Linear(last_channel, num_classes),
        )
        draw = partial(nn.init.kaiming_normal_, mode="fan_out")
        initialize(self, draw, partial(nn.init.normal_, mean=0, std=0.01))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


# Channels before, kernel, channels within and after, squeeze, activation, stride. The last blocks are the
# tail, which reduced_tail halves and dilated dilates.
_LARGE = (
    (16, 3, 16, 16, False, "RE", 1), (16, 3, 64, 24, False, "RE", 2), (24, 3, 72, 24, False, "RE", 1),
    (24, 5, 72, 40, True, "RE", 2), (40, 5, 120, 40, True, "RE", 1), (40, 5, 120, 40, True, "RE", 1),
    (40, 3, 240, 80, False, "HS", 2), (80, 3, 200, 80, False, "HS", 1), (80, 3, 184, 80, False, "HS", 1),
    (80, 3, 184, 80, False, "HS", 1), (80, 3, 480, 112, True, "HS", 1), (112, 3, 672, 112, True, "HS", 1),
    (112, 5, 672, 160, True, "HS", 2), (160, 5, 960, 160, True, "HS", 1), (160, 5, 960, 160, True, "HS", 1),
)  # fmt: skip
_SMALL = (
    (16, 3, 16, 16, True, "RE", 2), (16, 3, 72, 24, False, "RE", 2), (24, 3, 88, 24, False, "RE", 1),
    (24, 5, 96, 40, True, "HS", 2), (40, 5, 240, 40, True, "HS", 1), (40, 5, 240, 40, True, "HS", 1),
    (40, 5, 120, 48, True, "HS", 1), (48, 5, 144, 48, True, "HS", 1),
    (48, 5, 288, 96, True, "HS", 2), (96, 5, 576, 96, True, "HS", 1), (96, 5, 576, 96, True, "HS", 1),
)  # fmt: skip
_TAIL = 3


def _network(
    table: Sequence[tuple],
    last_channel: int,
    width_mult: float = 1.0,
    reduced_tail: bool = False,
    dilated: bool = False,
    **config: Any,
) -> MobileNetV3:
    divider = 2 if reduced_tail else 1
    setting = []
    for index, (before, kernel, within, after, *rest) in enumerate(table):
        place = index - (len(table) - _TAIL)
        if place >= 0:
            after //= divider
        if place > 0:
            before //= divider
            within //= divider
        dilation = 2 if dilated and place >= 0 else 1
        setting.append(InvertedResidualConfig(before, kernel, within, after, *rest, dilation, width_mult))
    last = InvertedResidualConfig.adjust_channels(last_channel // divider, width_mult)
    return MobileNetV3(setting, last, **config)


@model(MobileNet_V3_Large_Weights)
def mobilenet_v3_large(**config: Any) -> MobileNetV3:
    """MobileNet v3, large."""
    return _network(_LARGE, 1280, **config)


@model(MobileNet_V3_Small_Weights)
def mobilenet_v3_small(**config: Any) -> MobileNetV3:
    """MobileNet v3, small."""
    return _network(_SMALL, 1024, **config)
