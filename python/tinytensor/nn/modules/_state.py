"""The part of Module that turns a tree of modules into a dictionary of tensors, and back."""

from __future__ import annotations

import functools
import itertools
import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping
from typing import Any

from tinytensor._C import Tensor
from tinytensor.autograd.grad_mode import no_grad
from tinytensor.nn.modules._hooks import add_hook
from tinytensor.nn.parameter import Parameter, is_lazy
from tinytensor.utils.hooks import RemovableHandle

_EXTRA_STATE_KEY_SUFFIX = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class _WithModule:
    """A hook that is given its module first; in a copy of the module it knows the copy."""

    def __init__(self, hook: Callable, module: Any) -> None:
        self.hook = hook
        self.module = module
        functools.update_wrapper(self, hook)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.hook(self.module, *args, **kwargs)


class ModuleState:
    """state_dict and load_state_dict."""

    _version = 1

    # ---------------------------------------------------------------- hooks

    def _register_state_dict_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after state_dict; it may return another."""
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError(
                "_register_state_dict_hook: the hook was already given to register_state_dict_post_hook"
            )
        return add_hook(self._state_dict_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after state_dict, to change it in place."""
        hook._from_public_api = True
        return add_hook(self._state_dict_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before state_dict."""
        return add_hook(self._state_dict_pre_hooks, hook)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable, with_module: bool = False
    ) -> RemovableHandle:
        return add_hook(self._load_state_dict_pre_hooks, _WithModule(hook, self) if with_module else hook)

    def register_load_state_dict_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call a hook before the module's own values are loaded.

        Its arguments are module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys
        and error_msgs.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def register_load_state_dict_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after load_state_dict; it may change the lists in place."""
        return add_hook(self._load_state_dict_post_hooks, hook)

    # ---------------------------------------------------------------- saving

    def get_extra_state(self) -> Any:
        """Overridden: what state_dict keeps of this module besides its tensors."""
        raise RuntimeError("get_extra_state: a module that has extra state must define it")

    def set_extra_state(self, state: Any) -> None:
        """Overridden: take back what get_extra_state returned."""
        raise RuntimeError("set_extra_state: a module that has extra state must define it")

    def _save_to_state_dict(self, destination: dict, prefix: str, keep_vars: bool) -> None:
        """Put the tensors of this module, not those of its children, into `destination`."""
        for name, parameter in self._parameters.items():
            if parameter is not None:
                destination[prefix + name] = parameter if keep_vars else parameter.detach()
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = buffer if keep_vars else buffer.detach()
        if _overrides(self, "get_extra_state"):
            destination[prefix + _EXTRA_STATE_KEY_SUFFIX] = self.get_extra_state()

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> Any:
        """Return the parameters and persistent buffers of the whole tree by their dotted names.

        The tensors share memory with the module; with `keep_vars` they are the module's own.
        """
        if args:
            warnings.warn(
                "Module.state_dict: positional arguments are deprecated, name them",
                FutureWarning,
                stacklevel=2,
            )
            destination = args[0] if destination is None else destination
            prefix = args[1] if len(args) > 1 and prefix == "" else prefix
            keep_vars = args[2] if len(args) > 2 and keep_vars is False else keep_vars

        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata

        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=prefix + name + ".", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            result = hook(self, destination, prefix, local_metadata)
            if not getattr(hook, "_from_public_api", False):
                destination = destination if result is None else result
            elif result is not None:
                raise RuntimeError("state_dict post-hook must return None")
        return destination

    # ---------------------------------------------------------------- loading

    def _load_from_state_dict(
        self,
        state_dict: dict,
        prefix: str,
        local_metadata: dict,
        strict: bool,
        missing_keys: list,
        unexpected_keys: list,
        error_msgs: list,
    ) -> None:
        """Take the tensors of this module, not those of its children, out of `state_dict`."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)

        persistent = (
            item for item in self._buffers.items() if item[0] not in self._non_persistent_buffers_set
        )
        own = {name: x for name, x in itertools.chain(self._parameters.items(), persistent) if x is not None}
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, tensor in own.items():
            key = prefix + name
            if key in state_dict:
                error = _load_tensor(self, name, tensor, key, state_dict[key], assign)
                if error is not None:
                    error_msgs.append(error)
            elif strict:
                missing_keys.append(key)

        extra_key = prefix + _EXTRA_STATE_KEY_SUFFIX
        if _overrides(self, "set_extra_state"):
            if extra_key in state_dict:
                self.set_extra_state(state_dict[extra_key])
            elif strict:
                missing_keys.append(extra_key)
        elif strict and extra_key in state_dict:
            unexpected_keys.append(extra_key)

        if not strict:
            return
        for key in state_dict:
            if key.startswith(prefix) and key != extra_key:
                first, *rest = key[len(prefix) :].split(".", 1)
                if first not in (self._modules if rest else own):
                    unexpected_keys.append(key)

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Copy the tensors of `state_dict` into those of the tree; with `assign` they take their place.

        With `strict` the keys must be exactly those that state_dict() returns. Returns the keys that are
        missing and those that are not expected.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing_keys: list[str] = []
        unexpected_keys: list[str] = []
        errors: list[str] = []
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata

        def load(module: Any, local_state: dict, prefix: str) -> None:
            local_metadata = {} if metadata is None else metadata.get(prefix[:-1], {})
            if assign:
                local_metadata["assign_to_params_buffers"] = assign
            module._load_from_state_dict(
                local_state, prefix, local_metadata, True, missing_keys, unexpected_keys, errors
            )
            for name, child in module._modules.items():
                if child is not None:
                    child_prefix = prefix + name + "."
                    child_state = {key: x for key, x in local_state.items() if key.startswith(child_prefix)}
                    load(child, child_state, child_prefix)
            keys = _IncompatibleKeys(missing_keys, unexpected_keys)
            for hook in module._load_state_dict_post_hooks.values():
                if hook(module, keys) is not None:
                    raise AssertionError(
                        "load_state_dict post-hook: change the lists of keys in place, return None"
                    )

        load(self, state_dict, "")
        if strict and unexpected_keys:
            errors.insert(0, f"Unexpected key(s) in state_dict: {_quoted(unexpected_keys)}. ")
        if strict and missing_keys:
            errors.insert(0, f"Missing key(s) in state_dict: {_quoted(missing_keys)}. ")
        if errors:
            listed = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{listed}")
        return _IncompatibleKeys(missing_keys, unexpected_keys)


def _overrides(module: Any, name: str) -> bool:
    return getattr(type(module), name) is not getattr(ModuleState, name)


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)


def _load_tensor(module: Any, name: str, tensor: Tensor, key: str, loaded: Any, assign: bool) -> str | None:
    """Give the tensor `name` of `module` the value `loaded`; returns what went wrong, if anything."""
    if not isinstance(loaded, Tensor):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object '
            f"from checkpoint but received {type(loaded)}"
        )
    if not is_lazy(tensor):
        # Files of the days when a number was kept as a vector of one.
        if tensor.shape == () and loaded.shape == (1,):
            loaded = loaded[0]
        if loaded.shape != tensor.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {loaded.shape} from checkpoint, "
                f"the shape in current model is {tensor.shape}."
            )
    try:
        with no_grad():
            if assign:
                setattr(module, name, _as_kind_of(tensor, loaded))
            else:
                tensor.copy_(loaded)
    except Exception as error:
        return (
            f'While copying the parameter named "{key}", whose dimensions in the model are {tensor.size()} '
            f"and whose dimensions in the checkpoint are {loaded.size()}, "
            f"an exception occurred : {error.args}."
        )
    return None


def _as_kind_of(tensor: Tensor, loaded: Tensor) -> Tensor:
    if not isinstance(tensor, Parameter):
        return loaded
    if isinstance(loaded, Parameter):
        return loaded.requires_grad_(tensor.requires_grad)
    return Parameter(loaded, requires_grad=tensor.requires_grad)
