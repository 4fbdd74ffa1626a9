"""Averages of a model's parameters over training, and the learning rates that go with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any, Literal

import tinytensor
from tinytensor._C import Tensor
from tinytensor.nn import Module

from .lr_scheduler import LRScheduler
from .lr_scheduler.base import copied, per_group
from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

AverageFunction = Callable[[Tensor, Tensor, Tensor | int], Tensor]
MultiAverageFunction = Callable[[Iterable[Tensor], Iterable[Tensor], Tensor | int], None]


def _checked_decay(decay: float) -> float:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")
    return decay


def get_ema_avg_fn(decay: float = 0.999) -> AverageFunction:
    """decay average + (1 - decay) parameter"""
    _checked_decay(decay)

    @tinytensor.no_grad()
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Tensor | int) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> AverageFunction:
    """The mean of the parameters so far."""

    @tinytensor.no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Tensor | int) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def _move_towards(averages: Iterable[Tensor], values: Iterable[Tensor], share: float) -> None:
    for average, value in zip(averages, values):
        if average.is_floating_point():
            average.lerp_(value.to(average.dtype), share)
        else:
            average.copy_(average + (value - average) * share)


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverageFunction:
    """get_ema_avg_fn, in place and for many tensors."""
    _checked_decay(decay)

    @tinytensor.no_grad()
    def ema_update(ema_params: Iterable[Tensor], current_params: Iterable[Tensor], _: Tensor | int) -> None:
        _move_towards(ema_params, current_params, 1 - decay)

    return ema_update


def get_swa_multi_avg_fn() -> MultiAverageFunction:
    """get_swa_avg_fn, in place and for many tensors."""

    @tinytensor.no_grad()
    def swa_update(
        averages: Iterable[Tensor], current_params: Iterable[Tensor], num_averaged: Tensor | int
    ) -> None:
        _move_towards(averages, current_params, 1 / (float(num_averaged) + 1))

    return swa_update


class AveragedModel(Module):
    """A copy of a model, `module`, whose parameters are averages of those that update_parameters was shown:
    their mean, or what avg_fn (for one tensor) or multi_avg_fn (for lists of them) says. Buffers are averaged
    with use_buffers=True and copied otherwise."""

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: AverageFunction | None = None,
        multi_avg_fn: MultiAverageFunction | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tinytensor.tensor(0, dtype=tinytensor.int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def _averaged(self, model: Module) -> list[Tensor]:
        return list(chain(model.parameters(), model.buffers() if self.use_buffers else ()))

    @tinytensor.no_grad()
    def update_parameters(self, model: Module) -> None:
        """Takes the present parameters of `model` into the averages."""
        averages = [average.detach() for average in self._averaged(self.module)]
        values = [
            value.detach().to(average.device) for average, value in zip(averages, self._averaged(model))
        ]
        if self.n_averaged == 0:
            for average, value in zip(averages, values):
                average.copy_(value)
        elif self.avg_fn is not None:
            for average, value in zip(averages, values):
                average.copy_(self.avg_fn(average, value, self.n_averaged.to(average.device)))
        elif averages:
            average_all = self.multi_avg_fn or get_swa_multi_avg_fn()
            average_all(averages, values, self.n_averaged.to(averages[0].device))
        if not self.use_buffers:
            for mine, theirs in zip(self.module.buffers(), model.buffers()):
                mine.detach().copy_(theirs.detach().to(mine.device))
        self.n_averaged += 1


@tinytensor.no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Computes the running statistics of the model's batch normalisation anew, by one pass over the loader,
    whose items are inputs or sequences that begin with them."""
    momenta = {}
    for module in model.modules():
        if hasattr(module, "running_mean") and hasattr(module, "reset_running_stats"):
            module.reset_running_stats()
            momenta[module] = module.momentum
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.momentum = None  # a plain mean over all batches
    for inputs in loader:
        if isinstance(inputs, (list, tuple)):
            inputs = inputs[0]
        model(inputs if device is None else inputs.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Takes the rates to swa_lr in anneal_epochs epochs, by the cosine or linearly, and keeps them there."""

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float,
        anneal_epochs: int = 10,
        anneal_strategy: Literal["cos", "linear"] = "cos",
        last_epoch: int = -1,
    ) -> None:
        for lr, group in zip(per_group("swa_lr", optimizer, swa_lr), optimizer.param_groups):
            group["swa_lr"] = lr
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must by one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """How much of the way to swa_lr is gone at a step."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list:
        self._present()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            target, lr = group["swa_lr"], copied(group["lr"])
            first = target if before == 1 else (lr - before * target) / (1 - before)
            rates.append(target * now + first * (1 - now))
        return rates
