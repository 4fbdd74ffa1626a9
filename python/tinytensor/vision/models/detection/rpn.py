"""The region proposal network: which anchors have an object in them (Ren et al., arXiv 1506.01497)."""

from __future__ import annotations

from functools import partial
from typing import Any

import tinytensor
from tinytensor import Tensor, nn
from tinytensor.nn import functional as F

from ... import ops
from ...ops.misc import Conv2dNormActivation
from .._utils import initialize
from . import _utils as boxes_
from .anchor_utils import AnchorGenerator
from .image_list import ImageList

__all__ = ["RPNHead", "RegionProposalNetwork"]


class RPNHead(nn.Module):
    """For every anchor, whether it has an object, and where its box should be."""

    _version = 2

    def __init__(self, in_channels: int, num_anchors: int, conv_depth: int = 1) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            *(
                Conv2dNormActivation(in_channels, in_channels, kernel_size=3, norm_layer=None)
                for _ in range(conv_depth)
            )
        )
        self.cls_logits = nn.Conv2d(in_channels, num_anchors, kernel_size=1)
        self.bbox_pred = nn.Conv2d(in_channels, num_anchors * 4, kernel_size=1)
        initialize(self, partial(nn.init.normal_, std=0.01))

    def _load_from_state_dict(self, state_dict: dict, prefix: str, local_metadata: dict, *rest: Any) -> None:
        # Before version 2 there was one convolution, called conv.
        if (local_metadata.get("version") or 1) < 2:
            for part in ("weight", "bias"):
                if f"{prefix}conv.{part}" in state_dict:
                    state_dict[f"{prefix}conv.0.0.{part}"] = state_dict.pop(f"{prefix}conv.{part}")
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    def forward(self, x: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        hidden = [self.conv(feature) for feature in x]
        return [self.cls_logits(one) for one in hidden], [self.bbox_pred(one) for one in hidden]


def _by_anchor(maps: list[Tensor], width: int) -> Tensor:
    """Maps (N, anchors * width, H, W) as (N, all anchors, width), positions first."""
    flat = [one.unflatten(1, (-1, width)).permute(0, 3, 4, 1, 2).flatten(1, 3) for one in maps]
    return tinytensor.cat(flat, dim=1)


class RegionProposalNetwork(nn.Module):
    """Proposes boxes; in training it also gives the losses of its head."""

    min_size = 1e-3

    def __init__(
        self,
        anchor_generator: AnchorGenerator,
        head: nn.Module,
        fg_iou_thresh: float,
        bg_iou_thresh: float,
        batch_size_per_image: int,
        positive_fraction: float,
        pre_nms_top_n: dict[str, int],
        post_nms_top_n: dict[str, int],
        nms_thresh: float,
        score_thresh: float = 0.0,
    ) -> None:
        super().__init__()
        self.anchor_generator = anchor_generator
        self.head = head
        self.box_coder = boxes_.BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        self.proposal_matcher = boxes_.Matcher(fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True)
        self.fg_bg_sampler = boxes_.BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        self._pre_nms_top_n = pre_nms_top_n
        self._post_nms_top_n = post_nms_top_n
        self.nms_thresh = nms_thresh
        self.score_thresh = score_thresh

    def pre_nms_top_n(self) -> int:
        return self._pre_nms_top_n["training" if self.training else "testing"]

    def post_nms_top_n(self) -> int:
        return self._post_nms_top_n["training" if self.training else "testing"]

    def _assign(self, anchors: Tensor, true_boxes: Tensor) -> tuple[Tensor, Tensor]:
        """Per anchor 1 for an object, 0 for none, -1 for neither, and the box that it should have."""
        if true_boxes.numel() == 0:
            return anchors.new_zeros(anchors.shape[0]), tinytensor.zeros_like(anchors)
        matches = self.proposal_matcher(ops.box_iou(true_boxes, anchors))
        labels = (matches >= 0).to(tinytensor.float32)
        labels[matches == self.proposal_matcher.BETWEEN_THRESHOLDS] = -1.0
        return labels, true_boxes[matches.clamp(min=0)]

    def _best(self, objectness: Tensor, counts: list[int]) -> Tensor:
        """Indices of each feature map's best anchors."""
        found, start = [], 0
        for level in objectness.split(counts, 1):
            wanted = min(self.pre_nms_top_n(), level.shape[1])
            found.append(level.topk(wanted, dim=1).indices + start)
            start += level.shape[1]
        return tinytensor.cat(found, dim=1)

    def filter_proposals(
        self, proposals: Tensor, objectness: Tensor, image_shapes: list, num_anchors_per_level: list[int]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Of every picture's boxes the best, without those that overlap a better one of their feature map."""
        objectness = objectness.detach().reshape(proposals.shape[0], -1)
        levels = tinytensor.cat(
            [tinytensor.full((count,), level) for level, count in enumerate(num_anchors_per_level)]
        ).to(proposals.device)
        boxes_kept, scores_kept = [], []
        for index, best in enumerate(self._best(objectness, num_anchors_per_level)):
            scores = tinytensor.sigmoid(objectness[index, best])
            boxes = ops.clip_boxes_to_image(proposals[index, best], image_shapes[index])
            level = levels[best]
            for keep in (
                lambda b, s: ops.remove_small_boxes(b, self.min_size),
                lambda b, s: tinytensor.where(s >= self.score_thresh)[0],
            ):
                kept = keep(boxes, scores)
                boxes, scores, level = boxes[kept], scores[kept], level[kept]
            kept = ops.batched_nms(boxes, scores, level, self.nms_thresh)[: self.post_nms_top_n()]
            boxes_kept.append(boxes[kept])
            scores_kept.append(scores[kept])
        return boxes_kept, scores_kept

    def compute_loss(
        self, objectness: Tensor, pred_bbox_deltas: Tensor, labels: list[Tensor], regression_targets: Any
    ) -> tuple[Tensor, Tensor]:
        positive, negative = self.fg_bg_sampler(labels)
        positive = tinytensor.where(tinytensor.cat(positive))[0]
        negative = tinytensor.where(tinytensor.cat(negative))[0]
        sampled = tinytensor.cat([positive, negative])
        targets = tinytensor.cat(list(regression_targets))[positive]
        deltas = pred_bbox_deltas[positive]
        box_loss = F.smooth_l1_loss(deltas, targets, beta=1 / 9, reduction="sum") / sampled.numel()
        found = objectness.flatten()[sampled]
        return F.binary_cross_entropy_with_logits(found, tinytensor.cat(labels)[sampled]), box_loss

    def forward(
        self, images: ImageList, features: dict[str, Tensor], targets: list[dict[str, Tensor]] | None = None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        maps = list(features.values())
        logits, deltas = self.head(maps)
        anchors = self.anchor_generator(images, maps)
        counts = [level[0].numel() for level in logits]
        objectness = _by_anchor(logits, 1).flatten(0, 1)
        regression = _by_anchor(deltas, 4).flatten(0, 1)
        proposals = self.box_coder.decode(regression.detach(), anchors).view(len(anchors), -1, 4)
        boxes, _ = self.filter_proposals(proposals, objectness, images.image_sizes, counts)
        if not self.training:
            return boxes, {}
        if targets is None:
            raise ValueError("targets should not be None")
        assigned = [self._assign(one, target["boxes"]) for one, target in zip(anchors, targets)]
        wanted = self.box_coder.encode([matched for _, matched in assigned], anchors)
        losses = self.compute_loss(objectness, regression, [labels for labels, _ in assigned], wanted)
        return boxes, dict(zip(("loss_objectness", "loss_rpn_box_reg"), losses))
