"""ResNet (He et al., arXiv 1512.03385), ResNeXt (1611.05431) and Wide ResNet (1605.07146).

The bottleneck strides in its 3 x 3 convolution, not in the first 1 x 1 as the paper has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tinytensor import Tensor, nn

from ._utils import fix, initialize, model
from ._weights import weights_of

__all__ = [
    "ResNet",
    "ResNet18_Weights",
    "ResNet34_Weights",
    "ResNet50_Weights",
    "ResNet101_Weights",
    "ResNet152_Weights",
    "ResNeXt50_32X4D_Weights",
    "ResNeXt101_32X8D_Weights",
    "ResNeXt101_64X4D_Weights",
    "Wide_ResNet50_2_Weights",
    "Wide_ResNet101_2_Weights",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
]

ResNet18_Weights = weights_of("ResNet18_Weights", __name__)
ResNet34_Weights = weights_of("ResNet34_Weights", __name__)
ResNet50_Weights = weights_of("ResNet50_Weights", __name__)
ResNet101_Weights = weights_of("ResNet101_Weights", __name__)
ResNet152_Weights = weights_of("ResNet152_Weights", __name__)
ResNeXt50_32X4D_Weights = weights_of("ResNeXt50_32X4D_Weights", __name__)
ResNeXt101_32X8D_Weights = weights_of("ResNeXt101_32X8D_Weights", __name__)
ResNeXt101_64X4D_Weights = weights_of("ResNeXt101_64X4D_Weights", __name__)
Wide_ResNet50_2_Weights = weights_of("Wide_ResNet50_2_Weights", __name__)
Wide_ResNet101_2_Weights = weights_of("Wide_ResNet101_2_Weights", __name__)

Layer = Callable[..., nn.Module]


def conv3x3(
    in_planes: int, out_planes: int, stride: int = 1, groups: int = 1, dilation: int = 1
) -> nn.Conv2d:
    """A 3 x 3 convolution that keeps the size at stride 1."""
    return nn.Conv2d(
        in_planes, out_planes, 3, stride, padding=dilation, dilation=dilation, groups=groups, bias=False
    )


def conv1x1(in_planes: int, out_planes: int, stride: int = 1) -> nn.Conv2d:
    """A 1 x 1 convolution."""
    return nn.Conv2d(in_planes, out_planes, 1, stride, bias=False)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    expansion = 1

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Layer | None = None,
    ) -> None:
        super().__init__()
        if groups != 1 or base_width != 64:
            raise ValueError(
                f"BasicBlock only supports groups=1 and base_width=64, got {groups} and {base_width}"
            )
        if dilation > 1:
            raise NotImplementedError(f"Dilation > 1 not supported in BasicBlock, got {dilation}")
        norm = norm_layer or nn.BatchNorm2d
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions beside a shortcut; the output is four times as wide as `planes`."""

    expansion = 4

    def __init__(
        self,
        inplanes: int,
        planes: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
        groups: int = 1,
        base_width: int = 64,
        dilation: int = 1,
        norm_layer: Layer | None = None,
    ) -> None:
        super().__init__()
        norm = norm_layer or nn.BatchNorm2d
        width = int(planes * (base_width / 64.0)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class ResNet(nn.Module):
    """A stem, four stages of `layers` blocks each, and a linear layer."""

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        layers: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        groups: int = 1,
        width_per_group: int = 64,
        replace_stride_with_dilation: Sequence[bool] | None = None,
        norm_layer: Layer | None = None,
    ) -> None:
        super().__init__()
        dilated = (
            (False, False, False) if replace_stride_with_dilation is None else replace_stride_with_dilation
        )
        if len(dilated) != 3:
            raise ValueError(
                f"replace_stride_with_dilation should be None or a 3-element tuple, got {dilated}"
            )
        self._norm_layer = norm_layer or nn.BatchNorm2d
        self.inplanes = 64
        self.dilation = 1
        self.groups = groups
        self.base_width = width_per_group
        self.conv1 = nn.Conv2d(3, self.inplanes, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = self._norm_layer(self.inplanes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], 2, dilated[0])
        self.layer3 = self._make_layer(block, 256, layers[2], 2, dilated[1])
        self.layer4 = self._make_layer(block, 512, layers[3], 2, dilated[2])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        initialize(self, partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu"))
        if zero_init_residual:
            self._silence_branches()

    def _silence_branches(self) -> None:
        """Let every block begin as the identity (Goyal et al., arXiv 1706.02677)."""
        for module in self.modules():
            if isinstance(module, Bottleneck) and module.bn3.weight is not None:
                nn.init.zeros_(module.bn3.weight)
            elif isinstance(module, BasicBlock) and module.bn2.weight is not None:
                nn.init.zeros_(module.bn2.weight)

    def _make_layer(
        self, block: Any, planes: int, blocks: int, stride: int = 1, dilate: bool = False
    ) -> nn.Sequential:
        first_dilation = self.dilation
        if dilate:
            self.dilation *= stride
            stride = 1
        width = planes * block.expansion
        downsample = None
        if stride != 1 or self.inplanes != width:
            downsample = nn.Sequential(conv1x1(self.inplanes, width, stride), self._norm_layer(width))
        shared = (self.groups, self.base_width)
        stage = [block(self.inplanes, planes, stride, downsample, *shared, first_dilation, self._norm_layer)]
        self.inplanes = width
        for _ in range(1, blocks):
            stage.append(block(width, planes, 1, None, *shared, self.dilation, self._norm_layer))
        return nn.Sequential(*stage)

    def _forward_impl(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))

    def forward(self, x: Tensor) -> Tensor:
        return self._forward_impl(x)


@model(ResNet18_Weights)
def resnet18(**config: Any) -> ResNet:
    """ResNet-18."""
    return ResNet(BasicBlock, [2, 2, 2, 2], **config)


@model(ResNet34_Weights)
def resnet34(**config: Any) -> ResNet:
    """ResNet-34."""
    return ResNet(BasicBlock, [3, 4, 6, 3], **config)


@model(ResNet50_Weights)
def resnet50(**config: Any) -> ResNet:
    """ResNet-50."""
    return ResNet(Bottleneck, [3, 4, 6, 3], **config)


@model(ResNet101_Weights)
def resnet101(**config: Any) -> ResNet:
    """ResNet-101."""
    return ResNet(Bottleneck, [3, 4, 23, 3], **config)


@model(ResNet152_Weights)
def resnet152(**config: Any) -> ResNet:
    """ResNet-152."""
    return ResNet(Bottleneck, [3, 8, 36, 3], **config)


@model(ResNeXt50_32X4D_Weights)
def resnext50_32x4d(**config: Any) -> ResNet:
    """ResNeXt-50, 32 groups of width 4."""
    return ResNet(Bottleneck, [3, 4, 6, 3], **fix(config, groups=32, width_per_group=4))


@model(ResNeXt101_32X8D_Weights)
def resnext101_32x8d(**config: Any) -> ResNet:
    """ResNeXt-101, 32 groups of width 8."""
    return ResNet(Bottleneck, [3, 4, 23, 3], **fix(config, groups=32, width_per_group=8))


@model(ResNeXt101_64X4D_Weights)
def resnext101_64x4d(**config: Any) -> ResNet:
    """ResNeXt-101, 64 groups of width 4."""
    return ResNet(Bottleneck, [3, 4, 23, 3], **fix(config, groups=64, width_per_group=4))


@model(Wide_ResNet50_2_Weights)
def wide_resnet50_2(**config: Any) -> ResNet:
    """ResNet-50 with bottlenecks twice as wide."""
    return ResNet(Bottleneck, [3, 4, 6, 3], **fix(config, width_per_group=128))


@model(Wide_ResNet101_2_Weights)
def wide_resnet101_2(**config: Any) -> ResNet:
    """ResNet-101 with bottlenecks twice as wide."""
    return ResNet(Bottleneck, [3, 4, 23, 3], **fix(config, width_per_group=128))
