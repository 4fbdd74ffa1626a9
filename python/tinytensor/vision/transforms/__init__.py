"""What is done to pictures before a network sees them, under torchvision's names."""

from . import functional, transforms
from .autoaugment import AugMix, AutoAugment, AutoAugmentPolicy, RandAugment, TrivialAugmentWide
from .transforms import *  # noqa: F403

__all__ = [
    *transforms.__all__,
    "AugMix",
    "AutoAugment",
    "AutoAugmentPolicy",
    "RandAugment",
    "TrivialAugmentWide",
    "functional",
]
