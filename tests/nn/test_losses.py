"""Losses as modules, their legacy arguments and warnings, sequence losses, and the adaptive softmax."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from util import torch

from .peer import compare

nn = torch.nn
F = nn.functional

RANDOM = np.random.default_rng(3)
SCORES = RANDOM.normal(size=(5, 4)).astype(np.float32)
OTHERS = RANDOM.normal(size=(5, 4)).astype(np.float32)
THIRD = RANDOM.normal(size=(5, 4)).astype(np.float32)
UNIT = RANDOM.uniform(0.1, 0.9, (5, 4)).astype(np.float32)
SIGNS = np.array([1, -1, 1, 1, -1])
CLASSES = np.array([0, 3, 2, 1, 3])
WEIGHT = np.array([0.5, 1.0, 2.0, 0.3], np.float32)

# What makes the module, and its arguments.
MODULES = {
    "l1": (lambda nn, w: nn.L1Loss(), SCORES, OTHERS),
    "mse": (lambda nn, w: nn.MSELoss(reduction="sum"), SCORES, OTHERS),
    "smooth l1": (lambda nn, w: nn.SmoothL1Loss(beta=0.5), SCORES, OTHERS),
    "huber": (lambda nn, w: nn.HuberLoss(delta=0.7, reduction="none"), SCORES, OTHERS),
    "bce": (lambda nn, w: nn.BCELoss(weight=w), UNIT, UNIT[::-1].copy()),
    "bce with logits": (lambda nn, w: nn.BCEWithLogitsLoss(pos_weight=w), SCORES, UNIT),
    "kl": (lambda nn, w: nn.KLDivLoss(reduction="batchmean", log_target=True), SCORES, OTHERS),
    "soft margin": (lambda nn, w: nn.SoftMarginLoss(), SCORES, np.sign(OTHERS)),
    "poisson": (lambda nn, w: nn.PoissonNLLLoss(full=True), SCORES, 5 * UNIT),
    "gaussian": (lambda nn, w: nn.GaussianNLLLoss(full=True), SCORES, OTHERS, UNIT),
    "hinge": (lambda nn, w: nn.HingeEmbeddingLoss(margin=0.5), SCORES, np.sign(OTHERS)),
    "nll": (lambda nn, w: nn.NLLLoss(weight=w, ignore_index=2), SCORES, CLASSES),
    "cross entropy": (lambda nn, w: nn.CrossEntropyLoss(weight=w, label_smoothing=0.1), SCORES, CLASSES),
    "multi margin": (lambda nn, w: nn.MultiMarginLoss(p=2, weight=w), SCORES, CLASSES),
    "multilabel margin": (
        lambda nn, w: nn.MultiLabelMarginLoss(),
        SCORES[:2],
        np.array([[3, 0, -1, 1], [1, -1, 0, 2]]),
    ),
    "multilabel soft margin": (lambda nn, w: nn.MultiLabelSoftMarginLoss(weight=w), SCORES, np.round(UNIT)),
    "margin ranking": (lambda nn, w: nn.MarginRankingLoss(margin=0.2), SCORES[:, 0], OTHERS[:, 0], SIGNS),
    "cosine embedding": (lambda nn, w: nn.CosineEmbeddingLoss(margin=0.1), SCORES, OTHERS, SIGNS),
    "triplet": (lambda nn, w: nn.TripletMarginLoss(swap=True), SCORES, OTHERS, THIRD),
    "triplet of one's own": (
        lambda nn, w: nn.TripletMarginWithDistanceLoss(
            distance_function=lambda a, b: (a - b).abs().sum(1), swap=True
        ),
        *(SCORES, OTHERS, THIRD),
    ),
    "cosine": (lambda nn, w: nn.CosineSimilarity(dim=0), SCORES, OTHERS),
    "distance": (lambda nn, w: nn.PairwiseDistance(p=3, keepdim=True), SCORES, OTHERS),
}


@pytest.mark.parametrize("name", MODULES)
def test_module(name: str) -> None:
    """The value, first and second gradients, printed form and state of a loss module are PyTorch's."""
    make, *arrays = MODULES[name]

    def program(library):
        module = make(library.nn, library.tensor(WEIGHT))
        tensors = [library.tensor(a) for a in arrays]
        x = tensors[0].requires_grad_()
        y = module(*tensors)
        (first,) = library.autograd.grad((y * y).sum(), x, create_graph=True)
        made = [repr(module), module.state_dict(), y, first]
        if "multi margin" not in name and "multilabel margin" not in name:  # PyTorch has no second derivative
            made.append(library.autograd.grad((first * library.tensor(arrays[0])).sum(), x)[0])
        return made

    compare(program, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("size_average", [None, True, False])
@pytest.mark.parametrize("reduce", [None, True, False])
def test_legacy_arguments(size_average, reduce) -> None:
    if size_average is None and reduce is None:
        return
    wanted = "none" if reduce is False else "sum" if size_average is False else "mean"
    x, t = torch.tensor(SCORES), torch.tensor(CLASSES)
    with pytest.warns(UserWarning, match=f"reduction='{wanted}'"):
        found = F.cross_entropy(x, t, size_average=size_average, reduce=reduce)
    np.testing.assert_array_equal(found.numpy(), F.cross_entropy(x, t, reduction=wanted).numpy())
    with pytest.warns(UserWarning, match=f"reduction='{wanted}'"):
        assert nn.MSELoss(size_average, reduce).reduction == wanted


def test_warns_of_broadcasting() -> None:
    for loss in (F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss):
        with pytest.warns(UserWarning, match="different to the input size"):
            assert loss(torch.ones(2, 3), torch.zeros(3), reduction="none").shape == (2, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        F.mse_loss(torch.ones(2, 3), torch.zeros(2, 3))


def test_gradients_are_taken_where_wanted() -> None:
    """A target may need the gradient alone; half types come back as they went in."""
    x, t = torch.tensor(SCORES), torch.tensor(OTHERS, requires_grad=True)
    F.mse_loss(x, t).backward()
    np.testing.assert_allclose(t.grad.numpy(), 2 * (OTHERS - SCORES) / SCORES.size, rtol=1e-5)
    half = torch.tensor(SCORES).to(torch.bfloat16).requires_grad_()
    F.cross_entropy(half, torch.tensor(CLASSES)).backward()
    assert half.grad.dtype == torch.bfloat16 and half.grad.shape == half.shape
    with pytest.raises(NotImplementedError, match="weight"):
        F.cross_entropy(x, torch.tensor(CLASSES), torch.ones(4, requires_grad=True))


def test_all_places_ignored() -> None:
    x = torch.tensor(SCORES, requires_grad=True)
    loss = F.cross_entropy(x, torch.full((5,), -100))
    assert math.isnan(loss.item())
    loss.backward()
    assert (x.grad == 0).all()


def test_threads_do_not_change_bits() -> None:
    x = torch.tensor(RANDOM.normal(size=(2000, 37)).astype(np.float32), requires_grad=True)
    t = torch.tensor(RANDOM.integers(0, 37, 2000))
    threads, found = torch.get_num_threads(), []
    for count in (1, 3):
        torch.set_num_threads(count)
        x.grad = None
        loss = F.cross_entropy(x, t) + F.mse_loss(x, torch.ones(2000, 37))
        loss.backward()
        found.append((loss.detach().numpy().tobytes(), x.grad.numpy().tobytes()))
    torch.set_num_threads(threads)
    assert found[0] == found[1]


# ---------------------------------------------------------------- sequences


def probability_by_alignments(log_probs, target, blank):
    """The sum over all paths that collapse to the target, found by trying them."""
    steps, classes = log_probs.shape
    total = 0.0
    for path in itertools.product(range(classes), repeat=steps):
        collapsed = [c for c, _ in itertools.groupby(path) if c != blank]
        if collapsed == list(target):
            total += math.exp(sum(log_probs[t, c] for t, c in enumerate(path)))
    return total


def test_ctc_is_the_sum_over_alignments() -> None:
    scores = RANDOM.normal(size=(5, 3, 3))
    log_probs = torch.tensor(scores).log_softmax(2)
    targets, lengths = [[1, 2, 0], [2, 2, 0], [1, 0, 0]], (2, 2, 1)
    steps = (5, 5, 3)
    losses = F.ctc_loss(log_probs, torch.tensor(targets), steps, lengths, reduction="none")
    for i in range(3):
        wanted = probability_by_alignments(log_probs.numpy()[: steps[i], i], targets[i][: lengths[i]], 0)
        np.testing.assert_allclose(losses[i].item(), -math.log(wanted), rtol=1e-9)
    mean = F.ctc_loss(log_probs, torch.tensor(targets), torch.tensor(steps), torch.tensor(lengths))
    np.testing.assert_allclose(mean.item(), (losses.numpy() / lengths).mean(), rtol=1e-9)
    flat = torch.tensor([1, 2, 2, 2, 1])
    np.testing.assert_allclose(
        F.ctc_loss(log_probs, flat, steps, lengths, reduction="sum").item(), losses.sum().item(), rtol=1e-9
    )


def test_ctc_gradient() -> None:
    scores = torch.tensor(RANDOM.normal(size=(6, 2, 4)), requires_grad=True)
    targets = torch.tensor([[1, 1, 3], [2, 3, 1]])

    def loss(x):
        return F.ctc_loss(x.log_softmax(2), targets, (6, 5), (3, 2), reduction="sum")

    assert torch.autograd.gradcheck(loss, (scores,))


def test_ctc_without_an_alignment() -> None:
    log_probs = torch.zeros(2, 1, 3).log_softmax(2).requires_grad_()
    targets = torch.tensor([[1, 1]])
    assert F.ctc_loss(log_probs, targets, (2,), (2,)).item() == math.inf
    loss = nn.CTCLoss(zero_infinity=True)(log_probs, targets, (2,), (2,))
    loss.backward()
    assert loss.item() == 0 and (log_probs.grad == 0).all()


@pytest.mark.parametrize(
    ("message", "change"),
    [
        ("blank", {"blank": 3}),
        ("input_lengths", {"input_lengths": (6, 5)}),
        ("target_lengths", {"target_lengths": (1,)}),
        ("out of bounds", {"targets": [[1, 7], [1, 2]]}),
        ("do not fit", {"target_lengths": (3, 2)}),
    ],
)
def test_ctc_refuses(message: str, change: dict) -> None:
    given = {
        "targets": [[1, 2], [2, 1]],
        "input_lengths": (5, 5),
        "target_lengths": (2, 2),
        "blank": 0,
    } | change
    with pytest.raises(RuntimeError, match=message):
        F.ctc_loss(torch.zeros(5, 2, 3), torch.tensor(given.pop("targets")), **given)


# ---------------------------------------------------------------- adaptive softmax


def test_adaptive_softmax() -> None:
    x, target = RANDOM.normal(size=(7, 16)).astype(np.float32), np.array([0, 4, 5, 9, 10, 19, 3])

    def program(library):
        module = library.nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 10], head_bias=True)
        given = library.tensor(x)
        output, loss = module(given, library.tensor(target))
        loss.backward()
        gradients = [p.grad for p in module.parameters()]
        return [
            repr(module),
            module.state_dict(),
            output,
            loss,
            module.log_prob(given),
            module.predict(given),
            gradients,
        ]

    compare(program)
    module = nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 10])
    everything = module.log_prob(torch.tensor(x)).exp().sum(1)
    np.testing.assert_allclose(everything.detach().numpy(), 1, rtol=1e-5)
    with pytest.raises(RuntimeError, match="20"):
        module(torch.tensor(x), torch.tensor([1, 2, 3, 4, 5, 6, 20]))
    with pytest.raises(ValueError, match="cutoffs"):
        nn.AdaptiveLogSoftmaxWithLoss(16, 20, [5, 5])
