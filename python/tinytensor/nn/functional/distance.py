"""Distances between vectors."""

from __future__ import annotations

from tinytensor import _C

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]

cosine_similarity = _C.cosine_similarity
pairwise_distance = _C.pairwise_distance
pdist = _C.pdist
