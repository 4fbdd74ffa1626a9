"""The second half of a detector: what the proposed regions show, where exactly, and which of their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tinytensor
from tinytensor import Tensor, nn
from tinytensor.nn import functional as F

from ... import ops
from . import _utils as boxes_

__all__ = ["RoIHeads", "paste_masks_in_image"]


def fastrcnn_loss(
    class_logits: Tensor, box_regression: Tensor, labels: list[Tensor], regression_targets: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """The loss of the classes, and that of the boxes of the regions that have an object."""
    joined = tinytensor.cat(labels)
    positive = tinytensor.where(joined > 0)[0]
    per_class = box_regression.unflatten(1, (-1, 4))
    box_loss = F.smooth_l1_loss(
        per_class[positive, joined[positive]],
        tinytensor.cat(list(regression_targets))[positive],
        beta=1 / 9,
        reduction="sum",
    )
    return F.cross_entropy(class_logits, joined), box_loss / joined.numel()


def _mask_targets(masks: Tensor, boxes: Tensor, matched: Tensor, size: int) -> Tensor:
    """The true masks cut out by the boxes, at the size of the predicted ones."""
    regions = tinytensor.cat([matched.to(boxes.dtype)[:, None], boxes], dim=1)
    return ops.roi_align(masks[:, None].to(boxes.dtype), regions, (size, size), 1.0)[:, 0]


def maskrcnn_loss(
    mask_logits: Tensor,
    proposals: list[Tensor],
    gt_masks: list[Tensor],
    gt_labels: list[Tensor],
    mask_matched_idxs: list[Tensor],
) -> Tensor:
    """The loss of the masks, each that of the region's true class."""
    size = mask_logits.shape[-1]
    triples = zip(gt_masks, proposals, mask_matched_idxs)
    wanted = tinytensor.cat([_mask_targets(*triple, size) for triple in triples])
    if wanted.numel() == 0:
        return mask_logits.sum() * 0
    labels = tinytensor.cat([label[index] for label, index in zip(gt_labels, mask_matched_idxs)])
    chosen = mask_logits[tinytensor.arange(labels.shape[0], device=labels.device), labels]
    return F.binary_cross_entropy_with_logits(chosen, wanted)


def maskrcnn_inference(x: Tensor, labels: list[Tensor]) -> tuple[Tensor, ...]:
    """The masks of the found classes, per picture (regions, 1, size, size)."""
    joined = tinytensor.cat(labels)
    chosen = x.sigmoid()[tinytensor.arange(x.shape[0], device=x.device), joined][:, None]
    return chosen.split([label.shape[0] for label in labels], dim=0)


def _enlarged(boxes: Tensor, scale: float) -> Tensor:
    centre = (boxes[:, 2:] + boxes[:, :2]) * 0.5
    half = (boxes[:, 2:] - boxes[:, :2]) * 0.5 * scale
    return tinytensor.cat([centre - half, centre + half], dim=1)


def _pasted(mask: Tensor, box: list[int], height: int, width: int) -> Tensor:
    left, top, right, bottom = box
    size = (max(bottom - top + 1, 1), max(right - left + 1, 1))
    mask = F.interpolate(mask[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]
    canvas = mask.new_zeros(height, width)
    x = slice(max(left, 0), min(right + 1, width))
    y = slice(max(top, 0), min(bottom + 1, height))
    canvas[y, x] = mask[y.start - top : y.stop - top, x.start - left : x.stop - left]
    return canvas


def paste_masks_in_image(masks: Tensor, boxes: Tensor, img_shape: Sequence[int], padding: int = 1) -> Tensor:
    """Masks (N, 1, M, M) of boxes as masks (N, 1, H, W) of the picture."""
    size = masks.shape[-1]
    # A border of zeros lets the interpolation fade out.
    padded = F.pad(masks, (padding,) * 4)
    whole = _enlarged(boxes, (size + 2 * padding) / size).to(tinytensor.int64).tolist()
    pasted = [_pasted(mask[0], box, *img_shape) for mask, box in zip(padded, whole)]
    return tinytensor.stack(pasted)[:, None] if pasted else masks.new_empty((0, 1, *img_shape))


class RoIHeads(nn.Module):
    """Classes and boxes of the proposed regions and, with a mask head, masks."""

    def __init__(
        self,
        box_roi_pool: nn.Module,
        box_head: nn.Module,
        box_predictor: nn.Module,
        fg_iou_thresh: float,
        bg_iou_thresh: float,
        batch_size_per_image: int,
        positive_fraction: float,
        bbox_reg_weights: tuple[float, float, float, float] | None,
        score_thresh: float,
        nms_thresh: float,
        detections_per_img: int,
        mask_roi_pool: nn.Module | None = None,
        mask_head: nn.Module | None = None,
        mask_predictor: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.proposal_matcher = boxes_.Matcher(fg_iou_thresh, bg_iou_thresh)
        self.fg_bg_sampler = boxes_.BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
        self.box_coder = boxes_.BoxCoder(bbox_reg_weights or (10.0, 10.0, 5.0, 5.0))
        self.box_roi_pool = box_roi_pool
        self.box_head = box_head
        self.box_predictor = box_predictor
        self.score_thresh = score_thresh
        self.nms_thresh = nms_thresh
        self.detections_per_img = detections_per_img
        self.mask_roi_pool = mask_roi_pool
        self.mask_head = mask_head
        self.mask_predictor = mask_predictor

    def has_mask(self) -> bool:
        return None not in (self.mask_roi_pool, self.mask_head, self.mask_predictor)

    def check_targets(self, targets: list[dict[str, Tensor]] | None) -> None:
        if targets is None:
            raise ValueError("targets should not be None")
        for key in ("boxes", "labels", *(("masks",) if self.has_mask() else ())):
            if not all(key in target for target in targets):
                raise ValueError(f"Every element of targets should have a {key} key")

    def _assign(self, proposals: Tensor, boxes: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Per proposal the true box and its class: 0 for none, -1 for too little of one."""
        if boxes.numel() == 0:
            nothing = tinytensor.zeros(proposals.shape[0], dtype=tinytensor.int64, device=proposals.device)
            return nothing, nothing.clone()
        matches = self.proposal_matcher(ops.box_iou(boxes, proposals))
        nearest = matches.clamp(min=0)
        classes = labels[nearest].to(tinytensor.int64)
        classes[matches == self.proposal_matcher.BELOW_LOW_THRESHOLD] = 0
        classes[matches == self.proposal_matcher.BETWEEN_THRESHOLDS] = -1
        return nearest, classes

    def select_training_samples(
        self, proposals: list[Tensor], targets: list[dict[str, Tensor]] | None
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor], Any]:
        """The regions to learn from; the true boxes are among the proposals."""
        self.check_targets(targets)
        boxes = [target["boxes"].to(proposals[0].dtype) for target in targets]
        regions = [tinytensor.cat(pair) for pair in zip(proposals, boxes)]
        assigned = [
            self._assign(region, box, target["labels"])
            for region, box, target in zip(regions, boxes, targets)
        ]
        drawn = zip(*self.fg_bg_sampler([classes for _, classes in assigned]))
        chosen = [tinytensor.where(positive | negative)[0] for positive, negative in drawn]
        regions = [region[index] for region, index in zip(regions, chosen)]
        matched = [nearest[index] for (nearest, _), index in zip(assigned, chosen)]
        labels = [classes[index] for (_, classes), index in zip(assigned, chosen)]
        # A picture without objects has one empty box, for its indices 0.
        known = [box if box.numel() else box.new_zeros(1, 4) for box in boxes]
        wanted = self.box_coder.encode([box[index] for box, index in zip(known, matched)], regions)
        return regions, matched, labels, wanted

    def _detections(self, boxes: Tensor, scores: Tensor, image_shape: tuple[int, int]) -> dict[str, Tensor]:
        """The best boxes of one picture, without those that overlap a better one of their class."""
        classes = tinytensor.arange(scores.shape[-1], device=scores.device).expand_as(scores)
        # Class 0 is the background.
        boxes = ops.clip_boxes_to_image(boxes, image_shape)[:, 1:].reshape(-1, 4)
        scores, labels = scores[:, 1:].flatten(), classes[:, 1:].flatten()
        for keep in (
            lambda: tinytensor.where(scores > self.score_thresh)[0],
            lambda: ops.remove_small_boxes(boxes, min_size=1e-2),
            lambda: ops.batched_nms(boxes, scores, labels, self.nms_thresh)[: self.detections_per_img],
        ):
            kept = keep()
            boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
        return {"boxes": boxes, "labels": labels, "scores": scores}

    def postprocess_detections(
        self, class_logits: Tensor, box_regression: Tensor, proposals: list[Tensor], image_shapes: list
    ) -> list[dict[str, Tensor]]:
        counts = [boxes.shape[0] for boxes in proposals]
        boxes = self.box_coder.decode(box_regression, proposals).split(counts, 0)
        scores = F.softmax(class_logits, -1).split(counts, 0)
        return [self._detections(*one) for one in zip(boxes, scores, image_shapes)]

    def _mask_logits(self, features: dict[str, Tensor], regions: list[Tensor], image_shapes: list) -> Tensor:
        return self.mask_predictor(self.mask_head(self.mask_roi_pool(features, regions, image_shapes)))

    def _losses(self, features: dict, proposals: list, image_shapes: list, targets: Any) -> dict[str, Tensor]:
        regions, matched, labels, wanted = self.select_training_samples(proposals, targets)
        logits, deltas = self.box_predictor(self.box_head(self.box_roi_pool(features, regions, image_shapes)))
        classifier, box = fastrcnn_loss(logits, deltas, labels, wanted)
        losses = {"loss_classifier": classifier, "loss_box_reg": box}
        if self.has_mask():
            positive = [tinytensor.where(label > 0)[0] for label in labels]
            regions = [region[index] for region, index in zip(regions, positive)]
            matched = [match[index] for match, index in zip(matched, positive)]
            masks, classes = ([target[key] for target in targets] for key in ("masks", "labels"))
            mask_logits = self._mask_logits(features, regions, image_shapes)
            losses["loss_mask"] = maskrcnn_loss(mask_logits, regions, masks, classes, matched)
        return losses

    def forward(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_shapes: list[tuple[int, int]],
        targets: list[dict[str, Tensor]] | None = None,
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        if self.training:
            return [], self._losses(features, proposals, image_shapes, targets)
        logits, deltas = self.box_predictor(
            self.box_head(self.box_roi_pool(features, proposals, image_shapes))
        )
        result = self.postprocess_detections(logits, deltas, proposals, image_shapes)
        if self.has_mask():
            mask_logits = self._mask_logits(features, [found["boxes"] for found in result], image_shapes)
            masks = maskrcnn_inference(mask_logits, [found["labels"] for found in result])
            for found, mask in zip(result, masks):
                found["masks"] = mask
        return result, {}
