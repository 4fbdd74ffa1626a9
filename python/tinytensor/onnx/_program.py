"""A program as ONNX has it, ready to be written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from tinytensor._C import Tensor
from tinytensor.onnx import _proto
from tinytensor.onnx._graph import Graph
from tinytensor.version import __version__

__all__ = ["ONNXProgram"]

_LARGEST_FILE = 1 << 31  # what protobuf can hold
_SMALL = 256  # bytes; so small a tensor stays with the graph

# The version of the file format that came with an opset.
_IR_VERSIONS = {10: 5, 11: 6, 12: 7, 13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9}


class Port(NamedTuple):
    """An input or output; sizes given by name are dynamic."""

    name: str
    dtype: Any
    shape: list[int | str]

    def __str__(self) -> str:
        return f"%{self.name}: {str(self.dtype).removeprefix('torch.')}[{', '.join(map(str, self.shape))}]"


class ONNXProgram:
    """What `export` returns: write it with `save`, or take the bytes."""

    def __init__(self, graph: Graph, name: str, inputs: list[Port], outputs: list[Port]) -> None:
        self._graph, self._name = graph, name
        self._inputs, self._outputs = inputs, outputs

    def __str__(self) -> str:
        """The nodes, one a line."""
        head = f"graph {self._name}({', '.join(map(str, self._inputs))}) -> ({', '.join(map(str, self._outputs))})"
        weights = (
            f"  %{name} = initializer {str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"
            for name, tensor in self._graph.initializers.items()
        )
        return "\n".join(
            [f"{head}, opset {self._graph.opset}:", *weights, *(f"  {node}" for node in self._graph.nodes)]
        )

    __repr__ = __str__

    @property
    def model_proto(self) -> Any:
        """The model as the onnx package has it, which must be installed."""
        import onnx

        return onnx.load_from_string(self.to_bytes())

    def to_bytes(
        self, *, include_initializers: bool = True, keep_initializers_as_inputs: bool = False
    ) -> bytes:
        """The whole file."""
        weights = self._initializers(include_initializers)
        written = (_proto.tensor_proto(*weight) for weight in weights.items())
        return self._model(written, keep_initializers_as_inputs)

    def save(
        self,
        destination: str | os.PathLike | BinaryIO,
        *,
        include_initializers: bool = True,
        keep_initializers_as_inputs: bool = False,
        external_data: bool | None = None,
    ) -> None:
        """Write the file; large weights go to a file with ".data" after its name where `external_data` says so."""
        weights = self._initializers(include_initializers)
        large = sum(map(_size, weights.values())) >= _LARGEST_FILE
        if not isinstance(destination, (str, os.PathLike)):
            if external_data or large:
                raise TypeError("onnx: weights beside the file need a path, not a file object")
            destination.write(
                self.to_bytes(
                    include_initializers=include_initializers,
                    keep_initializers_as_inputs=keep_initializers_as_inputs,
                )
            )
            return
        path = os.fspath(destination)
        if external_data or large:
            written = list(_write_beside(f"{path}.data", weights))
        else:
            written = [_proto.tensor_proto(*weight) for weight in weights.items()]
        with open(path, "wb") as file:
            file.write(self._model(written, keep_initializers_as_inputs))

    def _initializers(self, include_parameters: bool) -> dict[str, Tensor]:
        """Constants are always there."""
        parameters = self._graph.parameters
        return {
            name: tensor
            for name, tensor in self._graph.initializers.items()
            if include_parameters or name not in parameters
        }

    def _model(self, initializers: Any, parameters_as_inputs: bool) -> bytes:
        graph = self._graph
        ports = list(self._inputs)
        if parameters_as_inputs:
            ports += [
                Port(name, tensor.dtype, list(tensor.shape))
                for name, tensor in graph.initializers.items()
                if name in graph.parameters
            ]
        nodes = (
            _proto.node_proto(node.kind, node.name, node.inputs, node.outputs, node.attributes)
            for node in graph.nodes
        )
        described = ([_proto.value_info(*port) for port in side] for side in (ports, self._outputs))
        body = _proto.graph_proto(self._name, nodes, initializers, *described)
        return _proto.model_proto(_IR_VERSIONS[graph.opset], graph.opset, "tinytensor", __version__, body)


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _write_beside(path: str, weights: dict[str, Tensor]) -> Iterator[bytes]:
    if not any(_size(tensor) >= _SMALL for tensor in weights.values()):
        yield from (_proto.tensor_proto(*weight) for weight in weights.items())
        return
    location, offset = os.path.basename(path), 0
    with open(path, "wb") as file:
        for name, tensor in weights.items():
            length = _size(tensor)
            if length < _SMALL:
                yield _proto.tensor_proto(name, tensor)
                continue
            file.write(_proto.tensor_bytes(tensor))
            yield _proto.external_tensor_proto(name, tensor, location, offset, length)
            offset += length
