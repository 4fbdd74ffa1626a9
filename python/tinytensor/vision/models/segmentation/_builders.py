"""What the networks for every pixel share: backbones, their weights, and how scores get the size of the picture."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, Optional

from tinytensor import Tensor, nn
from tinytensor.nn.functional import interpolate

from ...datasets.voc import CLASSES
from .. import mobilenetv3, resnet
from .._api import Weights, WeightsEnum, register_model
from .._presets import SemanticSegmentation
from .._utils import IntermediateLayerGetter, chosen_weights, legacy_arguments
from .._weights import SITE


def voc_weights(
    enum: str, module: str, file: str, num_params: int, gflops: float, megabytes: float, **accuracy: float
) -> type[WeightsEnum]:
    """The enum of weights trained on COCO with the classes of Pascal VOC."""
    meta = {
        "num_params": num_params,
        "min_size": (1, 1),
        "categories": list(CLASSES),
        "_metrics": {"COCO-val2017-VOC-labels": accuracy},
        "_ops": gflops,
        "_file_size": megabytes,
    }
    weights = Weights(SITE + file, partial(SemanticSegmentation, resize_size=520), meta)
    members = {"COCO_WITH_VOC_LABELS_V1": weights, "DEFAULT": weights}
    return WeightsEnum(enum, members, module=module, qualname=enum)


def upsampled(scores: Tensor, like: Tensor) -> Tensor:
    return interpolate(scores, size=like.shape[-2:], mode="bilinear", align_corners=False)


class SegmentationModel(nn.Module):
    """Scores of the classes for every pixel, from the backbone's features "out" and, to help training, from "aux"."""

    def __init__(
        self, backbone: nn.Module, classifier: nn.Module, aux_classifier: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.backbone, self.classifier, self.aux_classifier = backbone, classifier, aux_classifier

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = self.backbone(x)
        result = OrderedDict(out=upsampled(self.classifier(features["out"]), x))
        if self.aux_classifier is not None:
            result["aux"] = upsampled(self.aux_classifier(features["aux"]), x)
        return result


# ---------------------------------------------------------------- backbones


def resnet_backbone(depth: int, names: dict[str, str], **weights: Any) -> tuple[nn.Module, list[int]]:
    """The layers of a ResNet that are asked for ("high", "low"), under new names, and their channels."""
    net = getattr(resnet, f"resnet{depth}")(**weights, replace_stride_with_dilation=[False, True, True])
    layers = {"high": ("layer4", 2048), "low": ("layer3", 1024)}
    chosen = {layers[place][0]: name for place, name in names.items()}
    return IntermediateLayerGetter(net, chosen), [layers[place][1] for place in names]


def mobilenet_backbone(names: dict[str, str], **weights: Any) -> tuple[nn.Module, list[int]]:
    """The same of a MobileNet v3, whose parts begin where the size is halved."""
    features = mobilenetv3.mobilenet_v3_large(**weights, dilated=True).features
    starts = [
        0,
        *(i for i, block in enumerate(features) if getattr(block, "_is_cn", False)),
        len(features) - 1,
    ]
    places = {"high": starts[-1], "low": starts[-4]}
    chosen = {str(places[place]): name for place, name in names.items()}
    return IntermediateLayerGetter(features, chosen), [
        features[places[place]].out_channels for place in names
    ]


def segmenter(
    enum: type[WeightsEnum],
    backbone_enum: type[WeightsEnum],
    backbone: Callable[..., tuple[nn.Module, list[int]]],
    has_aux: bool = True,
) -> Callable[[Callable], Callable]:
    """A decorator that gives a function of (backbone, num_classes, aux_loss) the arguments of a model."""

    def decorate(make: Callable) -> Callable:
        def build(
            *,
            weights: Any = None,
            progress: bool = True,
            num_classes: int | None = None,
            aux_loss: bool | None = None,
            weights_backbone: Any = backbone_enum.IMAGENET1K_V1,
            **kwargs: Any,
        ) -> nn.Module:
            chosen = chosen_weights(enum, weights)
            published = isinstance(chosen, WeightsEnum)
            if published and num_classes not in (None, len(CLASSES)):
                raise ValueError(
                    f"The parameter 'num_classes' expected value {len(CLASSES)} but got {num_classes} instead."
                )
            if published and has_aux and aux_loss is False:
                raise ValueError("The parameter 'aux_loss' expected value True but got False instead.")
            parts = partial(backbone, weights=None if chosen else weights_backbone, progress=progress)
            aux = has_aux and bool(chosen if aux_loss is None else aux_loss)
            net = make(parts, len(CLASSES) if num_classes is None else num_classes, aux, **kwargs)
            if chosen is not None:
                net.load_state_dict(chosen.get_state_dict(progress=progress, check_hash=True))
            return net

        build.__name__ = build.__qualname__ = make.__name__
        build.__module__, build.__doc__ = make.__module__, make.__doc__
        build.__annotations__ |= {"weights": Optional[enum], "weights_backbone": Optional[backbone_enum]}  # noqa: UP045
        flags = {
            "weights": ("pretrained", enum.COCO_WITH_VOC_LABELS_V1),
            "weights_backbone": ("pretrained_backbone", backbone_enum.IMAGENET1K_V1),
        }
        return register_model()(legacy_arguments(**flags)(build))

    return decorate
