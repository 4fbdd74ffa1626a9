"""Faster R-CNN (Ren et al., arXiv 1506.01497) on feature pyramids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tinytensor import Tensor, nn
from tinytensor.nn import functional as F

from ...ops import MultiScaleRoIAlign
from ...ops.misc import Conv2dNormActivation
from .._api import register_model
from .._utils import initialize, legacy_arguments
from ..mobilenetv3 import MobileNet_V3_Large_Weights, mobilenet_v3_large
from ..resnet import ResNet50_Weights, resnet50
from ._builders import Plan, coco_weights, planned
from ._utils import overwrite_eps
from .anchor_utils import AnchorGenerator
from .backbone_utils import BackboneWithFPN, _mobilenet_extractor, _resnet_fpn_extractor
from .generalized_rcnn import GeneralizedRCNN
from .roi_heads import RoIHeads
from .rpn import RegionProposalNetwork, RPNHead
from .transform import GeneralizedRCNNTransform

__all__ = [
    "FasterRCNN",
    "FasterRCNN_MobileNet_V3_Large_320_FPN_Weights",
    "FasterRCNN_MobileNet_V3_Large_FPN_Weights",
    "FasterRCNN_ResNet50_FPN_V2_Weights",
    "FasterRCNN_ResNet50_FPN_Weights",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2",
]

FasterRCNN_ResNet50_FPN_Weights = coco_weights(
    "FasterRCNN_ResNet50_FPN_Weights", __name__,
    "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth", 41755286, 134.38, 159.743, box_map=37.0,
)  # fmt: skip
FasterRCNN_ResNet50_FPN_V2_Weights = coco_weights(
    "FasterRCNN_ResNet50_FPN_V2_Weights", __name__,
    "fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth", 43712278, 280.371, 167.104, box_map=46.7,
)  # fmt: skip
FasterRCNN_MobileNet_V3_Large_FPN_Weights = coco_weights(
    "FasterRCNN_MobileNet_V3_Large_FPN_Weights", __name__,
    "fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth", 19386354, 4.494, 74.239, box_map=32.8,
)  # fmt: skip
FasterRCNN_MobileNet_V3_Large_320_FPN_Weights = coco_weights(
    "FasterRCNN_MobileNet_V3_Large_320_FPN_Weights", __name__,
    "fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth", 19386354, 0.719, 74.239, box_map=22.8,
)  # fmt: skip


def _default_anchorgen() -> AnchorGenerator:
    return AnchorGenerator(((32,), (64,), (128,), (256,), (512,)), ((0.5, 1.0, 2.0),) * 5)


class TwoMLPHead(nn.Module):
    """Two linear layers on a region's features."""

    def __init__(self, in_channels: int, representation_size: int) -> None:
        super().__init__()
        self.fc6 = nn.Linear(in_channels, representation_size)
        self.fc7 = nn.Linear(representation_size, representation_size)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.fc7(F.relu(self.fc6(x.flatten(start_dim=1)))))


class FastRCNNConvFCHead(nn.Sequential):
    """Convolutions, then linear layers on a region's features."""

    def __init__(
        self,
        input_size: tuple[int, int, int],
        conv_layers: Sequence[int],
        fc_layers: Sequence[int],
        norm_layer: Callable[..., nn.Module] | None = None,
    ) -> None:
        channels, height, width = input_size
        layers: list[nn.Module] = []
        for after in conv_layers:
            layers.append(Conv2dNormActivation(channels, after, norm_layer=norm_layer))
            channels = after
        layers.append(nn.Flatten())
        features = channels * height * width
        for after in fc_layers:
            layers += [nn.Linear(features, after), nn.ReLU(inplace=True)]
            features = after
        super().__init__(*layers)
        initialize(self, partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu"))


class FastRCNNPredictor(nn.Module):
    """Classes, and a box for each of them."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.cls_score = nn.Linear(in_channels, num_classes)
        self.bbox_pred = nn.Linear(in_channels, num_classes * 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if x.dim() == 4 and tuple(x.shape[2:]) != (1, 1):
            raise AssertionError(
                "x has the wrong shape, expecting the last two dimensions to be [1,1] "
                f"instead of {list(x.shape[2:])}"
            )
        x = x.flatten(start_dim=1)
        return self.cls_score(x), self.bbox_pred(x)


def _check_part(name: str, part: Any, kind: type) -> None:
    if part is not None and not isinstance(part, kind):
        raise TypeError(f"{name} should be of type {kind.__name__} or None instead of {type(part)}")


class FasterRCNN(GeneralizedRCNN):
    """Faster R-CNN on a backbone that has the attribute out_channels; class 0 is the background."""

    def __init__(
        self,
        backbone: nn.Module,
        num_classes: int | None = None,
        min_size: int | Sequence[int] = 800,
        max_size: int = 1333,
        image_mean: Sequence[float] | None = None,
        image_std: Sequence[float] | None = None,
        rpn_anchor_generator: AnchorGenerator | None = None,
        rpn_head: nn.Module | None = None,
        rpn_pre_nms_top_n_train: int = 2000,
        rpn_pre_nms_top_n_test: int = 1000,
        rpn_post_nms_top_n_train: int = 2000,
        rpn_post_nms_top_n_test: int = 1000,
        rpn_nms_thresh: float = 0.7,
        rpn_fg_iou_thresh: float = 0.7,
        rpn_bg_iou_thresh: float = 0.3,
        rpn_batch_size_per_image: int = 256,
        rpn_positive_fraction: float = 0.5,
        rpn_score_thresh: float = 0.0,
        box_roi_pool: MultiScaleRoIAlign | None = None,
        box_head: nn.Module | None = None,
        box_predictor: nn.Module | None = None,
        box_score_thresh: float = 0.05,
        box_nms_thresh: float = 0.5,
        box_detections_per_img: int = 100,
        box_fg_iou_thresh: float = 0.5,
        box_bg_iou_thresh: float = 0.5,
        box_batch_size_per_image: int = 512,
        box_positive_fraction: float = 0.25,
        bbox_reg_weights: tuple[float, float, float, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if not hasattr(backbone, "out_channels"):
            raise ValueError(
                "backbone should contain an attribute out_channels specifying the number of output channels "
                "(assumed to be the same for all the levels)"
            )
        _check_part("rpn_anchor_generator", rpn_anchor_generator, AnchorGenerator)
        _check_part("box_roi_pool", box_roi_pool, MultiScaleRoIAlign)
        if (num_classes is None) == (box_predictor is None):
            what = (
                "should not be None when box_predictor is not"
                if num_classes is None
                else "should be None when box_predictor is"
            )
            raise ValueError(f"num_classes {what} specified")
        channels = backbone.out_channels
        anchors = rpn_anchor_generator or _default_anchorgen()
        rpn = RegionProposalNetwork(
            anchors,
            rpn_head or RPNHead(channels, anchors.num_anchors_per_location()[0]),
            rpn_fg_iou_thresh,
            rpn_bg_iou_thresh,
            rpn_batch_size_per_image,
            rpn_positive_fraction,
            {"training": rpn_pre_nms_top_n_train, "testing": rpn_pre_nms_top_n_test},
            {"training": rpn_post_nms_top_n_train, "testing": rpn_post_nms_top_n_test},
            rpn_nms_thresh,
            score_thresh=rpn_score_thresh,
        )
        pool = box_roi_pool or MultiScaleRoIAlign(["0", "1", "2", "3"], output_size=7, sampling_ratio=2)
        heads = RoIHeads(
            pool,
            box_head or TwoMLPHead(channels * pool.output_size[0] ** 2, 1024),
            box_predictor or FastRCNNPredictor(1024, num_classes),
            box_fg_iou_thresh,
            box_bg_iou_thresh,
            box_batch_size_per_image,
            box_positive_fraction,
            bbox_reg_weights,
            box_score_thresh,
            box_nms_thresh,
            box_detections_per_img,
        )
        mean = [0.485, 0.456, 0.406] if image_mean is None else image_mean
        deviation = [0.229, 0.224, 0.225] if image_std is None else image_std
        super().__init__(
            backbone, rpn, heads, GeneralizedRCNNTransform(min_size, max_size, mean, deviation, **kwargs)
        )


def _resnet_backbone(plan: Plan, progress: bool) -> BackboneWithFPN:
    backbone = resnet50(weights=_member(plan), progress=progress, norm_layer=plan.norm_layer)
    return _resnet_fpn_extractor(backbone, plan.trainable_layers)


def _member(plan: Plan) -> Any:
    """The backbone's weights as an argument: a file's path stands for itself."""
    return getattr(plan.backbone, "path", plan.backbone)


def _second_version(plan: Plan, progress: bool) -> tuple[BackboneWithFPN, dict[str, nn.Module]]:
    """The backbone and the heads of the second versions (Li et al., arXiv 2111.11429)."""
    backbone = resnet50(weights=_member(plan), progress=progress)
    backbone = _resnet_fpn_extractor(backbone, plan.trainable_layers, norm_layer=nn.BatchNorm2d)
    anchors = _default_anchorgen()
    head = RPNHead(backbone.out_channels, anchors.num_anchors_per_location()[0], conv_depth=2)
    box_head = FastRCNNConvFCHead((backbone.out_channels, 7, 7), [256] * 4, [1024], norm_layer=nn.BatchNorm2d)
    return backbone, {"rpn_anchor_generator": anchors, "rpn_head": head, "box_head": box_head}


def _with_exact_norm(net: nn.Module, plan: Plan, enum: Any) -> nn.Module:
    """The first COCO weights were trained with a normalization that adds nothing to the variance."""
    if plan.weights is enum.COCO_V1:
        overwrite_eps(net, 0.0)
    return net


@register_model()
@legacy_arguments(
    weights=("pretrained", FasterRCNN_ResNet50_FPN_Weights.COCO_V1),
    weights_backbone=("pretrained_backbone", ResNet50_Weights.IMAGENET1K_V1),
)
def fasterrcnn_resnet50_fpn(
    *,
    weights: FasterRCNN_ResNet50_FPN_Weights | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: ResNet50_Weights | None = ResNet50_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:
    """Faster R-CNN on a ResNet-50 with a feature pyramid."""
    enum = FasterRCNN_ResNet50_FPN_Weights
    plan = planned(
        enum, weights, ResNet50_Weights, weights_backbone, num_classes, trainable_backbone_layers, 5
    )
    net = FasterRCNN(_resnet_backbone(plan, progress), plan.num_classes, **kwargs)
    return _with_exact_norm(plan.finish(net, progress), plan, enum)


@register_model()
@legacy_arguments(
    weights=("pretrained", FasterRCNN_ResNet50_FPN_V2_Weights.COCO_V1),
    weights_backbone=("pretrained_backbone", ResNet50_Weights.IMAGENET1K_V1),
)
def fasterrcnn_resnet50_fpn_v2(
    *,
    weights: FasterRCNN_ResNet50_FPN_V2_Weights | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: ResNet50_Weights | None = None,
    trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:
    """Faster R-CNN on a ResNet-50 with a feature pyramid, with larger heads."""
    enum = FasterRCNN_ResNet50_FPN_V2_Weights
    plan = planned(
        enum, weights, ResNet50_Weights, weights_backbone, num_classes, trainable_backbone_layers, 5
    )
    backbone, parts = _second_version(plan, progress)
    return plan.finish(FasterRCNN(backbone, plan.num_classes, **parts, **kwargs), progress)


def _on_mobilenet(plan: Plan, progress: bool, config: dict[str, Any]) -> nn.Module:
    backbone = mobilenet_v3_large(weights=_member(plan), progress=progress, norm_layer=plan.norm_layer)
    backbone = _mobilenet_extractor(backbone, True, plan.trainable_layers)
    anchors = AnchorGenerator(((32, 64, 128, 256, 512),) * 3, ((0.5, 1.0, 2.0),) * 3)
    config = {"rpn_score_thresh": 0.05, **config}
    return plan.finish(
        FasterRCNN(backbone, plan.num_classes, rpn_anchor_generator=anchors, **config), progress
    )


@register_model()
@legacy_arguments(
    weights=("pretrained", FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.COCO_V1),
    weights_backbone=("pretrained_backbone", MobileNet_V3_Large_Weights.IMAGENET1K_V1),
)
def fasterrcnn_mobilenet_v3_large_320_fpn(
    *,
    weights: FasterRCNN_MobileNet_V3_Large_320_FPN_Weights | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: MobileNet_V3_Large_Weights | None = MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:
    """Faster R-CNN on a MobileNet v3 with a feature pyramid, for small pictures."""
    backbone = (MobileNet_V3_Large_Weights, weights_backbone)
    enum = FasterRCNN_MobileNet_V3_Large_320_FPN_Weights
    plan = planned(enum, weights, *backbone, num_classes, trainable_backbone_layers, 6)
    small = {"min_size": 320, "max_size": 640, "rpn_pre_nms_top_n_test": 150, "rpn_post_nms_top_n_test": 150}
    return _on_mobilenet(plan, progress, {**small, **kwargs})


@register_model()
@legacy_arguments(
    weights=("pretrained", FasterRCNN_MobileNet_V3_Large_FPN_Weights.COCO_V1),
    weights_backbone=("pretrained_backbone", MobileNet_V3_Large_Weights.IMAGENET1K_V1),
)
def fasterrcnn_mobilenet_v3_large_fpn(
    *,
    weights: FasterRCNN_MobileNet_V3_Large_FPN_Weights | None = None,
    progress: bool = True,
    num_classes: int | None = None,
    weights_backbone: MobileNet_V3_Large_Weights | None = MobileNet_V3_Large_Weights.IMAGENET1K_V1,
    trainable_backbone_layers: int | None = None,
    **kwargs: Any,
) -> FasterRCNN:
    """Faster R-CNN on a MobileNet v3 with a feature pyramid."""
    backbone = (MobileNet_V3_Large_Weights, weights_backbone)
    enum = FasterRCNN_MobileNet_V3_Large_FPN_Weights
    plan = planned(enum, weights, *backbone, num_classes, trainable_backbone_layers, 6)
    return _on_mobilenet(plan, progress, kwargs)
