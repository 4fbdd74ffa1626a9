"""Lite R-ASPP (Howard et al., arXiv 1905.02244): two depths of features, the deeper one weighed by the whole picture."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from tinytensor import Tensor, nn

from ..mobilenetv3 import MobileNet_V3_Large_Weights
from ._builders import mobilenet_backbone, segmenter, upsampled, voc_weights

__all__ = ["LRASPP", "LRASPP_MobileNet_V3_Large_Weights", "lraspp_mobilenet_v3_large"]

LRASPP_MobileNet_V3_Large_Weights = voc_weights(
    "LRASPP_MobileNet_V3_Large_Weights", __name__,
    "lraspp_mobilenet_v3_large-d234d4ea.pth", 3221538, 2.086, 12.49, miou=57.9, pixel_acc=91.2,
)  # fmt: skip


class LRASPPHead(nn.Module):
    def __init__(self, low_channels: int, high_channels: int, num_classes: int, inter_channels: int) -> None:
        super().__init__()
        self.cbr = nn.Sequential(
            nn.Conv2d(high_channels, inter_channels, 1, bias=False),
            nn.BatchNorm2d(inter_channels),
            nn.ReLU(inplace=True),
        )
        self.scale = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(high_channels, inter_channels, 1, bias=False),
            nn.Sigmoid(),
        )
        self.low_classifier = nn.Conv2d(low_channels, num_classes, 1)
        self.high_classifier = nn.Conv2d(inter_channels, num_classes, 1)

    def forward(self, input: dict[str, Tensor]) -> Tensor:
        low, high = input["low"], input["high"]
        weighed = upsampled(self.cbr(high) * self.scale(high), low)
        return self.low_classifier(low) + self.high_classifier(weighed)


class LRASPP(nn.Module):
    """A backbone that gives features "low" and "high", and a head that makes scores of them."""

    def __init__(
        self,
        backbone: nn.Module,
        low_channels: int,
        high_channels: int,
        num_classes: int,
        inter_channels: int = 128,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = LRASPPHead(low_channels, high_channels, num_classes, inter_channels)

    def forward(self, input: Tensor) -> dict[str, Tensor]:
        return OrderedDict(out=upsampled(self.classifier(self.backbone(input)), input))


@segmenter(LRASPP_MobileNet_V3_Large_Weights, MobileNet_V3_Large_Weights, mobilenet_backbone, has_aux=False)
def lraspp_mobilenet_v3_large(parts: Any, num_classes: int, aux: bool, **kwargs: Any) -> LRASPP:
    """Lite R-ASPP on a MobileNet v3, large."""
    backbone, (high, low) = parts({"high": "high", "low": "low"})
    return LRASPP(backbone, low, high, num_classes, **kwargs)
