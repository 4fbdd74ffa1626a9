"""Operations as ONNX's nodes, one file per family."""

from tinytensor.onnx._graph import Table
from tinytensor.onnx._nodes import (
    activations,
    attention,
    comparisons,
    convolution,
    elementwise,
    indexing,
    making,
    normalization,
    pooling,
    products,
    recurrent,
    reductions,
    resizing,
    shapes,
)

TABLE = Table()
for _family in (
    *(activations, attention, comparisons, convolution, elementwise, indexing, making, normalization),
    *(pooling, products, recurrent, reductions, resizing, shapes),
):
    TABLE.update(_family.TABLE)
