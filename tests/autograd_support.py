"""What the tests of autograd's Python layer share: the module under test and small leaves."""

import importlib

from util import torch

autograd = torch.autograd


def submodule(name):
    return importlib.import_module(f"{autograd.__name__}.{name}")


def leaf(*values):
    return torch.tensor(list(values), dtype=torch.float64, requires_grad=True)


def random_leaf(*shape):
    return torch.randn(*shape, dtype=torch.float64).requires_grad_()
