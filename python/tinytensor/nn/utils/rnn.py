"""Sequences of different lengths: padded to one tensor, or packed step by step without padding."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from tinytensor import _C
from tinytensor._C import Tensor

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


def _converting(name: str) -> Callable[..., PackedSequence]:
    def convert(self: PackedSequence, *args: Any, **kwargs: Any) -> PackedSequence:
        return self._with_data(getattr(self.data, name)(*args, **kwargs))

    convert.__name__ = name
    return convert


class PackedSequence(_Packed):
    """The elements of several sequences, all first ones, then all second ones, and so on.

    `batch_sizes` says how many sequences reach each step, so the sequences are sorted by length, the longest
    first; `sorted_indices` and `unsorted_indices` lead from the order they had to that order and back.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if batch_sizes is None:
            assert isinstance(data, (list, tuple)) and len(data) == 2, (
                "Expected data to be a list or tuple of length 2"
            )
            data, batch_sizes = data
        if batch_sizes.device.type != "cpu":
            raise ValueError(f"batch_sizes should always be on CPU, but it is on {batch_sizes.device}")
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def __reduce__(self) -> tuple:
        return type(self), tuple(self)

    def _with_data(self, data: Tensor) -> PackedSequence:
        if data is self.data:
            return self
        indices = [None if index is None else index.to(data.device) for index in self[2:]]
        return type(self)(data, self.batch_sizes, *indices)

    @property
    def is_cuda(self) -> bool:
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        return self.data.is_pinned()

    to = _converting("to")
    cuda = _converting("cuda")
    cpu = _converting("cpu")
    pin_memory = _converting("pin_memory")
    double = _converting("double")
    float = _converting("float")
    half = _converting("half")
    long = _converting("long")
    int = _converting("int")
    short = _converting("short")
    char = _converting("char")
    byte = _converting("byte")


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes this one."""
    if permutation is None:
        return None
    places = _C.arange(permutation.numel(), device=permutation.device)
    return _C.empty_like(permutation).scatter_(0, permutation, places.to(permutation.dtype))


def _places_of(reached: Tensor, order: Tensor, batch_first: bool, steps: int) -> Tensor:
    """Where the packed elements lie in a padded batch that is seen as one row of elements.

    `reached` tells, for each step, which sequences get there; `order` where they stand in the batch.
    """
    batch = reached.size(1)
    step, sequence = (1, steps) if batch_first else (batch, 1)
    places = (_C.arange(reached.size(0)) * step).unsqueeze(1) + order * sequence
    return places.masked_select(reached)


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | list[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Take the padding out of a batch of sequences, [steps, batch, ...] unless `batch_first`."""
    if isinstance(lengths, Tensor) and lengths.device.type != "cpu":
        raise RuntimeError(
            f"'lengths' argument should be a 1D CPU int64 tensor, but got {lengths.dim()}D "
            f"{lengths.device} {lengths.dtype} tensor"
        )
    lengths = _C.as_tensor(lengths, dtype=_C.int64)
    assert isinstance(lengths, Tensor)
    batch, steps = (input.size(0), input.size(1)) if batch_first else (input.size(1), input.size(0))
    if lengths.shape != (batch,):
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {lengths.numel()} "
            f"(batch_size={batch})"
        )
    if batch == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    order = _C.arange(batch)
    if not enforce_sorted:
        lengths, order = _C.sort(lengths, descending=True, stable=True)
    elif (lengths[1:] > lengths[:-1]).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this "
            "requirement."
        )
    longest, shortest = int(lengths[0]), int(lengths[-1])
    if shortest <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if longest > steps:
        raise RuntimeError(
            f"pack_padded_sequence: a length of {longest} exceeds the {steps} steps of the input"
        )
    reached = _C.arange(longest).unsqueeze(1) < lengths
    places = _places_of(reached, order, batch_first, steps).to(input.device)
    sorted_indices = None if enforce_sorted else order.to(input.device)
    return PackedSequence(input.flatten(0, 1).index_select(0, places), reached.sum(1), sorted_indices)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The padded batch that a PackedSequence stands for, and the lengths of its sequences."""
    data, batch_sizes, _, unsorted_indices = sequence
    steps, batch = batch_sizes.size(0), batch_sizes[0].item()
    if total_length is not None and total_length < steps:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {steps}"
        )
    steps = steps if total_length is None else total_length
    reached = _C.arange(batch) < batch_sizes.unsqueeze(1)
    order, lengths = _C.arange(batch), reached.sum(0)
    if unsorted_indices is not None:
        original = unsorted_indices.cpu()
        order, lengths = invert_permutation(original), lengths[original]
    places = _places_of(reached, order, batch_first, steps).to(data.device)
    room = data.new_full((steps * batch, *data.shape[1:]), padding_value)
    padded = room.index_copy(0, places, data)
    return padded.unflatten(0, (batch, steps) if batch_first else (steps, batch)), lengths


def pad_sequence(
    sequences: Tensor | list[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """One tensor of all sequences, the shorter ones filled up at one side."""
    if isinstance(sequences, Tensor):
        sequences = list(sequences.unbind(0))
    elif isinstance(sequences, Iterable):
        sequences = list(sequences)
    else:
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    if not sequences:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    trailing = sequences[0].shape[1:]
    for sequence in sequences:
        if sequence.shape[1:] != trailing:
            raise RuntimeError(
                "pad_sequence: the sequences differ in more than their lengths, got "
                f"{tuple(sequences[0].shape)} and {tuple(sequence.shape)}"
            )
    longest = max(sequence.size(0) for sequence in sequences)
    padded = [
        _filled_up(sequence, longest, padding_value, padding_side, sequences[0]) for sequence in sequences
    ]
    return _C.stack(padded, 0 if batch_first else 1)


def _filled_up(sequence: Tensor, length: int, value: float, side: str, like: Tensor) -> Tensor:
    sequence = sequence.to(like.dtype)
    missing = length - sequence.size(0)
    if missing == 0:
        return sequence
    padding = sequence.new_full((missing, *sequence.shape[1:]), value)
    return _C.cat([sequence, padding] if side == "right" else [padding, sequence])


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences, which have to be sorted by length unless `enforce_sorted` is False."""
    lengths = [sequence.size(0) for sequence in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each cut to its length."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    sizes = lengths.tolist() if isinstance(lengths, Tensor) else lengths
    return [sequence[:size] for sequence, size in zip(padded_sequences, sizes, strict=True)]


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that were packed, in the order they had."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
