"""Embeddings as functions."""

from __future__ import annotations

from tinytensor import _C

__all__ = ["embedding", "embedding_bag", "one_hot"]

embedding = _C.nn_embedding
embedding_bag = _C.embedding_bag
one_hot = _C.one_hot
