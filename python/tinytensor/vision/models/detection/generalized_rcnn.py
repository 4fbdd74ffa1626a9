"""A detector of two stages: regions are proposed, then looked at."""

from __future__ import annotations

import tinytensor
from tinytensor import Tensor, nn

__all__ = ["GeneralizedRCNN"]


def _check_targets(targets: list[dict[str, Tensor]] | None) -> None:
    if targets is None:
        raise AssertionError("targets should not be none when in training mode")
    for index, target in enumerate(targets):
        boxes = target["boxes"]
        if not isinstance(boxes, Tensor):
            raise AssertionError(f"Expected target boxes to be of type Tensor, got {type(boxes)}.")
        if boxes.dim() != 2 or boxes.shape[-1] != 4:
            raise AssertionError(
                f"Expected target boxes to be a tensor of shape [N, 4], got {tuple(boxes.shape)}."
            )
        flat = (boxes[:, 2:] <= boxes[:, :2]).any(dim=1)
        if flat.any():
            box = boxes[int(tinytensor.where(flat)[0][0])].tolist()
            raise AssertionError(
                "All bounding boxes should have positive height and width. "
                f"Found invalid box {box} for target at index {index}."
            )


class GeneralizedRCNN(nn.Module):
    """In training it gives losses, otherwise per picture boxes, labels and scores."""

    def __init__(
        self, backbone: nn.Module, rpn: nn.Module, roi_heads: nn.Module, transform: nn.Module
    ) -> None:
        super().__init__()
        self.transform = transform
        self.backbone = backbone
        self.rpn = rpn
        self.roi_heads = roi_heads

    def forward(
        self, images: list[Tensor], targets: list[dict[str, Tensor]] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        if self.training:
            _check_targets(targets)
        originals = [tuple(image.shape[-2:]) for image in images]
        batch, targets = self.transform(images, targets)
        features = self.backbone(batch.tensors)
        if isinstance(features, Tensor):
            features = {"0": features}
        proposals, proposal_losses = self.rpn(batch, features, targets)
        found, losses = self.roi_heads(features, proposals, batch.image_sizes, targets)
        if self.training:
            return {**losses, **proposal_losses}
        return self.transform.postprocess(found, batch.image_sizes, originals)
