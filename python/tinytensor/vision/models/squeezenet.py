"""SqueezeNet: AlexNet's accuracy with a fiftieth of its parameters (Iandola et al., arXiv 1602.07360)."""

from __future__ import annotations

from typing import Any

import tinytensor
from tinytensor import Tensor, nn

from ._utils import model
from ._weights import weights_of

__all__ = ["SqueezeNet", "SqueezeNet1_0_Weights", "SqueezeNet1_1_Weights", "squeezenet1_0", "squeezenet1_1"]

SqueezeNet1_0_Weights = weights_of("SqueezeNet1_0_Weights", __name__)
SqueezeNet1_1_Weights = weights_of("SqueezeNet1_1_Weights", __name__)

# The stem's channels and kernel; then per Fire the squeezed and the expanded channels, "pool" between them.
_VERSIONS: dict[str, tuple] = {
    "1_0": ((96, 7), [
        "pool", (16, 64), (16, 64), (32, 128), "pool",
        (32, 128), (48, 192), (48, 192), (64, 256), "pool", (64, 256),
    ]),
    "1_1": ((64, 3), [
        "pool", (16, 64), (16, 64), "pool", (32, 128), (32, 128), "pool",
        (48, 192), (48, 192), (64, 256), (64, 256),
    ]),
}  # fmt: skip


class Fire(nn.Module):
    """A 1 x 1 convolution to few channels, then 1 x 1 and 3 x 3 ones side by side."""

    def __init__(
        self, inplanes: int, squeeze_planes: int, expand1x1_planes: int, expand3x3_planes: int
    ) -> None:
        super().__init__()
        self.inplanes = inplanes
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, kernel_size=1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze_activation(self.squeeze(x))
        narrow = self.expand1x1_activation(self.expand1x1(x))
        wide = self.expand3x3_activation(self.expand3x3(x))
        return tinytensor.cat([narrow, wide], 1)


def _features(version: str) -> nn.Sequential:
    (channels, kernel), plan = _VERSIONS[version]
    layers: list[nn.Module] = [nn.Conv2d(3, channels, kernel_size=kernel, stride=2), nn.ReLU(inplace=True)]
    for step in plan:
        if step == "pool":
            layers.append(nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True))
            continue
        squeezed, expanded = step
        layers.append(Fire(channels, squeezed, expanded, expanded))
        channels = 2 * expanded
    return nn.Sequential(*layers)


class SqueezeNet(nn.Module):
    """SqueezeNet in its version '1_0', or in '1_1', which computes 2.4 times less."""

    def __init__(self, version: str = "1_0", num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        if version not in _VERSIONS:
            raise ValueError(f"Unsupported SqueezeNet version {version}: 1_0 or 1_1 expected")
        self.num_classes = num_classes
        self.features = _features(version)
        last = nn.Conv2d(512, num_classes, kernel_size=1)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout), last, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1))
        )
        for module in self.modules():
            if not isinstance(module, nn.Conv2d):
                continue
            if module is last:
                nn.init.normal_(module.weight, mean=0.0, std=0.01)
            else:
                nn.init.kaiming_uniform_(module.weight)
            nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x)).flatten(1)


@model(SqueezeNet1_0_Weights)
def squeezenet1_0(**config: Any) -> SqueezeNet:
    """SqueezeNet 1.0."""
    return SqueezeNet("1_0", **config)


@model(SqueezeNet1_1_Weights)
def squeezenet1_1(**config: Any) -> SqueezeNet:
    """SqueezeNet 1.1."""
    return SqueezeNet("1_1", **config)
