"""LeNet-5, the first convolutional network of most courses (LeCun et al., 1998)."""

from __future__ import annotations

from typing import Any

from tinytensor import Tensor, nn

from ._api import register_model

__all__ = ["LeNet", "lenet"]


class LeNet(nn.Module):
    """Two convolutions and three linear layers, for pictures of 28 x 28 (MNIST) or 32 x 32 (CIFAR)."""

    def __init__(self, num_classes: int = 10, in_channels: int = 1) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 6, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, kernel_size=5),
            nn.ReLU(inplace=True),
            nn.AdaptiveMaxPool2d(5),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120),
            nn.ReLU(inplace=True),
            nn.Linear(120, 84),
            nn.ReLU(inplace=True),
            nn.Linear(84, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


@register_model()
def lenet(**config: Any) -> LeNet:
    """LeNet-5 with ReLU and max-pooling. It has no published weights."""
    return LeNet(**config)
