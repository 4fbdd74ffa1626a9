"""What a checkpoint may name when `weights_only=True`, and with what arguments it may call what it names."""

from __future__ import annotations

import pickle
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

from .. import _C, _utils
from .._C import Tensor
from ..storage import TypedStorage
from . import pickle_names

_PLAIN_KEYS = (str, int, float, bool, bytes, complex, type(None))
_MOST_PARTS_OF_A_KEY = 1000


def damaged(what: str) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(f"load: {what}")


# ---------------------------------------------------------------- calls


def _whole(value: Any) -> bool:
    return type(value) is int


def _is_shape(value: Any) -> bool:
    return type(value) in (tuple, list, _C.Size) and all(_whole(size) for size in value)


def _require(holds: bool, name: str, args: tuple) -> None:
    if not holds:
        kinds = ", ".join(type(arg).__name__ for arg in args[:12])
        raise damaged(f"the pickle calls {name} with unusable arguments ({kinds})")


def _tensor(*args: Any) -> Tensor:
    valid = 4 <= len(args) <= 7 and isinstance(args[0], TypedStorage) and _whole(args[1])
    valid = valid and _is_shape(args[2]) and _is_shape(args[3])
    valid = valid and (len(args) < 7 or args[6] is None or type(args[6]) is dict)
    _require(valid, "_rebuild_tensor", args)
    if len(args) == 4:
        return _utils._rebuild_tensor(*args)
    _require(len(args) >= 6 and type(args[4]) is bool and not args[5], "_rebuild_tensor_v2", args)
    return _utils._rebuild_tensor_v2(*args)


def _parameter(*args: Any) -> Tensor:
    valid = len(args) in (3, 4) and isinstance(args[0], Tensor) and type(args[1]) is bool and not args[2]
    _require(valid, "_rebuild_parameter", args)
    made = _utils._rebuild_parameter(*args[:3])
    return set_attributes(made, args[3]) if len(args) == 4 else made


def _device(*args: Any) -> Any:
    valid = len(args) in (1, 2) and type(args[0]) is str and all(_whole(arg) for arg in args[1:])
    _require(valid, "device", args)
    return _C.device(*args)


def _size(*args: Any) -> Any:
    _require(len(args) == 1 and _is_shape(args[0]), "Size", args)
    return _C.Size(args[0])


def _layout(*args: Any) -> Any:
    _require(args == ("torch.strided",), "_get_layout", args)
    return _C.strided


def _encode(*args: Any) -> bytes:
    valid = len(args) == 2 and type(args[0]) is str and args[1] in ("latin1", "latin-1")
    _require(valid, "_codecs.encode", args)
    return args[0].encode("latin1")


def _bytearray(*args: Any) -> bytearray:
    if len(args) == 2:
        return bytearray(_encode(*args))
    _require(not args or (len(args) == 1 and type(args[0]) in (bytes, list)), "bytearray", args)
    return bytearray(*args)


def _complex(*args: Any) -> complex:
    _require(len(args) == 2 and all(type(arg) in (float, int) for arg in args), "complex", args)
    return complex(*args)


def _set(*args: Any) -> set:
    _require(len(args) <= 1 and all(type(arg) in (list, tuple) for arg in args), "set", args)
    made: set = set()
    for entry in args[0] if args else ():
        made.add(checked_key(entry))
    return made


def _ordered_dict(*args: Any) -> OrderedDict:
    _require(len(args) <= 1 and all(type(arg) in (list, dict) for arg in args), "OrderedDict", args)
    made: OrderedDict = OrderedDict()
    pairs = args[0].items() if args and type(args[0]) is dict else (args[0] if args else ())
    for pair in pairs:
        _require(type(pair) in (tuple, list) and len(pair) == 2, "OrderedDict", args)
        made[checked_key(pair[0])] = pair[1]
    return made


def _counter(*args: Any) -> Counter:
    _require(len(args) <= 1 and all(type(arg) is dict for arg in args), "Counter", args)
    return Counter(*args)


def checked_key(value: Any) -> Any:
    """A value fit to be hashed: Python hashes tuples by recursion, so a file must not nest them at will."""
    if isinstance(value, _PLAIN_KEYS):
        return value
    waiting, parts = [value], 0
    while waiting:
        parts += 1
        if parts > _MOST_PARTS_OF_A_KEY:
            raise damaged("a dictionary key in the pickle is nested too deeply")
        part = waiting.pop()
        if isinstance(part, (tuple, frozenset)):
            waiting.extend(part)
    return value


def set_attributes(thing: Any, state: Any) -> Any:
    attributes = state[0] if type(state) is tuple and len(state) == 2 else state
    slots = state[1] if attributes is not state else None
    for part in (attributes, slots):
        if part is None:
            continue
        if type(part) not in (dict, OrderedDict) or not all(type(name) is str for name in part):
            raise damaged(
                f"the pickle sets attributes of {type(thing).__name__} from a {type(part).__name__}"
            )
        if any(name.startswith("__") for name in part):
            raise damaged(f"the pickle sets special attributes of {type(thing).__name__}")
    for name, value in {**(attributes or {}), **(slots or {})}.items():
        setattr(thing, name, value)
    return thing


# ---------------------------------------------------------------- the allow-list


class Allowed:
    """What names may stand in a file, and what the things they name may be called with."""

    def __init__(self, extra: list[Any]) -> None:
        functions = pickle_names.rebuild_functions()
        self.rebuilding = set(functions.values()) - {_utils._rebuild_from_type_v2}
        self.names: dict[str, Any] = {**functions, **_constants()}
        self.calls: dict[Any, Callable] = {
            _utils._rebuild_tensor: _tensor,
            _utils._rebuild_tensor_v2: _tensor,
            _utils._rebuild_parameter: _parameter,
            _utils._rebuild_parameter_with_state: _parameter,
            _utils._rebuild_from_type_v2: self._from_type,
        }
        for name, (thing, call) in _callables().items():
            self.names[name] = thing
            self.calls[thing] = call
        self.trusted: set[Any] = set()
        for entry in extra:
            self._trust(entry)

    def _trust(self, entry: Any) -> None:
        thing, name = entry if isinstance(entry, tuple) else (entry, None)
        if name is not None:
            self.names[" ".join(name.rsplit(".", 1))] = thing
        else:
            module = thing.__module__
            name = getattr(thing, "__qualname__", thing.__name__)
            self.names[f"{module} {name}"] = thing
            written = pickle_names.written_name(module, name)
            if written:
                self.names[" ".join(written)] = thing
        if callable(thing):
            self.calls[thing] = thing
            self.trusted.add(thing)

    def _from_type(self, *args: Any) -> Tensor:
        function: Any
        parts: Any
        function, kind, parts, state = args if len(args) == 4 else (None, None, None, None)
        valid = is_hashable(function) and function in self.rebuilding and type(parts) is tuple
        _require(valid, "_rebuild_from_type_v2", args)
        from ..nn.parameter import Parameter

        made = self.calls[function](*parts)
        if kind is not Tensor and kind is not Parameter and not (is_hashable(kind) and kind in self.trusted):
            raise damaged("the pickle makes a tensor of a class that is not allowed")
        if type(made) is not kind:
            made = made.as_subclass(kind)
        if kind in self.trusted and hasattr(kind, "__setstate__"):
            made.__setstate__(state)
            return made
        return made if state is None else set_attributes(made, state)


def _constants() -> dict[str, Any]:
    return {**pickle_names.storage_classes(), **pickle_names.constants(), "torch Tensor": Tensor}


def _callables() -> dict[str, tuple[Any, Callable]]:
    import _codecs

    from ..nn.parameter import Parameter

    def parameter(*args: Any) -> Tensor:
        valid = (
            1 <= len(args) <= 2 and isinstance(args[0], Tensor) and all(type(arg) is bool for arg in args[1:])
        )
        _require(valid, "Parameter", args)
        return Parameter(*args)

    return {
        "torch Size": (_C.Size, _size),
        "torch device": (_C.device, _device),
        "torch.nn.parameter Parameter": (Parameter, parameter),
        "torch.serialization _get_layout": (_utils._get_layout, _layout),
        "collections OrderedDict": (OrderedDict, _ordered_dict),
        "collections Counter": (Counter, _counter),
        "_codecs encode": (_codecs.encode, _encode),
        "builtins bytearray": (bytearray, _bytearray),
        "builtins complex": (complex, _complex),
        "builtins set": (set, _set),
    }


def is_hashable(value: Any) -> bool:
    return isinstance(value, type) or callable(value) and type(value).__hash__ is not None
