"""What is done to pictures before a network sees them."""

from .basic import Compose, Lambda, Normalize, ToTensor

__all__ = ["Compose", "Lambda", "Normalize", "ToTensor"]
