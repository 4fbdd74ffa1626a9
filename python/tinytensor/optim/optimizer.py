"""What all optimizers have in common: param groups, state, hooks and checkpoints."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

import tinytensor
from tinytensor import _C
from tinytensor.utils.hooks import RemovableHandle

from ._derived import *  # noqa: F403
from ._derived import _group_tensors_by_device_and_dtype

ParamsT = Iterable[_C.Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, _C.Tensor]]


class _RequiredParameter:
    def __repr__(self) -> str:
        return "<required parameter>"


required = _RequiredParameter()

_global_pre_hooks: dict[int, Callable] = OrderedDict()
_global_post_hooks: dict[int, Callable] = OrderedDict()


def _add_hook(hooks: Any, hook: Callable, prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_optimizer_step_pre_hook(hook: Callable) -> RemovableHandle:
    """Calls hook(optimizer, args, kwargs) before every step of every optimizer."""
    return _add_hook(_global_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable) -> RemovableHandle:
    """Calls hook(optimizer, args, kwargs) after every step of every optimizer."""
    return _add_hook(_global_post_hooks, hook)


def _stepping(step: Callable) -> Callable:
    """The method `step`, surrounded by the hooks."""

    @functools.wraps(step)
    def with_hooks(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        try:
            pre, post = self._optimizer_step_pre_hooks, self._optimizer_step_post_hooks
        except AttributeError:  # a wrapper around another optimizer, whose hooks these would be
            return step(self, *args, **kwargs)
        if not (pre or post or _global_pre_hooks or _global_post_hooks):
            return step(self, *args, **kwargs)
        if type(self).step is not with_hooks:  # called by a subclass, whose hooks these are
            return step(self, *args, **kwargs)
        for hook in chain(list(_global_pre_hooks.values()), list(pre.values())):
            changed = hook(self, args, kwargs)
            if changed is None:
                continue
            if not isinstance(changed, tuple) or len(changed) != 2:
                raise RuntimeError(
                    f"{step} must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                )
            args, kwargs = changed
        result = step(self, *args, **kwargs)
        for hook in chain(list(post.values()), list(_global_post_hooks.values())):
            hook(self, args, kwargs)
        return result

    return with_hooks


def _listed(params: Any) -> list:
    if isinstance(params, _C.Tensor):
        return [params]
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of tensors "
            "in sets will change between runs. Please use a list instead."
        )
    return list(params)


class Optimizer:
    """The base class. `params` are tensors, (name, tensor) pairs or dictionaries, each of which is a param
    group with options of its own; `defaults` holds the options of groups that do not name theirs."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _stepping(cls.__dict__["step"])  # type: ignore[method-assign]

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._make_hooks()
        if isinstance(params, _C.Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                f"{tinytensor.typename(params)}"
            )
        self.state: defaultdict[_C.Tensor, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _make_hooks(self) -> None:
        self._optimizer_step_pre_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_step_post_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_state_dict_pre_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_state_dict_post_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_load_state_dict_pre_hooks: OrderedDict[int, Callable] = OrderedDict()
        self._optimizer_load_state_dict_post_hooks: OrderedDict[int, Callable] = OrderedDict()

    _group_tensors_by_device_and_dtype = staticmethod(_group_tensors_by_device_and_dtype)

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_optimizer_step_pre_hooks" not in self.__dict__:
            self._make_hooks()

    def __repr__(self) -> str:
        lines = []
        for number, group in enumerate(self.param_groups):
            options = "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
            lines.append(f"\nParameter Group {number}\n{options}")
        return f"{type(self).__name__} ({''.join(lines)})"

    # ---- param groups

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds parameters with options of their own; options that the dictionary lacks are the defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        param_group["params"] = entries = _listed(param_group["params"])
        named = [isinstance(entry, tuple) for entry in entries]
        if any(named):
            if not all(named):
                raise ValueError(
                    "all optimizer params should be with/without names. Some param names are missing"
                )
            param_group["params"] = [tensor for _, tensor in entries]
            param_group["param_names"] = [name for name, _ in entries]
        self._check_params(param_group)
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(
                    f"parameter group didn't specify a value of required optimization parameter {name}"
                )
            param_group.setdefault(name, default)
        self.param_groups.append(param_group)

    def _check_params(self, group: dict[str, Any]) -> None:
        for param in group["params"]:
            if not isinstance(param, _C.Tensor):
                raise TypeError(
                    "optimizer can only optimize Tensors, but one of the params is "
                    f"{tinytensor.typename(param)}"
                )
            if not self.defaults.get("differentiable") and not (param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        if len(group["params"]) != len(set(group["params"])):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=4)
        others = set(chain.from_iterable(other["params"] for other in self.param_groups))
        if not others.isdisjoint(group["params"]):
            raise ValueError("some parameters appear in more than one parameter group")
        named = "param_names" in group
        if self.param_groups and named != ("param_names" in self.param_groups[0]):
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{'with' if named else 'without'} names to the optimizer"
            )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drops the gradients of all parameters, or sets them to zero."""
        if not _C._profiling():
            return self._zero_grad(set_to_none)
        from tinytensor.profiler import record_function

        with record_function(f"Optimizer.zero_grad#{type(self).__name__}.zero_grad"):
            self._zero_grad(set_to_none)

    def _zero_grad(self, set_to_none: bool) -> None:
        if set_to_none:
            for group in self.param_groups:
                _C._drop_gradients(group["params"])
            return
        for group in self.param_groups:
            for grad in _C._gradients(group["params"]):
                if grad.grad_fn is not None:
                    grad.detach_()
                else:
                    grad.requires_grad_(False)
                grad.zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; `closure` computes the loss anew and is called under enable_grad."""
        raise NotImplementedError

    # ---- hooks

    def register_step_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Calls hook(optimizer, args, kwargs) before each step; it may return new args and kwargs."""
        return _add_hook(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable) -> RemovableHandle:
        """Calls hook(optimizer, args, kwargs) after each step."""
        return _add_hook(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Calls hook(optimizer) before state_dict."""
        return _add_hook(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Calls hook(optimizer, state_dict) after state_dict; it may return another dictionary."""
        return _add_hook(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Calls hook(optimizer, state_dict) before load_state_dict; it may return another dictionary."""
        return _add_hook(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Calls hook(optimizer) after load_state_dict."""
        return _add_hook(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    # ---- checkpoints

    def state_dict(self) -> dict[str, Any]:
        """The state and the options, with numbers in place of the parameters, counted through all groups."""
        for hook in list(self._optimizer_state_dict_pre_hooks.values()):
            hook(self)
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for param in group["params"]:
                numbers.setdefault(id(param), len(numbers))
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [numbers[id(param)] for param in group["params"]]
            groups.append(packed)
        state = {
            (numbers[id(key)] if isinstance(key, _C.Tensor) else key): value
            for key, value in self.state.items()
        }
        result = {"state": state, "param_groups": groups}
        for hook in list(self._optimizer_state_dict_post_hooks.values()):
            changed = hook(self, result)
            result = result if changed is None else changed
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes what state_dict gave; tensors are brought to the dtype and device of their parameter."""
        state_dict = state_dict.copy()
        for hook in list(self._optimizer_load_state_dict_pre_hooks.values()):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        saved = deepcopy(state_dict["param_groups"])
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        if any(len(new["params"]) != len(old["params"]) for new, old in zip(saved, self.param_groups)):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's "
                "group"
            )
        params = {
            number: param
            for new, old in zip(saved, self.param_groups)
            for number, param in zip(new["params"], old["params"])
        }
        options = {number: group for group in saved for number in group["params"]}
        state: defaultdict[Hashable, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in params:
                state[params[key]] = _placed(value, params[key], options[key])
            else:
                state[key] = value
        for new, old in zip(saved, self.param_groups):
            new["params"] = old["params"]
            if "param_names" in old and "param_names" not in new:
                new["param_names"] = old["param_names"]
        self.__setstate__({"state": state, "param_groups": saved})
        for hook in list(self._optimizer_load_state_dict_post_hooks.values()):
            hook(self)


def _placed(value: Any, param: _C.Tensor, options: dict[str, Any], key: Any = None) -> Any:
    """A value of a saved state, brought to where its parameter is. Step counts stay on the host in float32,
    unless they were asked to live on the device."""
    if isinstance(value, _C.Tensor):
        if key == "step":
            on_device = options.get("capturable") or options.get("fused")
            return value.to(dtype=tinytensor.float32, device=param.device) if on_device else value
        if param.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)
    if isinstance(value, dict):
        return {name: _placed(part, param, options, name) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_placed(part, param, options) for part in value)
    return value


class GroupOptimizer(Optimizer):
    """An optimizer whose step over a param group is one call of a kernel.

    The options foreach, fused and capturable choose between implementations in PyTorch. Here there is one,
    which is fused, so they are checked and kept for checkpoints, and all their values step alike."""

    _update: Callable[..., Any]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with tinytensor.enable_grad():
                loss = closure()
        update, make_state = self._update, self._make_state
        for group in self.param_groups:
            update(self.state, group, make_state)
        return loss

    def _make_state(self, group: dict[str, Any], param: _C.Tensor, state: dict[str, Any]) -> None:
        raise NotImplementedError

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        if param_group.get("differentiable"):
            self.param_groups.pop()
            raise NotImplementedError(
                f"{type(self).__name__}: differentiable=True is not supported, as a step is one kernel that "
                "autograd does not look into"
            )

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Fills in options that older checkpoints lack, and makes tensors of their counts of steps."""
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in self._since_then.items():
                group.setdefault(name, value)
        for kept in self.state.values():
            if isinstance(kept, dict) and "step" in kept and not isinstance(kept["step"], _C.Tensor):
                kept["step"] = tinytensor.tensor(float(kept["step"]), dtype=counting_dtype())

    _since_then: dict[str, Any] = {
        "maximize": False,
        "foreach": None,
        "differentiable": False,
        "capturable": False,
    }


def counting_dtype() -> Any:
    """Counts of steps are float32, or float64 where that is the default."""
    return tinytensor.float64 if tinytensor.get_default_dtype() == tinytensor.float64 else tinytensor.float32


def count_of_steps() -> _C.Tensor:
    return tinytensor.tensor(0.0, dtype=counting_dtype())


def zeros_like(param: _C.Tensor) -> _C.Tensor:
    return tinytensor.zeros_like(param, requires_grad=False)


def check_lr(
    lr: Any, foreach: Any = None, capturable: bool = False, tensor_needs_capturable: bool = False
) -> None:
    if isinstance(lr, _C.Tensor):
        if tensor_needs_capturable and foreach and not capturable:
            raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
        if lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
    check_not_negative("learning rate", lr)


def check_not_negative(what: str, value: Any) -> None:
    if not value >= 0.0:
        raise ValueError(f"Invalid {what}: {value}")


def check_betas(betas: Any) -> None:
    for index in (0, 1):
        if not 0.0 <= betas[index] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {betas[index]}")


def check_fused(fused: Any, foreach: Any, differentiable: bool) -> None:
    if not fused:
        return
    if differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
