"""The optimizers of tests/test_optim.py once more, in NumPy, from the formulas of the papers."""

import numpy as np


def decayed(g, p, o):
    g = -g if o.get("maximize") else g
    return g + o.get("weight_decay", 0) * p


def sgd(p, grads, lr=1e-3, momentum=0, dampening=0, nesterov=False, **o):
    buffer = None
    for g in grads:
        g = decayed(g, p, o)
        if momentum:
            buffer = g if buffer is None else momentum * buffer + (1 - dampening) * g
            g = g + momentum * buffer if nesterov else buffer
        p = p - lr * g
    return p


def adam(p, grads, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, amsgrad=False, decoupled_weight_decay=False, **o):
    m = v = highest = np.zeros_like(p)
    b1, b2 = betas
    for t, g in enumerate(grads, 1):
        if decoupled_weight_decay:
            p = p - lr * o["weight_decay"] * p
            g = -g if o.get("maximize") else g
        else:
            g = decayed(g, p, o)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        highest = np.maximum(highest, v)
        used = highest if amsgrad else v
        p = p - lr * (m / (1 - b1**t)) / (np.sqrt(used / (1 - b2**t)) + eps)
    return p


def adamw(p, grads, weight_decay=1e-2, **o):
    return adam(p, grads, decoupled_weight_decay=True, weight_decay=weight_decay, **o)


def rmsprop(p, grads, lr=1e-2, alpha=0.99, eps=1e-8, momentum=0, centered=False, **o):
    square = mean = buffer = np.zeros_like(p)
    for g in grads:
        g = decayed(g, p, o)
        square = alpha * square + (1 - alpha) * g**2
        mean = alpha * mean + (1 - alpha) * g
        step = g / (np.sqrt(square - mean**2 if centered else square) + eps)
        if momentum:
            buffer = momentum * buffer + step
            step = buffer
        p = p - lr * step
    return p


def adagrad(p, grads, lr=1e-2, lr_decay=0, initial_accumulator_value=0, eps=1e-10, **o):
    total = np.full_like(p, initial_accumulator_value)
    for t, g in enumerate(grads):
        g = decayed(g, p, o)
        total = total + g**2
        p = p - lr / (1 + t * lr_decay) * g / (np.sqrt(total) + eps)
    return p


def adadelta(p, grads, lr=1.0, rho=0.9, eps=1e-6, **o):
    square = changes = np.zeros_like(p)
    for g in grads:
        g = decayed(g, p, o)
        square = rho * square + (1 - rho) * g**2
        change = np.sqrt(changes + eps) / np.sqrt(square + eps) * g
        changes = rho * changes + (1 - rho) * change**2
        p = p - lr * change
    return p


def adamax(p, grads, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, **o):
    m = u = np.zeros_like(p)
    for t, g in enumerate(grads, 1):
        g = decayed(g, p, o)
        m = betas[0] * m + (1 - betas[0]) * g
        u = np.maximum(betas[1] * u, np.abs(g) + eps)
        p = p - lr / (1 - betas[0] ** t) * m / u
    return p


def shrunk(g, p, lr, o):
    """Weight decay added to the gradient, or taken from the parameter."""
    if o.get("decoupled_weight_decay"):
        return (-g if o.get("maximize") else g), p * (1 - lr * o.get("weight_decay", 0))
    return decayed(g, p, o), p


def nadam(p, grads, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, momentum_decay=4e-3, **o):
    m = v = np.zeros_like(p)
    product = 1.0
    for t, g in enumerate(grads, 1):
        g, p = shrunk(g, p, lr, o)
        mu, mu_next = (betas[0] * (1 - 0.5 * 0.96 ** (s * momentum_decay)) for s in (t, t + 1))
        product *= mu
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        mixed = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
        p = p - lr * mixed / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return p


def radam(p, grads, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, **o):
    m = v = np.zeros_like(p)
    b1, b2 = betas
    longest = 2 / (1 - b2) - 1
    for t, g in enumerate(grads, 1):
        g, p = shrunk(g, p, lr, o)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        step = m / (1 - b1**t)
        length = longest - 2 * t * b2**t / (1 - b2**t)
        if length > 5:
            rectified = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
            step = step * np.sqrt(rectified) * np.sqrt(1 - b2**t) / (np.sqrt(v) + eps)
        p = p - lr * step
    return p


def asgd(p, grads, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, **o):
    eta = lr
    for t, g in enumerate(grads, 1):
        p = p * (1 - lambd * eta) - eta * decayed(g, p, o)
        eta = lr / (1 + lambd * lr * t) ** alpha
    return p


def rprop(p, grads, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), **o):
    before, size = np.zeros_like(p), np.full_like(p, lr)
    for g in grads:
        g = -g if o.get("maximize") else g
        turned = g * before
        size = np.clip(size * np.where(turned > 0, etas[1], np.where(turned < 0, etas[0], 1)), *step_sizes)
        g = np.where(turned < 0, 0, g)
        p = p - np.sign(g) * size
        before = g
    return p


# Name of the class, reference, and the options under which both are run.
CASES = [
    ("SGD", sgd, dict(lr=0.1)),
    ("SGD", sgd, dict(lr=0.1, weight_decay=0.1)),
    ("SGD", sgd, dict(lr=0.1, momentum=0.9)),
    ("SGD", sgd, dict(lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.01)),
    ("SGD", sgd, dict(lr=0.1, momentum=0.9, nesterov=True)),
    ("SGD", sgd, dict(lr=0.01, momentum=0.9, maximize=True, weight_decay=0.1)),
    ("Adam", adam, dict()),
    ("Adam", adam, dict(lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)),
    ("Adam", adam, dict(lr=0.1, amsgrad=True, betas=(0.5, 0.6))),
    ("Adam", adam, dict(lr=0.1, maximize=True, weight_decay=0.1, decoupled_weight_decay=True)),
    ("AdamW", adamw, dict(lr=0.1)),
    ("AdamW", adamw, dict(lr=0.1, weight_decay=0.5, amsgrad=True, maximize=True)),
    ("RMSprop", rmsprop, dict()),
    ("RMSprop", rmsprop, dict(lr=0.1, alpha=0.9, weight_decay=0.1, eps=1e-3)),
    ("RMSprop", rmsprop, dict(momentum=0.9)),
    ("RMSprop", rmsprop, dict(centered=True, alpha=0.9, eps=1e-2)),
    ("RMSprop", rmsprop, dict(centered=True, momentum=0.5, alpha=0.9, eps=1e-2, maximize=True)),
    ("Adagrad", adagrad, dict(lr=0.1)),
    (
        "Adagrad",
        adagrad,
        dict(lr=0.1, lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.5, maximize=True),
    ),
    ("Adadelta", adadelta, dict()),
    ("Adadelta", adadelta, dict(lr=0.5, rho=0.5, eps=1e-3, weight_decay=0.1, maximize=True)),
    ("Adamax", adamax, dict(lr=0.1)),
    ("Adamax", adamax, dict(lr=0.1, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.1, maximize=True)),
    ("NAdam", nadam, dict(lr=0.1)),
    ("NAdam", nadam, dict(lr=0.1, betas=(0.8, 0.9), weight_decay=0.1, momentum_decay=0.1, maximize=True)),
    ("NAdam", nadam, dict(lr=0.1, weight_decay=0.1, decoupled_weight_decay=True)),
    ("RAdam", radam, dict(lr=0.1)),
    ("RAdam", radam, dict(lr=0.1, betas=(0.8, 0.9), weight_decay=0.1, maximize=True)),
    ("RAdam", radam, dict(lr=0.1, weight_decay=0.1, decoupled_weight_decay=True)),
    ("ASGD", asgd, dict(lr=0.1)),
    ("ASGD", asgd, dict(lr=0.1, lambd=0.1, alpha=0.5, weight_decay=0.1, maximize=True)),
    ("Rprop", rprop, dict()),
    ("Rprop", rprop, dict(lr=0.1, etas=(0.3, 1.5), step_sizes=(1e-3, 0.5), maximize=True)),
]
IDS = [f"{name}-{'-'.join(map(str, options))}" for name, _, options in CASES]
