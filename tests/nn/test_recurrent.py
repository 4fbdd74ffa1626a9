"""RNN, LSTM, GRU, their cells, and packed sequences."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest
from catalog.recurrent import run_layers
from util import STAND_IN, torch

from .peer import compare, raised

nn = torch.nn
rnn_utils = torch.nn.utils.rnn

NETWORKS = {
    "rnn_tanh": lambda torch: torch.nn.RNN,
    "rnn_relu": lambda torch: lambda *args, **options: torch.nn.RNN(*args, nonlinearity="relu", **options),
    "gru": lambda torch: torch.nn.GRU,
    "lstm": lambda torch: torch.nn.LSTM,
}
CELLS = ("RNNCell", "GRUCell", "LSTMCell")
OPTIONS = [
    {},
    {"num_layers": 2, "bidirectional": True},
    {"bias": False, "batch_first": True},
    {"num_layers": 3, "batch_first": True, "bidirectional": True},
]


def made(torch, kind, inputs=3, hidden=4, **options):
    return NETWORKS[kind](torch)(inputs, hidden, **options)


def first_states(torch, network, batch, dtype=None):
    layers = network.num_layers * (2 if network.bidirectional else 1)
    h = torch.randn(layers, batch, network.proj_size or network.hidden_size, dtype=dtype)
    if network.mode != "LSTM":
        return h
    return h, torch.randn(layers, batch, network.hidden_size, dtype=dtype)


def flat(result):
    output, hidden = result
    return [output, *(hidden if isinstance(hidden, tuple) else (hidden,))]


def arrays(value):
    if isinstance(value, tuple):
        return tuple(arrays(item) for item in value)
    return value.detach().numpy()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", NETWORKS)
def test_against_numpy(kind, options):
    torch.manual_seed(0)
    network = made(torch, kind, dtype=torch.float64, **options)
    x, hx = torch.randn(5, 2, 3, dtype=torch.float64), first_states(torch, network, 2, torch.float64)
    given = x.transpose(0, 1) if network.batch_first else x
    output, *states = (arrays(y) for y in flat(network(given, hx)))
    steps, last = run_layers(
        kind,
        list(x.numpy()),
        [2] * 5,
        arrays(hx),
        [w.detach().numpy() for w in network.parameters()],
        network.bias,
        network.num_layers,
        network.bidirectional,
    )
    np.testing.assert_allclose(output, np.stack(steps, 1 if network.batch_first else 0), rtol=1e-12)
    for state, due in zip(states, last, strict=True):
        np.testing.assert_allclose(state, due, rtol=1e-12)


def trained(torch, network, x, hx=None):
    """Outputs, and the gradients of all that has one."""
    x.requires_grad_()
    states = () if hx is None else hx if isinstance(hx, tuple) else (hx,)
    for state in states:
        state.requires_grad_()
    results = flat(network(x, hx))
    loss = sum((y * torch.randn(y.shape, dtype=y.dtype)).sum() for y in results)
    grads = torch.autograd.grad(loss, [x, *states, *network.parameters()])
    return results, grads


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", NETWORKS)
def test_values_and_gradients_are_pytorchs(kind, options, dtype):
    def program(torch):
        network = made(torch, kind, dtype=getattr(torch, dtype), **options)
        x = torch.randn(4, 3, 3, dtype=getattr(torch, dtype))
        hx = first_states(torch, network, 4 if network.batch_first else 3, getattr(torch, dtype))
        return (
            network.state_dict(),
            repr(network),
            trained(torch, network, x, hx),
            trained(torch, network, x.detach().clone()),
        )

    compare(program, rtol=1e-4, atol=1e-5)


def test_projection_is_pytorchs():
    def program(torch):
        network = torch.nn.LSTM(3, 5, 2, proj_size=2, bidirectional=True, batch_first=True)
        x = torch.randn(4, 3, 3)
        return (
            network.state_dict(),
            repr(network),
            trained(torch, network, x, first_states(torch, network, 4)),
        )

    compare(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", NETWORKS)
def test_dropout_draws_what_pytorch_draws(kind, batch_first):
    def program(torch):
        network = made(
            torch, kind, 3, 6, num_layers=3, dropout=0.4, batch_first=batch_first, bidirectional=True
        )
        x = torch.randn(3, 4, 3)
        torch.manual_seed(5)
        training = network(x)[0]
        return training, network.eval()(x)[0]

    compare(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", NETWORKS)
def test_second_derivatives_are_pytorchs(kind):
    def program(torch):
        network = made(torch, kind, num_layers=2, bidirectional=True, dtype=torch.float64)
        x = torch.randn(3, 2, 3, dtype=torch.float64, requires_grad=True)
        loss = network(x)[0].pow(2).sum()
        (slope,) = torch.autograd.grad(loss, x, create_graph=True)
        return torch.autograd.grad(slope.pow(2).sum(), [x, *network.parameters()])

    compare(program, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("enforce_sorted", [True, False])
@pytest.mark.parametrize("kind", NETWORKS)
def test_packed_input_is_pytorchs(kind, enforce_sorted):
    def program(torch):
        utils = torch.nn.utils.rnn
        network = made(torch, kind, num_layers=2, bidirectional=True, batch_first=True)
        x, lengths = torch.randn(3, 5, 3), [5, 3, 1] if enforce_sorted else [2, 5, 4]
        hx = first_states(torch, network, 3)

        def run(x, hx=None):
            packed = utils.pack_padded_sequence(x, lengths, True, enforce_sorted)
            output, hidden = network(packed, hx)
            padded, sizes = utils.pad_packed_sequence(output, batch_first=True, padding_value=7.0)
            assert sizes.tolist() == lengths
            return padded, hidden

        results = trained(torch, _Calls(run, network), x, hx)
        return results, flat(network(utils.pack_padded_sequence(x, lengths, True, enforce_sorted)))[1:]

    compare(program, rtol=1e-4, atol=1e-5)


class _Calls:
    def __init__(self, run, network):
        self.run, self.parameters = run, network.parameters

    def __call__(self, x, hx):
        return self.run(x, hx)


def test_packed_steps_equal_separate_runs():
    torch.manual_seed(0)
    network = nn.GRU(2, 3, bidirectional=True)
    sequences = [torch.randn(n, 2) for n in (2, 4, 3)]
    output, hidden = network(rnn_utils.pack_sequence(sequences, enforce_sorted=False))
    for i, sequence in enumerate(rnn_utils.unpack_sequence(output)):
        alone, last = network(sequences[i])
        np.testing.assert_allclose(arrays(sequence), arrays(alone), atol=1e-6)
        np.testing.assert_allclose(arrays(hidden[:, i]), arrays(last), atol=1e-6)


@pytest.mark.parametrize("kind", NETWORKS)
def test_unbatched_input(kind):
    torch.manual_seed(0)
    for batch_first in (False, True):
        network = made(torch, kind, num_layers=2, batch_first=batch_first)
        x, hx = torch.randn(5, 3), first_states(torch, network, 1)
        single = tuple(h.squeeze(1) for h in hx) if isinstance(hx, tuple) else hx.squeeze(1)
        alone, batched = flat(network(x, single)), flat(network(x.unsqueeze(0 if batch_first else 1), hx))
        assert alone[0].shape == (5, 4) and all(h.shape == (2, 4) for h in alone[1:])
        for a, b in zip(alone, batched, strict=True):
            np.testing.assert_array_equal(arrays(a).ravel(), arrays(b).ravel())


def test_odd_sizes_and_layouts():
    torch.manual_seed(0)
    for kind in NETWORKS:
        network = made(torch, kind, 1, 1)
        assert network(torch.randn(1, 1, 1))[0].shape == (1, 1, 1)
        network = made(torch, kind, 3, 19)
        assert network(torch.randn(2, 0, 3))[0].shape == (2, 0, 19)
        x = torch.randn(3, 21, 6)[:, :, ::2]
        np.testing.assert_allclose(arrays(network(x)[0]), arrays(network(x.contiguous())[0]), atol=1e-6)
        x = torch.randn(17, 4, 3)
        at_once, one_by_one = network(x)[0], torch.cat([network(x[:, i : i + 1])[0] for i in range(4)], 1)
        np.testing.assert_allclose(arrays(at_once), arrays(one_by_one), atol=1e-5)


@pytest.mark.skipif(STAND_IN, reason="our promise, not PyTorch's")
@pytest.mark.parametrize("kind", NETWORKS)
def test_threads_change_no_bit(kind):
    torch.manual_seed(0)
    network, x, before, results = made(torch, kind, 8, 40), torch.randn(6, 50, 8), torch.get_num_threads(), []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        y = network(x)[0]
        results.append([arrays(y), *map(arrays, torch.autograd.grad(y.sum(), list(network.parameters())))])
    torch.set_num_threads(before)
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_half_precision_follows_float():
    torch.manual_seed(0)
    network = nn.LSTM(3, 4, 2)
    x = torch.randn(5, 2, 3)
    due = arrays(network(x)[0])
    for dtype, off in ((torch.float16, 2e-3), (torch.bfloat16, 2e-2)):
        y = copy.deepcopy(network).to(dtype)(x.to(dtype))[0]
        assert y.dtype == dtype
        np.testing.assert_allclose(arrays(y.float()), due, atol=off)


@pytest.mark.parametrize("name", CELLS)
def test_cells_are_pytorchs(name):
    def program(torch):
        seen = []
        for options in ({}, {"bias": False}, {"dtype": torch.float64}) + (
            ({"nonlinearity": "relu"},) if name == "RNNCell" else ()
        ):
            cell = getattr(torch.nn, name)(3, 5, **options)
            dtype = cell.weight_ih.dtype
            x = torch.randn(2, 3, dtype=dtype, requires_grad=True)
            shape = (2, 5)
            hx = torch.randn(shape, dtype=dtype, requires_grad=True)
            hx = (hx, torch.randn(shape, dtype=dtype, requires_grad=True)) if name == "LSTMCell" else hx
            new = cell(x, hx)
            parts = new if isinstance(new, tuple) else (new,)
            states = hx if isinstance(hx, tuple) else (hx,)
            loss = sum((part * part).sum() for part in parts)
            slopes = torch.autograd.grad(loss, [x, *states, *cell.parameters()], create_graph=True)
            seconds = torch.autograd.grad(slopes[0].pow(2).sum(), [x, *states, cell.weight_ih])
            seen.append((cell.state_dict(), repr(cell), parts, slopes, seconds, cell(x), cell(x[0])))
        return seen

    compare(program, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_a_step_of_its_network(name):
    torch.manual_seed(0)
    cell, network = getattr(nn, name)(3, 4), getattr(nn, name.removesuffix("Cell"))(3, 4)
    network.load_state_dict({f"{key}_l0": value for key, value in cell.state_dict().items()})
    x, hx, steps = torch.randn(3, 2, 3), None, []
    for t in range(3):
        hx = cell(x[t], hx)
        steps.append(hx[0] if isinstance(hx, tuple) else hx)
    np.testing.assert_allclose(arrays(network(x)[0]), arrays(torch.stack(steps)), atol=1e-6)


def test_parameters_have_names_and_bounds():
    network = nn.LSTM(3, 16, 2, bidirectional=True)
    names = [
        f"{kind}_l{i}{end}"
        for i in (0, 1)
        for end in ("", "_reverse")
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    assert list(network.state_dict()) == names
    assert [w.data_ptr() for group in network.all_weights for w in group] == [
        w.data_ptr() for w in network.parameters()
    ]
    assert network.flatten_parameters() is None
    assert all(w.abs().max().item() <= 0.25 for w in network.parameters())
    assert max(w.abs().max().item() for w in network.parameters()) > 0.24


def test_copies_are_independent_and_pickle():
    torch.manual_seed(0)
    network, x = nn.LSTM(3, 4), torch.randn(2, 2, 3)
    twin, sent = copy.deepcopy(network), pickle.loads(pickle.dumps(network))
    due = arrays(network(x)[0])
    with torch.no_grad():
        twin.weight_ih_l0.zero_()
    np.testing.assert_array_equal(arrays(network(x)[0]), due)
    np.testing.assert_array_equal(arrays(sent(x)[0]), due)
    assert np.abs(arrays(twin(x)[0]) - due).max() > 1e-3


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_network_learns(kind):
    """To tell the last element of a sequence."""
    torch.manual_seed(0)
    network, head = made(torch, kind, 1, 16, batch_first=True), nn.Linear(16, 1)
    parameters = [*network.parameters(), *head.parameters()]
    x = torch.randn(64, 4, 1)
    target, losses = x[:, -1], []
    for _ in range(100):
        loss = (head(network(x)[0][:, -1]) - target).pow(2).mean()
        grads = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for p, g in zip(parameters, grads, strict=True):
                p -= 0.1 * g
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_errors_are_pytorchs():
    def program(torch):
        nn, zeros = torch.nn, torch.zeros
        calls = [
            lambda: nn.LSTM(4, 3)(zeros(4)),
            lambda: nn.LSTM(4, 3)(zeros(2, 3, 4, 4)),
            lambda: nn.LSTM(4, 3)(zeros(2, 3, 5)),
            lambda: nn.LSTM(4, 3)(zeros(0, 3, 4)),
            lambda: nn.LSTM(4, 3)(zeros(2, 3, 4).double()),
            lambda: nn.LSTM(4, 3)(zeros(2, 3, 4), zeros(1, 3, 3)),
            lambda: nn.LSTM(4, 3)(zeros(2, 3, 4), (zeros(1, 2, 3), zeros(1, 3, 3))),
            lambda: nn.LSTM(4, 3)(zeros(2, 3, 4), (zeros(1, 3, 3), zeros(1, 3, 2))),
            lambda: nn.LSTM(4, 3)(zeros(2, 4), (zeros(1, 3, 3), zeros(1, 3, 2))),
            lambda: nn.GRU(4, 3)(zeros(2, 3, 4), zeros(1, 2, 3)),
            lambda: nn.GRU(4, 3)(zeros(2, 4), zeros(1, 2, 3)),
            lambda: nn.GRU(4, 3, proj_size=2),
            lambda: nn.RNN(4, 3, proj_size=2),
            lambda: nn.LSTM(4, 3, proj_size=3),
            lambda: nn.LSTM(4, 3, proj_size=-1),
            lambda: nn.LSTM(4, 3, dropout=1.5),
            lambda: nn.LSTM(4, 3, dropout=True),
            lambda: nn.RNN(4, 3, nonlinearity="foo"),
            lambda: nn.LSTM(4, 0),
            lambda: nn.LSTM(0, 4),
            lambda: nn.LSTM(4, 3, 0),
            lambda: nn.LSTM(4.0, 3),
            lambda: nn.LSTM(4, "3"),
            lambda: nn.RNNBase("foo", 3, 4),
            lambda: nn.LSTMCell(4, 3)(zeros(2, 5)),
            lambda: nn.LSTMCell(4, 3)(zeros(2, 5, 4)),
            lambda: nn.LSTMCell(4, 3)(zeros(2, 4), zeros(3, 3)),
            lambda: nn.GRUCell(4, 3)(zeros(2, 4), zeros(3, 3)),
            lambda: nn.GRUCell(4, 3)(zeros(2, 4), zeros(1, 3, 3)),
            lambda: nn.RNNCell(4, 3, nonlinearity="x")(zeros(2, 4)),
            lambda: nn.RNNCell(4, 3)(zeros(2, 4), zeros(3)),
        ]
        return [raised(call) for call in calls]

    compare(program)


@pytest.mark.skipif(STAND_IN, reason="PyTorch leaves these checks of lstm to the module")
def test_functions_check_what_they_are_given():
    weights, states = nn.LSTM(3, 4)._flat_weights, [torch.zeros(1, 2, 4)] * 2
    rest = (True, 1, 0.0, False, False, False)
    with pytest.raises(RuntimeError):
        torch.lstm(torch.zeros(5, 2, 7), states, weights, *rest)
    with pytest.raises(RuntimeError):
        torch.lstm(torch.zeros(5, 3, 3), states, weights, *rest)
    with pytest.raises(RuntimeError):
        torch.lstm(torch.zeros(5, 2, 3), states[:1], weights, *rest)


def test_lone_dropout_warns():
    with pytest.warns(UserWarning, match="dropout option adds dropout after all but last"):
        nn.GRU(3, 4, dropout=0.5)


# ---------------------------------------------------------------- sequences


def test_packing_by_hand():
    x = torch.arange(12.0).view(4, 3)
    packed = rnn_utils.pack_padded_sequence(x, [4, 2, 1])
    assert packed.data.tolist() == [0, 1, 2, 3, 4, 6, 9]
    assert packed.batch_sizes.tolist() == [3, 2, 1, 1]
    assert packed.sorted_indices is None and packed.unsorted_indices is None
    packed = rnn_utils.pack_padded_sequence(x, torch.tensor([1, 4, 2]), enforce_sorted=False)
    assert packed.data.tolist() == [1, 2, 0, 4, 5, 7, 10]
    assert packed.sorted_indices.tolist() == [1, 2, 0] and packed.unsorted_indices.tolist() == [2, 0, 1]
    padded, lengths = rnn_utils.pad_packed_sequence(packed, padding_value=-1.0, total_length=5)
    assert lengths.tolist() == [1, 4, 2]
    assert padded.tolist() == [[0, 1, 2], [-1, 4, 5], [-1, 7, -1], [-1, 10, -1], [-1, -1, -1]]


@pytest.mark.parametrize("batch_first", [False, True])
def test_padding_round_trip(batch_first):
    torch.manual_seed(0)
    for lengths in itertools.product((1, 3, 4), repeat=3):
        sequences = [torch.randn(n, 2) for n in lengths]
        padded = rnn_utils.pad_sequence(sequences, batch_first, padding_value=9.0)
        packed = rnn_utils.pack_padded_sequence(padded, lengths, batch_first, enforce_sorted=False)
        again, sizes = rnn_utils.pad_packed_sequence(packed, batch_first, padding_value=9.0)
        assert torch.equal(padded, again) and sizes.tolist() == list(lengths)
        for sequence, due in zip(
            rnn_utils.unpad_sequence(padded, sizes, batch_first), sequences, strict=True
        ):
            assert torch.equal(sequence, due)


def test_packed_sequences_are_pytorchs():
    def program(torch):
        utils = torch.nn.utils.rnn
        x = torch.randn(5, 3, 2, requires_grad=True)
        packed = utils.pack_padded_sequence(x, torch.tensor([2, 5, 4]), enforce_sorted=False)
        padded, lengths = utils.pad_packed_sequence(packed, True, 3.0, 6)
        (slope,) = torch.autograd.grad((padded * torch.randn(padded.shape)).sum(), x)
        ragged = [torch.ones(2), torch.ones(3) * 2]
        return [
            tuple(packed),
            repr(packed.to(torch.float64).data.dtype),
            packed.is_cuda,
            padded,
            lengths,
            slope,
            *(
                utils.pad_sequence(ragged, first, -1.0, side)
                for first in (False, True)
                for side in ("left", "right")
            ),
            utils.pad_sequence(torch.ones(2, 3)),
            tuple(utils.pack_sequence(ragged, enforce_sorted=False))[:3],
            utils.unpack_sequence(packed),
            utils.unpad_sequence(torch.arange(6).view(3, 2), torch.tensor([3, 1])),
            tuple(utils.PackedSequence(torch.ones(3, 2), torch.tensor([2, 1]), torch.tensor([1, 0]))),
            utils.invert_permutation(torch.tensor([2, 0, 1])),
            utils.invert_permutation(None),
        ]

    compare(program)


def test_packing_errors_are_pytorchs():
    def program(torch):
        utils, x = torch.nn.utils.rnn, torch.zeros(5, 3, 2)
        packed = utils.pack_padded_sequence(x, [5, 4, 2])
        calls = [
            lambda: utils.pack_padded_sequence(x, [5, 4, 5]),
            lambda: utils.pack_padded_sequence(x, [5, 4, 0]),
            lambda: utils.pack_padded_sequence(x, [5, 4]),
            lambda: utils.pad_packed_sequence(packed, total_length=4),
            lambda: utils.pack_sequence([torch.ones(2), torch.ones(3)]),
            lambda: utils.pad_sequence([torch.ones(2)], padding_side="x"),
            lambda: utils.pad_sequence([]),
            lambda: utils.pad_sequence((torch.ones(2, 3), torch.ones(1, 4))),
            lambda: utils.PackedSequence(torch.ones(3, 2)),
        ]
        return [raised(call) for call in calls]

    compare(program)


@pytest.mark.skipif(STAND_IN, reason="PyTorch reads beyond the input")
def test_a_length_beyond_the_input_is_an_error():
    with pytest.raises(RuntimeError, match="6.*5"):
        rnn_utils.pack_padded_sequence(torch.zeros(5, 2, 1), [6, 2])


def test_a_packed_sequence_pickles():
    packed = rnn_utils.pack_sequence([torch.ones(2), torch.ones(3)], enforce_sorted=False)
    sent = pickle.loads(pickle.dumps(packed))
    assert isinstance(sent, rnn_utils.PackedSequence) and sent.data.tolist() == packed.data.tolist()
    assert sent.sorted_indices.tolist() == [1, 0]
