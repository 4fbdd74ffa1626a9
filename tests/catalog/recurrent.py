"""Recurrent networks and their cells, as functions of their parameters."""

import numpy as np

from .row import OWN_STRIDES, WIDE_FLOATS, E, Op, S


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def plain_step(activation):
    return lambda x, p, states: (activation(x + p),)


def gru_step(x, p, states):
    (x_r, x_z, x_n), (p_r, p_z, p_n) = (np.split(sums, 3, -1) for sums in (x, p))
    r, z = sigmoid(x_r + p_r), sigmoid(x_z + p_z)
    n = np.tanh(x_n + r * p_n)
    return ((1 - z) * n + z * states[0],)


def lstm_step(x, p, states):
    i, f, g, o = np.split(x + p, 4, -1)
    cell = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(cell), cell


STEPS = {
    "rnn_tanh": plain_step(np.tanh),
    "rnn_relu": plain_step(lambda x: np.maximum(x, 0)),
    "gru": gru_step,
    "lstm": lstm_step,
}
GATES = {"rnn_tanh": 1, "rnn_relu": 1, "gru": 3, "lstm": 4}


def one_step(name, x, states, w_ih, w_hh, b_ih=0.0, b_hh=0.0, w_hr=None):
    states = STEPS[name](x @ w_ih.T + b_ih, states[0] @ w_hh.T + b_hh, states)
    return states if w_hr is None else (states[0] @ w_hr.T, *states[1:])


def as_states(hx, name):
    return tuple(hx) if name == "lstm" else (hx,)


def cell(name):
    def reference(x, hx, w_ih, w_hh, b_ih=0.0, b_hh=0.0):
        states = one_step(name, x, as_states(hx, name), w_ih, w_hh, b_ih, b_hh)
        return states if len(states) > 1 else states[0]

    return reference


def run_direction(name, steps, counts, states, weights, reverse):
    """Outputs by step, and the last states; at step t only the first counts[t] sequences are there."""
    states = [state.copy() for state in states]
    outputs = [None] * len(steps)
    for t in reversed(range(len(steps))) if reverse else range(len(steps)):
        n = counts[t]
        new = one_step(name, steps[t], [state[:n] for state in states], *weights)
        for state, value in zip(states, new):
            state[:n] = value
        outputs[t] = new[0]
    return outputs, states


def run_layers(name, steps, counts, hx, params, has_biases, num_layers, bidirectional):
    directions = 2 if bidirectional else 1
    per_direction = len(params) // (num_layers * directions)
    weights = [params[i : i + per_direction] for i in range(0, len(params), per_direction)]
    if not has_biases and per_direction == 3:
        weights = [(w_ih, w_hh, 0.0, 0.0, w_hr) for w_ih, w_hh, w_hr in weights]
    last = []
    for layer in range(num_layers):
        parts = []
        for d in range(directions):
            at = layer * directions + d
            states = [state[at] for state in as_states(hx, name)]
            outputs, states = run_direction(name, steps, counts, states, weights[at], d == 1)
            parts.append(outputs)
            last.append(states)
        steps = [np.concatenate(step, -1) for step in zip(*parts)]
    return steps, tuple(np.stack(states) for states in zip(*last))


def network(name):
    def padded(x, hx, params, has_biases, num_layers, _dropout, _train, bidirectional, batch_first):
        steps = np.swapaxes(x, 0, 1) if batch_first else x
        counts = [steps.shape[1]] * len(steps)
        steps, states = run_layers(name, steps, counts, hx, params, has_biases, num_layers, bidirectional)
        return np.stack(steps, 1 if batch_first else 0), *states

    def packed(data, batch_sizes, hx, params, has_biases, num_layers, _dropout, _train, bidirectional):
        steps = np.split(data, np.cumsum(batch_sizes)[:-1])
        counts = [int(n) for n in batch_sizes]
        steps, states = run_layers(name, steps, counts, hx, params, has_biases, num_layers, bidirectional)
        return np.concatenate(steps), *states

    return lambda x, *rest: (packed if x.ndim == 2 else padded)(x, *rest)


def parameters(t, name, inputs, hidden, biases=True, layers=1, directions=1, projection=0):
    rows, outputs = GATES[name] * hidden, projection or hidden
    made = []
    for layer in range(layers):
        for _ in range(directions):
            made += [t(rows, inputs if layer == 0 else outputs * directions), t(rows, outputs)]
            made += [t(rows), t(rows)] if biases else []
            made += [t(projection, hidden)] if projection else []
    return made


def state(t, name, batch, hidden, layers=1, projection=0):
    first = t(layers, batch, projection or hidden)
    return [first, t(layers, batch, hidden)] if name == "lstm" else first


def network_samples(name):
    def samples(t):
        def run(
            steps, batch, inputs, hidden, biases=True, layers=1, both=False, projection=0, batch_first=False
        ):
            directions = 2 if both else 1
            x = t(batch, steps, inputs) if batch_first else t(steps, batch, inputs)
            hx = state(t, name, batch, hidden, layers * directions, projection)
            params = parameters(t, name, inputs, hidden, biases, layers, directions, projection)
            return S(x, hx, params, biases, layers, 0.0, False, both, batch_first)

        def pack(sizes, inputs, hidden, both=False):
            directions = 2 if both else 1
            hx = state(t, name, sizes[0], hidden, directions)
            params = parameters(t, name, inputs, hidden, True, 1, directions)
            return S(t(sum(sizes), inputs), t.index(sizes), hx, params, True, 1, 0.0, False, both)

        few = [
            run(2, 1, 1, 1),
            run(1, 2, 1, 1),
            run(3, 2, 4, 5),
            run(3, 20, 2, 17, layers=2),
            run(4, 3, 2, 3, biases=False, both=True),
            run(2, 2, 3, 4, layers=2, both=True),
            run(3, 0, 2, 2),
            pack([2, 1], 1, 1),
            pack([3, 3, 1], 2, 4, both=True),
        ]
        if name == "lstm":
            few += [run(2, 1, 1, 2, biases=False, projection=1), run(3, 2, 4, 5, projection=3, both=True)]
        return few

    return samples


def bad_networks(name):
    def samples(t):
        def call(x, hx=None, params=None, layers=1):
            params = parameters(t, name, 3, 4) if params is None else params
            return x, hx or state(t, name, 2, 4), params, True, layers, 0.0, False, False, False

        few = [E(RuntimeError, "", *call(t(5, 2, 3), params=parameters(t, name, 3, 4)[:3]))]
        if name != "lstm":  # whose checks PyTorch leaves to the module
            few.append(E(RuntimeError, "input_size: got 7 expected 3", *call(t(5, 2, 7))))
            few.append(E(RuntimeError, "", *call(t(5, 2, 3), state(t, name, 3, 4))))
        return few

    return samples


def cell_samples(name):
    def samples(t):
        def run(batch, inputs, hidden, biases=True):
            hx = [t(batch, hidden), t(batch, hidden)] if name == "lstm" else t(batch, hidden)
            return S(t(batch, inputs), hx, *parameters(t, name, inputs, hidden, biases))

        return [run(1, 1, 1), run(2, 1, 1, False), run(3, 4, 5), run(0, 2, 3), run(17, 3, 33)]

    return samples


def bad_cells(name):
    def samples(t):
        hx = [t(3, 4), t(3, 4)] if name == "lstm" else t(3, 4)
        return [
            E(RuntimeError, "input_size: got 5 expected 2", t(3, 5), hx, *parameters(t, name, 2, 4)),
            E(RuntimeError, "", t(2, 2), hx, *parameters(t, name, 2, 4)),
        ]

    return samples


OPS = [
    *(
        Op(
            name,
            network(name),
            network_samples(name),
            WIDE_FLOATS,
            forms="f",
            result=("same",) * (3 if name == "lstm" else 2),
            order=2,
            domain=(-1.0, 1.0),
            tolerance=8,
            tags=OWN_STRIDES,
            bad=bad_networks(name),
        )
        for name in STEPS
    ),
    *(
        Op(
            f"{name}_cell",
            cell(name),
            cell_samples(name),
            WIDE_FLOATS,
            forms="f",
            result=("same", "same") if name == "lstm" else "same",
            order=2,
            domain=(-1.0, 1.0),
            tolerance=8,
            tags=OWN_STRIDES,
            bad=bad_cells(name),
        )
        for name in STEPS
    ),
]
