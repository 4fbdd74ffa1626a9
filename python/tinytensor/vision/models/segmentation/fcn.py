"""Fully convolutional networks (Long, Shelhamer, Darrell, arXiv 1411.4038) on ResNets with dilation."""

from __future__ import annotations

from functools import partial
from typing import Any

from tinytensor import nn

from ..resnet import ResNet50_Weights, ResNet101_Weights
from ._builders import SegmentationModel, resnet_backbone, segmenter, voc_weights

__all__ = ["FCN", "FCN_ResNet101_Weights", "FCN_ResNet50_Weights", "fcn_resnet101", "fcn_resnet50"]

FCN_ResNet50_Weights = voc_weights(
    "FCN_ResNet50_Weights", __name__,
    "fcn_resnet50_coco-1167a1af.pth", 35322218, 152.717, 135.009, miou=60.5, pixel_acc=91.4,
)  # fmt: skip
FCN_ResNet101_Weights = voc_weights(
    "FCN_ResNet101_Weights", __name__,
    "fcn_resnet101_coco-7ecb50ca.pth", 54314346, 232.738, 207.711, miou=63.7, pixel_acc=91.9,
)  # fmt: skip


class FCN(SegmentationModel):
    """Features, and convolutions that make scores of them."""


class FCNHead(nn.Sequential):
    def __init__(self, in_channels: int, channels: int) -> None:
        within = in_channels // 4
        super().__init__(
            nn.Conv2d(in_channels, within, 3, padding=1, bias=False),
            nn.BatchNorm2d(within),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Conv2d(within, channels, 1),
        )


def assembled(
    net: type[SegmentationModel], head: type[nn.Module], parts: Any, num_classes: int, aux: bool
) -> SegmentationModel:
    """A backbone, a head for its last features and, if that is wanted, one for those in the middle."""
    backbone, channels = parts({"high": "out", "low": "aux"} if aux else {"high": "out"})
    aux_classifier = FCNHead(channels[1], num_classes) if aux else None
    return net(backbone, head(channels[0], num_classes), aux_classifier)


@segmenter(FCN_ResNet50_Weights, ResNet50_Weights, partial(resnet_backbone, 50))
def fcn_resnet50(*plan: Any) -> SegmentationModel:
    """A fully convolutional network on a ResNet-50."""
    return assembled(FCN, FCNHead, *plan)


@segmenter(FCN_ResNet101_Weights, ResNet101_Weights, partial(resnet_backbone, 101))
def fcn_resnet101(*plan: Any) -> SegmentationModel:
    """A fully convolutional network on a ResNet-101."""
    return assembled(FCN, FCNHead, *plan)
