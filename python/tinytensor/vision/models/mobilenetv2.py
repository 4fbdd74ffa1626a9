"""MobileNet v2: inverted residuals (Sandler et al., arXiv 1801.04381)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tinytensor import Tensor, nn
from tinytensor.nn import functional as F

from ..ops.misc import Conv2dNormActivation
from ._utils import _make_divisible, initialize, model
from ._weights import weights_of

__all__ = ["MobileNetV2", "MobileNet_V2_Weights", "mobilenet_v2"]

MobileNet_V2_Weights = weights_of("MobileNet_V2_Weights", __name__)

Layer = Callable[..., nn.Module]

# Expansion, channels, repeats, stride of the first.
_SETTING = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip


class InvertedResidual(nn.Module):
    """To many channels, a convolution within each, and back to few."""

    def __init__(
        self, inp: int, oup: int, stride: int, expand_ratio: int, norm_layer: Layer | None = None
    ) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        norm = norm_layer or nn.BatchNorm2d
        hidden = int(round(inp * expand_ratio))
        parts = {"norm_layer": norm, "activation_layer": nn.ReLU6}
        layers: list[nn.Module] = []
        if expand_ratio != 1:
            layers.append(Conv2dNormActivation(inp, hidden, kernel_size=1, **parts))
        layers.append(Conv2dNormActivation(hidden, hidden, stride=stride, groups=hidden, **parts))
        layers += [nn.Conv2d(hidden, oup, 1, bias=False), norm(oup)]
        self.stride = stride
        self.use_res_connect = stride == 1 and inp == oup
        self.conv = nn.Sequential(*layers)
        self.out_channels = oup
        self._is_cn = stride > 1

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """Inverted residuals as `inverted_residual_setting` says: (expansion, channels, repeats, stride) each."""

    def __init__(
        self,
        num_classes: int = 1000,
        width_mult: float = 1.0,
        inverted_residual_setting: Sequence[Sequence[int]] | None = None,
        round_nearest: int = 8,
        block: Layer | None = None,
        norm_layer: Layer | None = None,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        make = block or InvertedResidual
        norm = norm_layer or nn.BatchNorm2d
        setting = _SETTING if inverted_residual_setting is None else inverted_residual_setting
        if not setting or any(len(stage) != 4 for stage in setting):
            raise ValueError(
                "inverted_residual_setting should be non-empty or a 4-element list, "
                f"got {inverted_residual_setting}"
            )
        channels = _make_divisible(32 * width_mult, round_nearest)
        self.last_channel = _make_divisible(1280 * max(1.0, width_mult), round_nearest)
        parts = {"norm_layer": norm, "activation_layer": nn.ReLU6}
        layers: list[nn.Module] = [Conv2dNormActivation(3, channels, stride=2, **parts)]
        for expansion, width, repeats, stride in setting:
            wider = _make_divisible(width * width_mult, round_nearest)
            for index in range(repeats):
                step = stride if index == 0 else 1
                layers.append(make(channels, wider, step, expand_ratio=expansion, norm_layer=norm))
                channels = wider
        layers.append(Conv2dNormActivation(channels, self.last_channel, kernel_size=1, **parts))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout), nn.Linear(self.last_channel, num_classes))
        draw = partial(nn.init.kaiming_normal_, mode="fan_out")
        initialize(self, draw, partial(nn.init.normal_, mean=0, std=0.01))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), (1, 1)).flatten(1))


@model(MobileNet_V2_Weights)
def mobilenet_v2(**config: Any) -> MobileNetV2:
    """MobileNet v2."""
    return MobileNetV2(**config)
