"""ShuffleNet v2 (Ma et al., arXiv 1807.11164)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tinytensor
from tinytensor import Tensor, nn

from ._utils import model
from ._weights import weights_of

__all__ = [
    "ShuffleNetV2",
    "ShuffleNet_V2_X0_5_Weights",
    "ShuffleNet_V2_X1_0_Weights",
    "ShuffleNet_V2_X1_5_Weights",
    "ShuffleNet_V2_X2_0_Weights",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5",
    "shufflenet_v2_x2_0",
]

ShuffleNet_V2_X0_5_Weights = weights_of("ShuffleNet_V2_X0_5_Weights", __name__)
ShuffleNet_V2_X1_0_Weights = weights_of("ShuffleNet_V2_X1_0_Weights", __name__)
ShuffleNet_V2_X1_5_Weights = weights_of("ShuffleNet_V2_X1_5_Weights", __name__)
ShuffleNet_V2_X2_0_Weights = weights_of("ShuffleNet_V2_X2_0_Weights", __name__)


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    """The channels with every group's first in front, then every group's second, and so on."""
    batch, channels, height, width = x.size()
    grouped = x.view(batch, groups, channels // groups, height, width)
    return grouped.transpose(1, 2).contiguous().view(batch, channels, height, width)


def _pointwise(before: int, after: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]


class InvertedResidual(nn.Module):
    """Half of the channels pass unchanged (or through a short branch, where the size is halved)."""

    def __init__(self, inp: int, oup: int, stride: int) -> None:
        super().__init__()
        if not 1 <= stride <= 3:
            raise ValueError(f"illegal stride value {stride}")
        half = oup // 2
        if stride == 1 and inp != half * 2:
            raise ValueError(
                f"Invalid combination of stride {stride}, inp {inp} and oup {oup}: "
                "with stride 1 both are equal and even"
            )
        self.stride = stride
        if stride > 1:
            self.branch1 = nn.Sequential(
                self.depthwise_conv(inp, inp, kernel_size=3, stride=stride, padding=1),
                nn.BatchNorm2d(inp),
                *_pointwise(inp, half),
            )
        else:
            self.branch1 = nn.Sequential()
        self.branch2 = nn.Sequential(
            *_pointwise(inp if stride > 1 else half, half),
            self.depthwise_conv(half, half, kernel_size=3, stride=stride, padding=1),
            nn.BatchNorm2d(half),
            *_pointwise(half, half),
        )

    @staticmethod
    def depthwise_conv(
        i: int, o: int, kernel_size: int, stride: int = 1, padding: int = 0, bias: bool = False
    ) -> nn.Conv2d:
        return nn.Conv2d(i, o, kernel_size, stride, padding, bias=bias, groups=i)

    def forward(self, x: Tensor) -> Tensor:
        if self.stride > 1:
            halves = self.branch1(x), self.branch2(x)
        else:
            kept, changed = x.chunk(2, dim=1)
            halves = kept, self.branch2(changed)
        return channel_shuffle(tinytensor.cat(halves, dim=1), 2)


class ShuffleNetV2(nn.Module):
    """Three stages of `stages_repeats` blocks with `stages_out_channels[1:4]` channels."""

    def __init__(
        self,
        stages_repeats: Sequence[int],
        stages_out_channels: Sequence[int],
        num_classes: int = 1000,
        inverted_residual: Callable[..., nn.Module] = InvertedResidual,
    ) -> None:
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError(f"expected stages_repeats as list of 3 positive ints, got {stages_repeats}")
        if len(stages_out_channels) != 5:
            raise ValueError(
                f"expected stages_out_channels as list of 5 positive ints, got {stages_out_channels}"
            )
        self._stage_out_channels = stages_out_channels
        first, *stages, last = stages_out_channels
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, first, 3, 2, 1, bias=False), nn.BatchNorm2d(first), nn.ReLU(inplace=True)
        )
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        before = first
        for number, (repeats, channels) in enumerate(zip(stages_repeats, stages), 2):
            blocks = [inverted_residual(before, channels, 2)]
            blocks += [inverted_residual(channels, channels, 1) for _ in range(repeats - 1)]
            setattr(self, f"stage{number}", nn.Sequential(*blocks))
            before = channels
        self.conv5 = nn.Sequential(*_pointwise(before, last))
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.conv1(x))
        x = self.conv5(self.stage4(self.stage3(self.stage2(x))))
        return self.fc(x.mean([2, 3]))


@model(ShuffleNet_V2_X0_5_Weights)
def shufflenet_v2_x0_5(**config: Any) -> ShuffleNetV2:
    """ShuffleNet v2 at half width."""
    return ShuffleNetV2([4, 8, 4], [24, 48, 96, 192, 1024], **config)


@model(ShuffleNet_V2_X1_0_Weights)
def shufflenet_v2_x1_0(**config: Any) -> ShuffleNetV2:
    """ShuffleNet v2."""
    return ShuffleNetV2([4, 8, 4], [24, 116, 232, 464, 1024], **config)


@model(ShuffleNet_V2_X1_5_Weights)
def shufflenet_v2_x1_5(**config: Any) -> ShuffleNetV2:
    """ShuffleNet v2, one and a half times as wide."""
    return ShuffleNetV2([4, 8, 4], [24, 176, 352, 704, 1024], **config)


@model(ShuffleNet_V2_X2_0_Weights)
def shufflenet_v2_x2_0(**config: Any) -> ShuffleNetV2:
    """ShuffleNet v2, twice as wide."""
    return ShuffleNetV2([4, 8, 4], [24, 244, 488, 976, 2048], **config)
