"""Detectors: boxes, classes and masks of the objects in a picture."""

from __future__ import annotations

from .faster_rcnn import *  # noqa: F403
from .mask_rcnn import *  # noqa: F403
