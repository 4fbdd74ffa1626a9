"""Classifiers as the first part of a detector."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from tinytensor import Tensor, nn

from ...ops.feature_pyramid_network import FeaturePyramidNetwork, LastLevelMaxPool
from ...ops.misc import FrozenBatchNorm2d
from .. import mobilenet, resnet
from .._api import get_model_weights
from .._utils import IntermediateLayerGetter, legacy_arguments

__all__ = ["BackboneWithFPN", "mobilenet_backbone", "resnet_fpn_backbone"]

Layer = Callable[..., nn.Module]


class BackboneWithFPN(nn.Module):
    """A network's intermediate features, and a feature pyramid on them."""

    def __init__(
        self,
        backbone: nn.Module,
        return_layers: dict[str, str],
        in_channels_list: list[int],
        out_channels: int,
        extra_blocks: nn.Module | None = None,
        norm_layer: Layer | None = None,
    ) -> None:
        super().__init__()
        self.body = IntermediateLayerGetter(backbone, return_layers=return_layers)
        self.fpn = FeaturePyramidNetwork(
            in_channels_list, out_channels, extra_blocks or LastLevelMaxPool(), norm_layer
        )
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return self.fpn(self.body(x))


def _check_range(name: str, value: int, largest: int) -> None:
    if not 0 <= value <= largest:
        raise ValueError(f"{name} should be in the range [0,{largest}], got {value}")


def _resnet_fpn_extractor(
    backbone: resnet.ResNet,
    trainable_layers: int,
    returned_layers: Sequence[int] | None = None,
    extra_blocks: nn.Module | None = None,
    norm_layer: Layer | None = None,
) -> BackboneWithFPN:
    """A ResNet with a pyramid; all but its last `trainable_layers` of five parts are frozen."""
    _check_range("Trainable layers", trainable_layers, 5)
    learning = ("layer4", "layer3", "layer2", "layer1", "conv1")[:trainable_layers]
    if trainable_layers == 5:
        learning += ("bn1",)
    for name, parameter in backbone.named_parameters():
        if not name.startswith(learning):
            parameter.requires_grad_(False)
    layers = [1, 2, 3, 4] if returned_layers is None else returned_layers
    if min(layers) <= 0 or max(layers) >= 5:
        raise ValueError(f"Each returned layer should be in the range [1,4]. Got {layers}")
    names = {f"layer{layer}": str(index) for index, layer in enumerate(layers)}
    channels = [backbone.inplanes // 8 * 2 ** (layer - 1) for layer in layers]
    return BackboneWithFPN(backbone, names, channels, 256, extra_blocks, norm_layer)


def _mobilenet_extractor(
    backbone: nn.Module,
    fpn: bool,
    trainable_layers: int,
    returned_layers: Sequence[int] | None = None,
    extra_blocks: nn.Module | None = None,
    norm_layer: Layer | None = None,
) -> nn.Module:
    """A MobileNet, with a pyramid or one convolution. Its parts begin where the size is halved."""
    features = backbone.features
    starts = [
        0,
        *(i for i, block in enumerate(features) if getattr(block, "_is_cn", False)),
        len(features) - 1,
    ]
    count = len(starts)
    _check_range("Trainable layers", trainable_layers, count)
    frozen = len(features) if trainable_layers == 0 else starts[count - trainable_layers]
    for block in features[:frozen]:
        block.requires_grad_(False)
    if not fpn:
        net = nn.Sequential(features, nn.Conv2d(features[-1].out_channels, 256, 1))
        net.out_channels = 256
        return net
    layers = [count - 2, count - 1] if returned_layers is None else returned_layers
    if min(layers) < 0 or max(layers) >= count:
        raise ValueError(f"Each returned layer should be in the range [0,{count - 1}], got {layers}")
    names = {str(starts[layer]): str(index) for index, layer in enumerate(layers)}
    channels = [features[starts[layer]].out_channels for layer in layers]
    return BackboneWithFPN(features, names, channels, 256, extra_blocks, norm_layer)


def _trainable_layers(is_trained: bool, wanted: int | None, largest: int, default: int) -> int:
    """How many parts of a backbone learn: all of them when it has no trained weights."""
    if is_trained:
        count = default if wanted is None else wanted
        _check_range("Trainable backbone layers", count, largest)
        return count
    if wanted is not None:
        warnings.warn(
            "Changing trainable_backbone_layers has no effect without trained weights: "
            f"all {largest} parts are trained",
            stacklevel=4,
        )
    return largest


def _first_weights(module: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda config: get_model_weights(getattr(module, config["backbone_name"])).IMAGENET1K_V1


@legacy_arguments(weights=("pretrained", _first_weights(resnet)))
def resnet_fpn_backbone(
    *,
    backbone_name: str,
    weights: Any,
    norm_layer: Layer = FrozenBatchNorm2d,
    trainable_layers: int = 3,
    returned_layers: Sequence[int] | None = None,
    extra_blocks: nn.Module | None = None,
) -> BackboneWithFPN:
    """The ResNet of a name with a feature pyramid."""
    backbone = getattr(resnet, backbone_name)(weights=weights, norm_layer=norm_layer)
    return _resnet_fpn_extractor(backbone, trainable_layers, returned_layers, extra_blocks)


@legacy_arguments(weights=("pretrained", _first_weights(mobilenet)))
def mobilenet_backbone(
    *,
    backbone_name: str,
    weights: Any,
    fpn: bool,
    norm_layer: Layer = FrozenBatchNorm2d,
    trainable_layers: int = 2,
    returned_layers: Sequence[int] | None = None,
    extra_blocks: nn.Module | None = None,
) -> nn.Module:
    """The MobileNet of a name, with a feature pyramid or one convolution."""
    backbone = getattr(mobilenet, backbone_name)(weights=weights, norm_layer=norm_layer)
    return _mobilenet_extractor(backbone, fpn, trainable_layers, returned_layers, extra_blocks)
