"""Indexing by tensors of one element, inside `vmap`."""

from __future__ import annotations

import contextlib

__all__ = ["TransformGetItemToIndex"]


class TransformGetItemToIndex(contextlib.AbstractContextManager):
    """Lets functions under `vmap` index by a tensor of one element. `vmap` calls them once per row here, where such
    an index is a number: it works inside this block as outside.
    """

    def __exit__(self, *exception: object) -> None:
        return None
