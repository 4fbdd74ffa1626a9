"""Tensors that say what they hold: pictures, videos, masks, boxes, key points; under torchvision's names.

Transforms of the second version tell them apart. What an op gives is a plain tensor: it need not be a picture any more.
Only clone, to, detach, requires_grad_ and pin_memory keep the class, unless `set_return_type("TVTensor")` says otherwise.
"""

from ._pixels import Image, Mask, Video
from ._places import BoundingBoxes, BoundingBoxFormat, KeyPoints
from ._tv_tensor import TVTensor, set_return_type, wrap

__all__ = [
    "BoundingBoxFormat",
    "BoundingBoxes",
    "Image",
    "KeyPoints",
    "Mask",
    "TVTensor",
    "Video",
    "set_return_type",
    "wrap",
]
