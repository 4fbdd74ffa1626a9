"""Pillow, which is asked for where a picture is handed out or decoded, and not before."""

from __future__ import annotations

from typing import Any

import numpy as np


def pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "pictures need Pillow: pip install pillow, or pip install 'tinytensor[vision]'"
        ) from error
    return Image


def picture(array: np.ndarray) -> Any:
    """An [H, W] or [H, W, 3] array of bytes as a PIL image."""
    return pillow().fromarray(array)
