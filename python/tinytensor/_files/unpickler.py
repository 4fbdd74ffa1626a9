"""An unpickler that runs no code: it knows an allow-list of names, and what each of them may be called with.

It interprets the pickle's instructions itself. Python's own unpickler would set attributes on whatever a
file names, grow its memo to an index that the file chooses, and hash tuples nested so deep that the
interpreter dies.
"""

from __future__ import annotations

import _compat_pickle
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import IO, Any

from .._C import Tensor
from .allow_list import Allowed, checked_key, damaged, is_hashable, set_attributes

_LONGEST_LINE = 1 << 16


_U8, _U16, _U32, _U64, _I32, _F64 = map(struct.Struct, ("<B", "<H", "<I", "<Q", "<i", ">d"))


class _Mark:
    """Where a group of stack entries begins."""


_MARK = _Mark()


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
            raise EOFError(
                f"load: the pickle is truncated: {count} more bytes are needed, {self._left} are left"
            )
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
            raise damaged("the pickle is damaged: a name is not valid text") from None


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
                    raise damaged(f"the file is no pickle, or a damaged one: unknown instruction {code}")
                instruction(self)
        except (
            IndexError,
            KeyError,
            TypeError,
            ValueError,
            AttributeError,
            OverflowError,
            struct.error,
        ) as error:
            reason = error.args[0] if error.args and isinstance(error.args[0], str) else ""
            raise damaged(f"the pickle is damaged: {type(error).__name__} {reason[:200]}") from error

    # ---- stack

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise damaged("the pickle is damaged: a group ends twice")
        return value

    def _top(self) -> Any:
        if self._stack[-1] is _MARK:
            raise damaged("the pickle is damaged: a group has no target")
        return self._stack[-1]

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop_group(self) -> list[Any]:
        stack = self._stack
        place = len(stack) - 1
        while stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise damaged("the pickle is damaged: a group has no beginning")
        group = stack[place + 1 :]
        del stack[place:]
        return group

    def _pop_tuple(self, count: int) -> None:
        self._push(tuple(reversed([self._pop() for _ in range(count)])))

    # ---- numbers and text

    def _number(self, format: struct.Struct) -> Any:
        return format.unpack(self._source.read(format.size))[0]

    def _text(self, format: struct.Struct) -> None:
        self._push(self._source.read(self._number(format)).decode("utf-8", "surrogatepass"))

    def _old_text(self, format: struct.Struct) -> None:
        length = self._number(format)
        if length < 0:
            raise damaged("the pickle is damaged: text of negative length")
        data = self._source.read(length)
        self._push(data if self._encoding == "bytes" else data.decode(self._encoding))

    def _long(self, format: struct.Struct) -> None:
        length = self._number(format)
        if length < 0:
            raise damaged("the pickle is damaged: a number of negative length")
        self._push(int.from_bytes(self._source.read(length), "little", signed=True))

    def _line_int(self) -> None:
        line = self._source.readline()
        self._push({"00": False, "01": True}[line] if line in ("00", "01") else int(line))

    def _line_long(self) -> None:
        self._push(int(self._source.readline().rstrip("L")))

    # ---- memo

    def _get(self, index: int) -> None:
        if index not in self._memo:
            raise damaged(f"the pickle is damaged: it reads memo {index}, which it has not written")
        self._push(self._memo[index])

    def _put(self, index: int) -> None:
        if index < 0:
            raise damaged("the pickle is damaged: negative memo index")
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
            raise damaged(f"the pickle is damaged: it appends to a {type(self._top()).__name__}")
        return self._top()

    def _set_items(self, group: list[Any]) -> None:
        target = self._top()
        if not isinstance(target, dict) and type(target) not in self._allowed.trusted:
            raise damaged(f"the pickle is damaged: it sets items of a {type(target).__name__}")
        if len(group) % 2:
            raise damaged("the pickle is damaged: a key has no value")
        for key, value in zip(group[::2], group[1::2]):
            target[checked_key(key)] = value

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
            raise damaged("the pickle is damaged: it adds to what is no set")
        self._top().update([checked_key(entry) for entry in group])

    # ---- names and calls

    def _global(self) -> None:
        self._push_name(self._source.readline(), self._source.readline())

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            raise damaged("the pickle is damaged: a name that is no text")
        self._push_name(module, name)

    def _push_name(self, module: str, name: str) -> None:
        module, name = modern_name(module, name, self._protocol)
        found = self._allowed.names.get(f"{module} {name}", _MARK)
        if found is _MARK:
            raise Unsupported(module, name)
        self._push(found)

    def _call(self, function: Any, args: Any) -> Any:
        call = self._allowed.calls.get(function) if is_hashable(function) else None
        if call is None or type(args) is not tuple:
            raise damaged(f"the pickle calls a {type(function).__name__}, which is not allowed")
        return call(*args)

    def _reduce(self) -> None:
        args, function = self._pop(), self._pop()
        self._push(self._call(function, args))

    def _new_object(self, args: Any, options: Any) -> None:
        cls = self._pop()
        if (
            isinstance(cls, type)
            and cls in self._allowed.trusted
            and type(args) is tuple
            and type(options) is dict
        ):
            self._push(cls.__new__(cls, *args, **options))
            return
        if options:
            raise damaged("the pickle makes an object in a way that is not allowed")
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
            raise damaged(f"the pickle sets the state of a {type(thing).__name__}, which is not allowed")
        set_attributes(thing, state)

    def _persistent(self) -> None:
        self._push(self._persistent_load(self._pop()))

    def _proto(self) -> None:
        self._protocol = self._source.read(1)[0]
        if self._protocol > pickle.HIGHEST_PROTOCOL:
            raise damaged(f"unsupported pickle protocol: {self._protocol}")


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
        pickle.FRAME: lambda u: u._number(_U64),
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
        pickle.BININT: lambda u: u._push(u._number(_I32)),
        pickle.BININT1: lambda u: u._push(u._number(_U8)),
        pickle.BININT2: lambda u: u._push(u._number(_U16)),
        pickle.LONG1: lambda u: u._long(_U8),
        pickle.LONG4: lambda u: u._long(_I32),
        pickle.BINFLOAT: lambda u: u._push(u._number(_F64)),
        pickle.BINUNICODE: lambda u: u._text(_U32),
        pickle.SHORT_BINUNICODE: lambda u: u._text(_U8),
        pickle.BINUNICODE8: lambda u: u._text(_U64),
        pickle.BINSTRING: lambda u: u._old_text(_I32),
        pickle.SHORT_BINSTRING: lambda u: u._old_text(_U8),
        pickle.BINBYTES: lambda u: u._push(u._source.read(u._number(_U32))),
        pickle.SHORT_BINBYTES: lambda u: u._push(u._source.read(u._number(_U8))),
        pickle.BINBYTES8: lambda u: u._push(u._source.read(u._number(_U64))),
        pickle.BYTEARRAY8: lambda u: u._push(bytearray(u._source.read(u._number(_U64)))),
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
        pickle.BINGET: lambda u: u._get(u._number(_U8)),
        pickle.LONG_BINGET: lambda u: u._get(u._number(_U32)),
        pickle.PUT: lambda u: u._put(int(u._source.readline())),
        pickle.BINPUT: lambda u: u._put(u._number(_U8)),
        pickle.LONG_BINPUT: lambda u: u._put(u._number(_U32)),
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
