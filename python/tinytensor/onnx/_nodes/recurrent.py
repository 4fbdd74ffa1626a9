"""Recurrent layers.

ONNX stacks the matrices of a layer's directions along a first axis, and orders the gates of an LSTM i, o, f, c and
those of a GRU z, r, h, where PyTorch has i, f, c, o and r, z, n. The parameters stay as they are, under their names:
nodes reorder them, which whoever runs the file does once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tinytensor._C import Tensor
from tinytensor.onnx._graph import Graph, Table

TABLE = Table()

_GATES = {"LSTM": [0, 3, 1, 2], "GRU": [1, 0, 2], "RNN": [0]}


class _Stack(NamedTuple):
    """What all layers have in common."""

    kind: str
    hidden: int
    activation: str | None

    def settings(self, directions: int) -> dict[str, Any]:
        return {
            "hidden_size": self.hidden,
            "direction": "bidirectional" if directions == 2 else "forward",
            "activations": [self.activation] * directions if self.activation else None,
            "linear_before_reset": 1 if self.kind == "GRU" else None,
        }


def _reordered(g: Graph, kind: str, parameter: Tensor) -> str:
    gates = _GATES[kind]
    if len(gates) == 1:
        return g.name(parameter)
    parts = g.split(parameter, 0, [parameter.shape[0] // len(gates)] * len(gates))
    return g.op("Concat", *(parts[gate] for gate in gates), axis=0)


def _stacked(g: Graph, parts: list[str]) -> str:
    """One part per direction, along a new first axis."""
    alone = [g.unsqueeze(part, [0]) for part in parts]
    return g.op("Concat", *alone, axis=0) if len(alone) > 1 else alone[0]


def _layer(
    g: Graph, stack: _Stack, x: str, weights: list[list[Tensor]], states: list[str]
) -> tuple[str, tuple[str, ...]]:
    """Outputs as (time, batch, directions * hidden) and last states; `weights` has one list per direction."""
    kind = stack.kind
    columns = [_stacked(g, [_reordered(g, kind, own[place]) for own in weights]) for place in range(2)]
    bias = None
    if len(weights[0]) > 2:
        bias = _stacked(
            g, [g.op("Concat", *(_reordered(g, kind, one) for one in own[2:4]), axis=0) for own in weights]
        )
    count = 3 if kind == "LSTM" else 2
    y, *last = g.ops(count, kind, x, *columns, bias, None, *states, **stack.settings(len(weights)))
    # (time, directions, batch, hidden)
    together = g.reshape(g.transpose(y, [0, 2, 1, 3]), [0, 0, -1])
    return together, tuple(last)


def _recurrent(
    g: Graph, kind: str, activation: str | None, input: Tensor, hx: Any, params: list[Tensor], options: tuple
) -> tuple[str, ...]:
    has_biases, num_layers, dropout, train, bidirectional, batch_first = options
    if dropout and train and num_layers > 1:
        raise g.refuse("no dropout between the layers in ONNX: export in eval mode")
    directions, per_direction = 2 if bidirectional else 1, 4 if has_biases else 2
    if len(params) != num_layers * directions * per_direction:
        raise g.refuse("proj_size has no counterpart in ONNX")
    stack = _Stack(kind, params[1].shape[1], activation)
    x = g.transpose(input, [1, 0, 2]) if batch_first else g.name(input)
    states = _initial_states(g, hx, num_layers, directions)
    lasts: list[tuple[str, ...]] = []
    for layer in range(num_layers):
        start = layer * directions * per_direction
        own = [params[start + d * per_direction :][:per_direction] for d in range(directions)]
        x, last = _layer(g, stack, x, own, [state[layer] for state in states])
        lasts.append(last)
    ends = (g.op("Concat", *parts, axis=0) if num_layers > 1 else parts[0] for parts in zip(*lasts))
    return (g.transpose(x, [1, 0, 2]) if batch_first else x, *ends)


def _initial_states(g: Graph, hx: Any, num_layers: int, directions: int) -> list[tuple[str, ...]]:
    """For h, and c if there is one, what each layer starts with."""
    states = [] if hx is None else [hx] if isinstance(hx, Tensor) else list(hx)
    return [g.split(state, 0, [directions] * num_layers) for state in states]


@TABLE.writes("lstm", "gru", "rnn_tanh", "rnn_relu")
def recurrent(g: Graph, input: Tensor, hx: Any, params: Any, *options: Any) -> tuple[str, ...]:
    if len(options) != 6 or not isinstance(params, (tuple, list)):
        raise g.refuse("no packed sequences")
    kind, _, activation = g.operator.upper().partition("_")
    return _recurrent(g, kind, activation.capitalize() or None, input, hx, list(params), options)


@TABLE.writes("lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
def cell(
    g: Graph, input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Any = None, b_hh: Any = None
) -> Any:
    """A layer over one moment."""
    kind, activation, *_ = [*g.operator.removesuffix("_cell").upper().split("_"), ""]
    states = [] if hx is None else [hx] if isinstance(hx, Tensor) else list(hx)
    alone = input.ndim == 1
    lead = [0, 1] if alone else [0]
    stack = _Stack(kind, w_hh.shape[1], activation.capitalize() or None)
    own = [[one for one in (w_ih, w_hh, b_ih, b_hh) if one is not None]]
    _, last = _layer(g, stack, g.unsqueeze(input, lead), own, [g.unsqueeze(state, lead) for state in states])
    ends = tuple(g.squeeze(one, lead) for one in last)
    return ends if kind == "LSTM" else ends[0]
