"""Pictures for the tests, and torchvision where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest


def sample(height: int = 40, width: int = 50, channels: int = 3, seed: int = 0) -> np.ndarray:
    """[height, width, channels] of bytes: patches of one colour under some noise."""
    random = np.random.default_rng(seed)
    patches = random.integers(0, 256, (height // 4 + 2, width // 4 + 2, channels))
    smooth = np.kron(patches, np.ones((4, 4, 1), int))[:height, :width]
    return np.clip(smooth + random.integers(-20, 20, smooth.shape), 0, 255).astype(np.uint8)


def torchvision() -> Any:
    """torchvision, whose compiled part need not load here."""
    try:
        import torchvision.transforms
    except Exception as error:  # whatever keeps it from loading
        pytest.skip(f"torchvision does not load: {error}")
    return torchvision
