"""Mask R-CNN (He et al., arXiv 1703.06870)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tinytensor import nn

from ...ops import MultiScaleRoIAlign
from ...ops.misc import Conv2dNormActivation
from .._api import register_model
from .._utils import initialize, legacy_arguments
from ..resnet import ResNet50_Weights
from ._builders import coco_weights, planned
from .faster_rcnn import FasterRCNN, _check_part, _resnet_backbone, _second_version, _with_exact_norm

__all__ = [
    "MaskRCNN",
    "MaskRCNN_ResNet50_FPN_V2_Weights",
    "MaskRCNN_ResNet50_FPN_Weights",
    "maskrcnn_resnet50_fpn",
    "maskrcnn_resnet50_fpn_v2",
]

MaskRCNN_ResNet50_FPN_Weights = coco_weights(
    "MaskRCNN_ResNet50_FPN_Weights", __name__,
    "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth", 44401393, 134.38, 169.84, box_map=37.9, mask_map=34.6,
)  # fmt: skip
MaskRCNN_ResNet50_FPN_V2_Weights = coco_weights(
    "MaskRCNN_ResNet50_FPN_V2_Weights", __name__,
    "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth", 46359409, 333.577, 177.219, box_map=47.4, mask_map=41.8,
)  # fmt: skip

_draw = partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu")


class MaskRCNNHeads(nn.Sequential):
    """Convolutions on a region's features."""

    _version = 2

    def __init__(
        self,
        in_channels: int,
        layers: Sequence[int],
        dilation: int,
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        shape = {"kernel_size": 3, "padding": dilation, "dilation": dilation}
        pairs = zip([in_channels, *layers], layers)
        super().__init__(*(Conv2dNormActivation(*pair, norm_layer=norm_layer, **shape) for pair in pairs))
        initialize(self, _draw)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, local_metadata: dict, *rest: Any) -> None:
        # Before version 2 the convolutions were called mask_fcn1 and so on.
        if (local_metadata.get("version") or 1) < 2:
            for index in range(len(self)):
                for part in ("weight", "bias"):
                    old = f"{prefix}mask_fcn{index + 1}.{part}"
                    if old in state_dict:
                        state_dict[f"{prefix}{index}.0.{part}"] = state_dict.pop(old)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class MaskRCNNPredictor(nn.Sequential):
    """Twice the size, and a mask for every class."""

    def __init__(self, in_channels: int, dim_reduced: int, num_classes: int) -> None:
        super().__init__(
            OrderedDict(
                conv5_mask=nn.ConvTranspose2d(in_channels, dim_reduced, 2, 2),
                relu=nn.ReLU(inplace=True),
                mask_fcn_logits=nn.Conv2d(dim_reduced, num_classes, 1),
            )
        )
        _draw(self.conv5_mask.weight)
        _draw(self.mask_fcn_logits.weight)


class MaskRCNN(FasterRCNN):
    """Faster R-CNN that also gives masks. All other arguments are those of FasterRCNN."""

    def __init__(
        self,
        backbone: nn.Module,
        num_classes: int | None = None,
        *args: Any,
        mask_roi_pool: MultiScaleRoIAlign | None = None,
        mask_head: nn.Module | None = None,
        mask_predictor: nn.Module | None = None,
        **kwargs: Any,
    ) -> None:
        _check_part("mask_roi_pool", mask_roi_pool, MultiScaleRoIAlign)
        if num_classes is not None and mask_predictor is not None:
            raise ValueError("num_classes should be None when mask_predictor is specified")
        if num_classes is None and mask_predictor is None:
            raise ValueError("num_classes should not be None when mask_predictor is not specified")
        pool = mask_roi_pool or MultiScaleRoIAlign(["0", "1", "2", "3"], output_size=14, sampling_ratio=2)
        head = mask_head or MaskRCNNHeads(backbone.out_channels, (256, 256, 256, 256), 1)
        predictor = mask_predictor or MaskRCNNPredictor(256, 256, num_classes)
        super().__init__(backbone, num_classes, *args, **kwargs)
        self.roi_heads.mask_roi_pool = pool
        self.roi_heads.mask_head = head
        self.roi_heads.mask_predictor = predictor


@register_model()
@legacy_arguments(
    weights=("pretrained", MaskRCNN_ResNet50_FPN_Weights.COCO_V1),
    weights_backbone=("pretrained_backbone", ResNet50_Weights.IMAGENET1K_V1),
)
def maskrcnn_resnet50_fpn(
    *,
    weights: MaskRCNN_ResNet50_FPN_Weights | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: ResNet50_Weights | None = ResNet50_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> MaskRCNN:
    """Mask R-CNN on a ResNet-50 with a feature pyramid."""
    enum = MaskRCNN_ResNet50_FPN_Weights
    plan = planned(
        enum, weights, ResNet50_Weights, weights_backbone, num_classes, trainable_backbone_layers, 5
    )
    net = MaskRCNN(_resnet_backbone(plan, progress), plan.num_classes, **kwargs)
    return _with_exact_norm(plan.finish(net, progress), plan, enum)


@register_model()
@legacy_arguments(
    weights=("pretrained", MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1),
    weights_backbone=("pretrained_backbone", ResNet50_Weights.IMAGENET1K_V1),
)
def maskrcnn_resnet50_fpn_v2(
    *,
    weights: MaskRCNN_ResNet50_FPN_V2_Weights | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: ResNet50_Weights | None = None,
    trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> MaskRCNN:
    """Mask R-CNN on a ResNet-50 with a feature pyramid, with larger heads."""
    enum = MaskRCNN_ResNet50_FPN_V2_Weights
    plan = planned(
        enum, weights, ResNet50_Weights, weights_backbone, num_classes, trainable_backbone_layers, 5
    )
    backbone, parts = _second_version(plan, progress)
    parts["mask_head"] = MaskRCNNHeads(backbone.out_channels, [256] * 4, 1, norm_layer=nn.BatchNorm2d)
    return plan.finish(MaskRCNN(backbone, plan.num_classes, **parts, **kwargs), progress)
