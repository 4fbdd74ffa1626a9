"""An unpickler that runs no code: it knows an allow-list of names, and what each of them may be called with.

It interprets the pickle's instructions itself. Python's own unpickler would set attributes on whatever a file names,
grow its memo to an index that the file chooses, and hash tuples nested so deep that the interpreter dies.
"""

from __future__ import annotations

import _compat_pickle
import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import IO, Any

from . import _C, _pickle_names, _utils
from ._C import Tensor
from .storage import TypedStorage

_PLAIN_KEYS = (str, int, float, bool, bytes, complex, type(None))
_MOST_PARTS_OF_A_KEY = 1000
_LONGEST_LINE = 1 << 16


class _Mark:
    """Where a group of stack entries begins."""


_MARK = _Mark()


def _error(what: str) -> pickle.UnpicklingError:
    return pickle.UnpicklingError(f"load: {what}")


# ---------------------------------------------------------------- what may be called, and with what


def _whole(value: Any) -> bool:
    return type(value) is int


def _is_shape(value: Any) -> bool:
    return type(value) in (tuple, list, _C.Size) and all(_whole(size) for size in value)


def _require(holds: bool, name: str, args: tuple) -> None:
    if not holds:
        kinds = ", ".join(type(arg).__name__ for arg in args[:12])
        raise _error(f"the pickle calls {name} with unusable arguments ({kinds})")


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
    return _set_attributes(made, args[3]) if len(args) == 4 else made


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
        made.add(_key(entry))
    return made


def _ordered_dict(*args: Any) -> OrderedDict:
    _require(len(args) <= 1 and all(type(arg) in (list, dict) for arg in args), "OrderedDict", args)
    made: OrderedDict = OrderedDict()
    pairs = args[0].items() if args and type(args[0]) is dict else (args[0] if args else ())
    for pair in pairs:
        _require(type(pair) in (tuple, list) and len(pair) == 2, "OrderedDict", args)
        made[_key(pair[0])] = pair[1]
    return made


def _counter(*args: Any) -> Counter:
    _require(len(args) <= 1 and all(type(arg) is dict for arg in args), "Counter", args)
    return Counter(*args)


def _key(value: Any) -> Any:
    """A value fit to be hashed: Python hashes tuples by recursion, so a file must not nest them at will."""
    if isinstance(value, _PLAIN_KEYS):
        return value
    waiting, parts = [value], 0
    while waiting:
        parts += 1
        if parts > _MOST_PARTS_OF_A_KEY:
            raise _error("a dictionary key in the pickle is nested too deeply")
        part = waiting.pop()
        if isinstance(part, (tuple, frozenset)):
            waiting.extend(part)
    return value


def _set_attributes(thing: Any, state: Any) -> Any:
    attributes = state[0] if type(state) is tuple and len(state) == 2 else state
    slots = state[1] if attributes is not state else None
    for part in (attributes, slots):
        if part is None:
            continue
        if type(part) not in (dict, OrderedDict) or not all(type(name) is str for name in part):
            raise _error(f"the pickle sets attributes of {type(thing).__name__} from a {type(part).__name__}")
        if any(name.startswith("__") for name in part):
            raise _error(f"the pickle sets special attributes of {type(thing).__name__}")
    for name, value in {**(attributes or {}), **(slots or {})}.items():
        setattr(thing, name, value)
    return thing


# ---------------------------------------------------------------- the allow-list


class Allowed:
    """What names may stand in a file, and what the things they name may be called with."""

    def __init__(self, extra: list[Any]) -> None:
        functions = _pickle_names.rebuild_functions()
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
            written = _pickle_names.written_name(module, name)
            if written:
                self.names[" ".join(written)] = thing
        if callable(thing):
            self.calls[thing] = thing
            self.trusted.add(thing)

    def _from_type(self, *args: Any) -> Tensor:
        function, kind, parts, state = args if len(args) == 4 else (None, None, None, None)
        valid = _hashable(function) and function in self.rebuilding and type(parts) is tuple
        _require(valid, "_rebuild_from_type_v2", args)
        from .nn.parameter import Parameter

        made = self.calls[function](*parts)
        if kind is not Tensor and kind is not Parameter and not (_hashable(kind) and kind in self.trusted):
            raise _error("the pickle makes a tensor of a class that is not allowed")
        if type(made) is not kind:
            made = made.as_subclass(kind)
        if kind in self.trusted and hasattr(kind, "__setstate__"):
            made.__setstate__(state)
            return made
        return made if state is None else _set_attributes(made, state)


def _constants() -> dict[str, Any]:
    return {**_pickle_names.storage_classes(), **_pickle_names.constants(), "torch Tensor": Tensor}


def _callables() -> dict[str, tuple[Any, Callable]]:
    import _codecs

    from .nn.parameter import Parameter
    from .serialization import _get_layout

    def parameter(*args: Any) -> Tensor:
        valid = 1 <= len(args) <= 2 and isinstance(args[0], Tensor) and all(type(arg) is bool for arg in args[1:])
        _require(valid, "Parameter", args)
        return Parameter(*args)

    return {
        "torch Size": (_C.Size, _size),
        "torch device": (_C.device, _device),
        "torch.nn.parameter Parameter": (Parameter, parameter),
        "torch.serialization _get_layout": (_get_layout, _layout),
        "collections OrderedDict": (OrderedDict, _ordered_dict),
        "collections Counter": (Counter, _counter),
        "_codecs encode": (_codecs.encode, _encode),
        "builtins bytearray": (bytearray, _bytearray),
        "builtins complex": (complex, _complex),
        "builtins set": (set, _set),
    }


def _hashable(value: Any) -> bool:
    return isinstance(value, type) or callable(value) and type(value).__hash__ is not None


def modern_name(module: str, name: str, protocol: int) -> tuple[str, str]:
    """The name in Python 3 of something that protocols before 3 call as Python 2 did."""
    if protocol < 3:
        if (module, name) in _compat_pickle.NAME_MAPPING:
            return _compat_pickle.NAME_MAPPING[module, name]
        module = _compat_pickle.IMPORT_MAPPING.get(module, module)
    return module, name


# ---------------------------------------------------------------- reading


class Source:
    """A file that is not read beyond its end, nor asked for more than it has."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file = file
        self._left = length

    def read(self, count: int) -> bytes:
        if count > self._left:
            raise EOFError(f"load: the pickle is truncated: {count} more bytes are needed, {self._left} are left")
        data = self._file.read(count)
        if len(data) != count:
            raise EOFError("load: the pickle is truncated")
        self._left -= count
        return data

    def readline(self) -> str:
        line = self._file.readline(min(_LONGEST_LINE, self._left))
        self._left -= len(line)
        if not line.endswith(b"\n"):
            raise EOFError("load: the pickle is truncated")
        try:
            return line[:-1].decode("utf-8")
        except UnicodeDecodeError:
            raise _error("the pickle is damaged: a name is not valid text") from None


class SafeUnpickler:
    """Reads one pickle. `persistent_load` makes storages of their descriptions."""

    def __init__(
        self, source: Source, allowed: Allowed, persistent_load: Callable[[Any], Any], encoding: str = "utf-8"
    ) -> None:
        self._source = source
        self._allowed = allowed
        self._persistent_load = persistent_load
        self._encoding = encoding
        self._protocol = 0
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def load(self) -> Any:
        read, instructions = self._source.read, _INSTRUCTIONS
        try:
            while True:
                code = read(1)[0]
                if code == _STOP:
                    return self._pop()
                instruction = instructions.get(code)
                if instruction is None:
                    raise _error(f"the file is no pickle, or a damaged one: unknown instruction {code}")
                instruction(self)
        except (IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError, struct.error) as error:
            reason = error.args[0] if error.args and isinstance(error.args[0], str) else ""
            raise _error(f"the pickle is damaged: {type(error).__name__} {reason[:200]}") from error

    # ---- stack

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise _error("the pickle is damaged: a group ends twice")
        return value

    def _top(self) -> Any:
        if self._stack[-1] is _MARK:
            raise _error("the pickle is damaged: a group has no target")
        return self._stack[-1]

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop_group(self) -> list[Any]:
        stack = self._stack
        place = len(stack) - 1
        while stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise _error("the pickle is damaged: a group has no beginning")
        group = stack[place + 1 :]
        del stack[place:]
        return group

    def _pop_tuple(self, count: int) -> None:
        self._push(tuple(reversed([self._pop() for _ in range(count)])))

    # ---- numbers and text

    def _number(self, format: str) -> Any:
        return struct.unpack(format, self._source.read(struct.calcsize(format)))[0]

    def _text(self, format: str) -> None:
        self._push(self._source.read(self._number(format)).decode("utf-8", "surrogatepass"))

    def _old_text(self, format: str) -> None:
        length = self._number(format)
        if length < 0:
            raise _error("the pickle is damaged: text of negative length")
        data = self._source.read(length)
        self._push(data if self._encoding == "bytes" else data.decode(self._encoding))

    def _long(self, format: str) -> None:
        length = self._number(format)
        if length < 0:
            raise _error("the pickle is damaged: a number of negative length")
        self._push(int.from_bytes(self._source.read(length), "little", signed=True))

    def _line_int(self) -> None:
        line = self._source.readline()
        self._push({"00": False, "01": True}[line] if line in ("00", "01") else int(line))

    def _line_long(self) -> None:
        self._push(int(self._source.readline().rstrip("L")))

    # ---- memo

    def _get(self, index: int) -> None:
        if index not in self._memo:
            raise _error(f"the pickle is damaged: it reads memo {index}, which it has not written")
        self._push(self._memo[index])

    def _put(self, index: int) -> None:
        if index < 0:
            raise _error("the pickle is damaged: negative memo index")
        self._memo[index] = self._top()

    # ---- collections

    def _append(self) -> None:
        value = self._pop()
        self._list().append(value)

    def _appends(self) -> None:
        group = self._pop_group()
        self._list().extend(group)

    def _list(self) -> list:
        if type(self._top()) is not list:
            raise _error(f"the pickle is damaged: it appends to a {type(self._top()).__name__}")
        return self._top()

    def _set_items(self, group: list[Any]) -> None:
        target = self._top()
        if not isinstance(target, dict) and type(target) not in self._allowed.trusted:
            raise _error(f"the pickle is damaged: it sets items of a {type(target).__name__}")
        if len(group) % 2:
            raise _error("the pickle is damaged: a key has no value")
        for key, value in zip(group[::2], group[1::2]):
            target[_key(key)] = value

    def _set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._set_items([key, value])

    def _make_dict(self) -> None:
        group = self._pop_group()
        self._push({})
        self._set_items(group)

    def _add_items(self) -> None:
        group = self._pop_group()
        if type(self._top()) is not set:
            raise _error("the pickle is damaged: it adds to what is no set")
        self._top().update([_key(entry) for entry in group])

    # ---- names and calls

    def _global(self) -> None:
        self._push_name(self._source.readline(), self._source.readline())

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise _error("the pickle is damaged: a name that is no text")
        self._push_name(module, name)

    def _push_name(self, module: str, name: str) -> None:
        module, name = modern_name(module, name, self._protocol)
        found = self._allowed.names.get(f"{module} {name}", _MARK)
        if found is _MARK:
            raise Unsupported(module, name)
        self._push(found)

    def _call(self, function: Any, args: Any) -> Any:
        call = self._allowed.calls.get(function) if _hashable(function) else None
        if call is None or type(args) is not tuple:
            raise _error(f"the pickle calls a {type(function).__name__}, which is not allowed")
        return call(*args)

    def _reduce(self) -> None:
        args, function = self._pop(), self._pop()
        self._push(self._call(function, args))

    def _new_object(self, args: Any, options: Any) -> None:
        cls = self._pop()
        if isinstance(cls, type) and cls in self._allowed.trusted and type(args) is tuple and type(options) is dict:
            self._push(cls.__new__(cls, *args, **options))
            return
        if options:
            raise _error("the pickle makes an object in a way that is not allowed")
        self._push(self._call(cls, args))

    def _newobj(self) -> None:
        self._new_object(self._pop(), {})

    def _newobj_ex(self) -> None:
        options, args = self._pop(), self._pop()
        self._new_object(args, options)

    def _build(self) -> None:
        state = self._pop()
        thing = self._top()
        trusted = type(thing) in self._allowed.trusted
        if trusted and hasattr(thing, "__setstate__"):
            thing.__setstate__(state)
            return
        if not trusted and type(thing) is not OrderedDict and not isinstance(thing, Tensor):
            raise _error(f"the pickle sets the state of a {type(thing).__name__}, which is not allowed")
        _set_attributes(thing, state)

    def _persistent(self) -> None:
        self._push(self._persistent_load(self._pop()))

    def _proto(self) -> None:
        self._protocol = self._source.read(1)[0]
        if self._protocol > pickle.HIGHEST_PROTOCOL:
            raise _error(f"unsupported pickle protocol: {self._protocol}")


class Unsupported(pickle.UnpicklingError):
    """A name that is not in the allow-list."""

    def __init__(self, module: str, name: str) -> None:
        super().__init__(module, name)
        self.module, self.name = module, name


_STOP = pickle.STOP[0]

_INSTRUCTIONS: dict[int, Callable[[SafeUnpickler], Any]] = {
    code[0]: instruction
    for code, instruction in {
        pickle.PROTO: SafeUnpickler._proto,
        pickle.FRAME: lambda u: u._number("<Q"),
        pickle.MARK: lambda u: u._push(_MARK),
        pickle.POP: lambda u: u._stack.pop(),
        pickle.POP_MARK: lambda u: u._pop_group(),
        pickle.DUP: lambda u: u._push(u._top()),
        pickle.NONE: lambda u: u._push(None),
        pickle.NEWTRUE: lambda u: u._push(True),
        pickle.NEWFALSE: lambda u: u._push(False),
        pickle.INT: SafeUnpickler._line_int,
        pickle.LONG: SafeUnpickler._line_long,
        pickle.FLOAT: lambda u: u._push(float(u._source.readline())),
        pickle.BININT: lambda u: u._push(u._number("<i")),
        pickle.BININT1: lambda u: u._push(u._number("<B")),
        pickle.BININT2: lambda u: u._push(u._number("<H")),
        pickle.LONG1: lambda u: u._long("<B"),
        pickle.LONG4: lambda u: u._long("<i"),
        pickle.BINFLOAT: lambda u: u._push(u._number(">d")),
        pickle.BINUNICODE: lambda u: u._text("<I"),
        pickle.SHORT_BINUNICODE: lambda u: u._text("<B"),
        pickle.BINUNICODE8: lambda u: u._text("<Q"),
        pickle.BINSTRING: lambda u: u._old_text("<i"),
        pickle.SHORT_BINSTRING: lambda u: u._old_text("<B"),
        pickle.BINBYTES: lambda u: u._push(u._source.read(u._number("<I"))),
        pickle.SHORT_BINBYTES: lambda u: u._push(u._source.read(u._number("<B"))),
        pickle.BINBYTES8: lambda u: u._push(u._source.read(u._number("<Q"))),
        pickle.BYTEARRAY8: lambda u: u._push(bytearray(u._source.read(u._number("<Q")))),
        pickle.EMPTY_TUPLE: lambda u: u._push(()),
        pickle.TUPLE1: lambda u: u._pop_tuple(1),
        pickle.TUPLE2: lambda u: u._pop_tuple(2),
        pickle.TUPLE3: lambda u: u._pop_tuple(3),
        pickle.TUPLE: lambda u: u._push(tuple(u._pop_group())),
        pickle.EMPTY_LIST: lambda u: u._push([]),
        pickle.LIST: lambda u: u._push(u._pop_group()),
        pickle.APPEND: SafeUnpickler._append,
        pickle.APPENDS: SafeUnpickler._appends,
        pickle.EMPTY_DICT: lambda u: u._push({}),
        pickle.DICT: SafeUnpickler._make_dict,
        pickle.SETITEM: SafeUnpickler._set_item,
        pickle.SETITEMS: lambda u: u._set_items(u._pop_group()),
        pickle.EMPTY_SET: lambda u: u._push(set()),
        pickle.ADDITEMS: SafeUnpickler._add_items,
        pickle.GET: lambda u: u._get(int(u._source.readline())),
        pickle.BINGET: lambda u: u._get(u._number("<B")),
        pickle.LONG_BINGET: lambda u: u._get(u._number("<I")),
        pickle.PUT: lambda u: u._put(int(u._source.readline())),
        pickle.BINPUT: lambda u: u._put(u._number("<B")),
        pickle.LONG_BINPUT: lambda u: u._put(u._number("<I")),
        pickle.MEMOIZE: lambda u: u._put(len(u._memo)),
        pickle.GLOBAL: SafeUnpickler._global,
        pickle.STACK_GLOBAL: SafeUnpickler._stack_global,
        pickle.REDUCE: SafeUnpickler._reduce,
        pickle.NEWOBJ: SafeUnpickler._newobj,
        pickle.NEWOBJ_EX: SafeUnpickler._newobj_ex,
        pickle.BUILD: SafeUnpickler._build,
        pickle.BINPERSID: SafeUnpickler._persistent,
    }.items()
}
