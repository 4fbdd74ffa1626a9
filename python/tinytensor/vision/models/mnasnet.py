"""MNASNet, found by search for phones (Tan et al., arXiv 1807.11626)."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

from tinytensor import Tensor, nn

from ._utils import _make_divisible, initialize, model
from ._weights import weights_of

__all__ = [
    "MNASNet",
    "MNASNet0_5_Weights",
    "MNASNet0_75_Weights",
    "MNASNet1_0_Weights",
    "MNASNet1_3_Weights",
    "mnasnet0_5",
    "mnasnet0_75",
    "mnasnet1_0",
    "mnasnet1_3",
]

MNASNet0_5_Weights = weights_of("MNASNet0_5_Weights", __name__)
MNASNet0_75_Weights = weights_of("MNASNet0_75_Weights", __name__)
MNASNet1_0_Weights = weights_of("MNASNet1_0_Weights", __name__)
MNASNet1_3_Weights = weights_of("MNASNet1_3_Weights", __name__)

_MOMENTUM = 1 - 0.9997  # a running average over about 3000 batches


class _InvertedResidual(nn.Module):
    def __init__(self, before: int, after: int, kernel_size: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = before * expansion
        self.apply_residual = before == after and stride == 1
        self.layers = nn.Sequential(
            nn.Conv2d(before, width, 1, bias=False),
            nn.BatchNorm2d(width, momentum=_MOMENTUM),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, kernel_size, stride, kernel_size // 2, groups=width, bias=False),
            nn.BatchNorm2d(width, momentum=_MOMENTUM),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, after, 1, bias=False),
            nn.BatchNorm2d(after, momentum=_MOMENTUM),
        )

    def forward(self, input: Tensor) -> Tensor:
        return self.layers(input) + input if self.apply_residual else self.layers(input)


def _stack(before: int, after: int, kernel: int, stride: int, expansion: int, repeats: int) -> nn.Sequential:
    first = _InvertedResidual(before, after, kernel, stride, expansion)
    rest = (_InvertedResidual(after, after, kernel, 1, expansion) for _ in range(repeats - 1))
    return nn.Sequential(first, *rest)


def _stem(first: int, second: int, third: int) -> list[nn.Module]:
    return [
        nn.Conv2d(3, first, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(first, momentum=_MOMENTUM),
        nn.ReLU(inplace=True),
        nn.Conv2d(first, first, 3, padding=1, groups=first, bias=False),
        nn.BatchNorm2d(first, momentum=_MOMENTUM),
        nn.ReLU(inplace=True),
        nn.Conv2d(first, second, 1, bias=False),
        nn.BatchNorm2d(second, momentum=_MOMENTUM),
        _stack(second, third, 3, 2, 3, 3),
    ]


# Kernel, stride, expansion and repeats of the stacks after the stem.
_STACKS = ((5, 2, 3, 3), (5, 2, 6, 3), (3, 1, 6, 2), (5, 2, 6, 4), (3, 1, 6, 1))


class MNASNet(nn.Module):
    """MNASNet with `alpha` times its channels."""

    # Version 1 did not scale the stem.
    _version = 2

    def __init__(self, alpha: float, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__()
        if alpha <= 0.0:
            raise ValueError(f"alpha should be greater than 0.0 instead of {alpha}")
        self.alpha = alpha
        self.num_classes = num_classes
        widths = [_make_divisible(width * alpha, 8) for width in (32, 16, 24, 40, 80, 96, 192, 320)]
        layers = _stem(*widths[:3])
        layers += [_stack(*pair, *setting) for *pair, setting in zip(widths[2:], widths[3:], _STACKS)]
        layers += [
            nn.Conv2d(widths[-1], 1280, 1, bias=False),
            nn.BatchNorm2d(1280, momentum=_MOMENTUM),
            nn.ReLU(inplace=True),
        ]
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout, inplace=True), nn.Linear(1280, num_classes))
        initialize(
            self,
            partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu"),
            partial(nn.init.kaiming_uniform_, mode="fan_out", nonlinearity="sigmoid"),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.layers(x).mean([2, 3]))

    def _load_from_state_dict(self, state_dict: dict, prefix: str, local_metadata: dict, *rest: Any) -> None:
        # Files that keep no versions, such as safetensors, are of the present one.
        version = local_metadata.get("version", self._version)
        if version not in (1, 2):
            raise ValueError(f"version should be set to 1 or 2 instead of {version}")
        if version == 1 and self.alpha != 1.0:
            third = self.layers[8][-1].layers[-2].out_channels
            for index, layer in enumerate(_stem(32, 16, third)):
                self.layers[index] = layer
            self._version = 1
            warnings.warn(
                "MNASNet: these weights are of the first version, whose stem was not scaled; the network has "
                "been changed to it",
                UserWarning,
                stacklevel=2,
            )
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


@model(MNASNet0_5_Weights)
def mnasnet0_5(**config: Any) -> MNASNet:
    """MNASNet with 0.5 times the channels."""
    return MNASNet(0.5, **config)


@model(MNASNet0_75_Weights)
def mnasnet0_75(**config: Any) -> MNASNet:
    """MNASNet with 0.75 times the channels."""
    return MNASNet(0.75, **config)


@model(MNASNet1_0_Weights)
def mnasnet1_0(**config: Any) -> MNASNet:
    """MNASNet with 1.0 times the channels."""
    return MNASNet(1.0, **config)


@model(MNASNet1_3_Weights)
def mnasnet1_3(**config: Any) -> MNASNet:
    """MNASNet with 1.3 times the channels."""
    return MNASNet(1.3, **config)
