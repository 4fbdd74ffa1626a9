"""DeepLab v3 (Chen et al., arXiv 1706.05587): the surroundings of a pixel seen at several distances at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import tinytensor
from tinytensor import Tensor, nn

from ..mobilenetv3 import MobileNet_V3_Large_Weights
from ..resnet import ResNet50_Weights, ResNet101_Weights
from ._builders import (
    SegmentationModel,
    mobilenet_backbone,
    resnet_backbone,
    segmenter,
    upsampled,
    voc_weights,
)
from .fcn import assembled

__all__ = [
    "DeepLabV3",
    "DeepLabV3_MobileNet_V3_Large_Weights",
    "DeepLabV3_ResNet101_Weights",
    "DeepLabV3_ResNet50_Weights",
    "deeplabv3_mobilenet_v3_large",
    "deeplabv3_resnet101",
    "deeplabv3_resnet50",
]

DeepLabV3_ResNet50_Weights = voc_weights(
    "DeepLabV3_ResNet50_Weights", __name__,
    "deeplabv3_resnet50_coco-cd0a2569.pth", 42004074, 178.722, 160.515, miou=66.4, pixel_acc=92.4,
)  # fmt: skip
DeepLabV3_ResNet101_Weights = voc_weights(
    "DeepLabV3_ResNet101_Weights", __name__,
    "deeplabv3_resnet101_coco-586e9e4e.pth", 60996202, 258.743, 233.217, miou=67.4, pixel_acc=92.4,
)  # fmt: skip
DeepLabV3_MobileNet_V3_Large_Weights = voc_weights(
    "DeepLabV3_MobileNet_V3_Large_Weights", __name__,
    "deeplabv3_mobilenet_v3_large-fc3c493d.pth", 11029328, 10.452, 42.301, miou=60.3, pixel_acc=91.2,
)  # fmt: skip


class DeepLabV3(SegmentationModel):
    """Features, and a pyramid of dilated convolutions that makes scores of them."""


def _normed(convolution: nn.Module, channels: int) -> list[nn.Module]:
    return [convolution, nn.BatchNorm2d(channels), nn.ReLU()]


class ASPPConv(nn.Sequential):
    """The neighbours at a distance."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int) -> None:
        around = nn.Conv2d(in_channels, out_channels, 3, padding=dilation, dilation=dilation, bias=False)
        super().__init__(*_normed(around, out_channels))


class ASPPPooling(nn.Sequential):
    """The mean of the picture, at every pixel."""

    def forward(self, x: Tensor) -> Tensor:
        return upsampled(super().forward(x), x)


class ASPP(nn.Module):
    """A pixel, its neighbours at several distances, and the whole picture."""

    def __init__(self, in_channels: int, atrous_rates: Sequence[int], out_channels: int = 256) -> None:
        super().__init__()
        single = partial(nn.Conv2d, in_channels, out_channels, 1, bias=False)
        branches: list[nn.Module] = [nn.Sequential(*_normed(single(), out_channels))]
        branches += [ASPPConv(in_channels, out_channels, rate) for rate in atrous_rates]
        branches.append(ASPPPooling(nn.AdaptiveAvgPool2d(1), *_normed(single(), out_channels)))
        self.convs = nn.ModuleList(branches)
        joined = nn.Conv2d(len(branches) * out_channels, out_channels, 1, bias=False)
        self.project = nn.Sequential(*_normed(joined, out_channels), nn.Dropout(0.5))

    def forward(self, x: Tensor) -> Tensor:
        return self.project(tinytensor.cat([branch(x) for branch in self.convs], 1))


class DeepLabHead(nn.Sequential):
    def __init__(
        self, in_channels: int, num_classes: int, atrous_rates: Sequence[int] = (12, 24, 36)
    ) -> None:
        super().__init__(
            ASPP(in_channels, atrous_rates),
            *_normed(nn.Conv2d(256, 256, 3, padding=1, bias=False), 256),
            nn.Conv2d(256, num_classes, 1),
        )


@segmenter(DeepLabV3_ResNet50_Weights, ResNet50_Weights, partial(resnet_backbone, 50))
def deeplabv3_resnet50(*plan: Any) -> SegmentationModel:
    """DeepLab v3 on a ResNet-50."""
    return assembled(DeepLabV3, DeepLabHead, *plan)


@segmenter(DeepLabV3_ResNet101_Weights, ResNet101_Weights, partial(resnet_backbone, 101))
def deeplabv3_resnet101(*plan: Any) -> SegmentationModel:
    """DeepLab v3 on a ResNet-101."""
    return assembled(DeepLabV3, DeepLabHead, *plan)


@segmenter(DeepLabV3_MobileNet_V3_Large_Weights, MobileNet_V3_Large_Weights, mobilenet_backbone)
def deeplabv3_mobilenet_v3_large(*plan: Any) -> SegmentationModel:
    """DeepLab v3 on a MobileNet v3, large."""
    return assembled(DeepLabV3, DeepLabHead, *plan)
