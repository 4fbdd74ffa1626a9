"""What the functions that make detectors share: their weights, and those of their backbones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from tinytensor import nn

from ...ops.misc import FrozenBatchNorm2d
from .._api import Weights, WeightsEnum
from .._presets import ObjectDetection
from .._utils import WeightsFile, chosen_weights
from .._weights import SITE, coco_categories
from .backbone_utils import _trainable_layers


def coco_weights(
    enum: str, module: str, file: str, num_params: int, gflops: float, megabytes: float, **accuracy: float
) -> type[WeightsEnum]:
    """The enum of a detector's weights, which were trained on COCO."""
    meta = {
        "num_params": num_params,
        "min_size": (1, 1),
        "categories": coco_categories(),
        "_metrics": {"COCO-val2017": accuracy},
        "_ops": gflops,
        "_file_size": megabytes,
    }
    weights = Weights(SITE + file, partial(ObjectDetection), meta)
    return WeightsEnum(enum, {"COCO_V1": weights, "DEFAULT": weights}, module=module, qualname=enum)


@dataclass
class Plan:
    """What a detector is made with."""

    weights: WeightsEnum | WeightsFile | None
    backbone: WeightsEnum | WeightsFile | None
    num_classes: int
    trainable_layers: int

    @property
    def is_trained(self) -> bool:
        return self.weights is not None or self.backbone is not None

    @property
    def norm_layer(self) -> type[nn.Module]:
        """Trained backbones keep their statistics: batches of detectors are small."""
        return FrozenBatchNorm2d if self.is_trained else nn.BatchNorm2d

    def finish(self, net: nn.Module, progress: bool) -> nn.Module:
        if self.weights is not None:
            net.load_state_dict(self.weights.get_state_dict(progress=progress, check_hash=True))
        return net


def _classes(chosen: WeightsEnum | WeightsFile | None, wanted: int | None) -> int:
    known = len(coco_categories())
    if not isinstance(chosen, WeightsEnum):
        return known if wanted is None else wanted
    if wanted not in (None, known):
        raise ValueError(f"The parameter 'num_classes' expected value {known} but got {wanted} instead.")
    return known


def planned(
    enum: type[WeightsEnum],
    weights: Any,
    backbone_enum: type[WeightsEnum],
    weights_backbone: Any,
    num_classes: int | None,
    trainable_backbone_layers: int | None,
    layers: int,
) -> Plan:
    """The arguments of a detector checked. Its own weights make those of the backbone needless."""
    chosen = chosen_weights(enum, weights)
    backbone = chosen_weights(backbone_enum, weights_backbone) if chosen is None else None
    trained = chosen is not None or backbone is not None
    trainable = _trainable_layers(trained, trainable_backbone_layers, layers, 3)
    return Plan(chosen, backbone, _classes(chosen, num_classes), trainable)
