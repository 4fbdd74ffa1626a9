"""Seeds and states of the random number generators.

`default_generator` is the CPU generator of the core. A module that brings a device with random numbers of
its own adds its generators with `register_device_generators`, and they are seeded along.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from tinytensor import _C

__all__ = [
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "register_device_generators",
    "seed",
    "set_rng_state",
]

default_generator = _C.default_generator

# device type -> function that returns the device's generators, one per device index
_device_generators: dict[str, Callable[[], list[Any]]] = {}


def register_device_generators(device_type: str, generators: Callable[[], list[Any]]) -> None:
    """Let `manual_seed`, `seed` and `fork_rng` reach the generators of another device."""
    _device_generators[device_type] = generators


def manual_seed(seed: int) -> Any:
    """Seed the generators of all devices, and return the CPU's. A negative seed counts from 2**64 down."""
    number = int(seed)
    if not -(2**63) <= number < 2**64:
        raise ValueError(f"manual_seed: seed must be between -2**63 and 2**64 - 1, got {number}")
    number %= 2**64
    for generators in _device_generators.values():
        for generator in generators():
            generator.manual_seed(number)
    return default_generator.manual_seed(number)


def seed() -> int:
    """Seed the generators of all devices with a number that differs every time, and return it."""
    number = default_generator.seed()
    for generators in _device_generators.values():
        for generator in generators():
            generator.manual_seed(number)
    return number


def initial_seed() -> int:
    """Return the number that the CPU generator was last seeded with."""
    return default_generator.initial_seed()


def get_rng_state() -> Any:
    """Return the state of the CPU generator, a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state: Any) -> None:
    """Put the CPU generator into a state that `get_rng_state` returned."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(
    devices: Any = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str = "cuda",
) -> Iterator[None]:
    """Context manager: the generators of the CPU and of `devices` (all of `device_type` by default) are put
    back, at the end, into the states they had at the start. `enabled=False` makes it do nothing.
    """
    if not enabled:
        yield
        return
    generators = [default_generator, *_chosen_generators(devices, device_type)]
    states = [generator.get_state() for generator in generators]
    try:
        yield
    finally:
        for generator, state in zip(generators, states):
            generator.set_state(state)


def _chosen_generators(devices: Any, device_type: str) -> list[Any]:
    present = _device_generators[device_type]() if device_type in _device_generators else []
    if devices is None:
        return present
    chosen = []
    for device in devices:
        index = device if isinstance(device, int) else device.index or 0
        if not 0 <= index < len(present):
            raise RuntimeError(
                f"fork_rng: there is no {device_type} device {index}, only {len(present)} of them"
            )
        chosen.append(present[index])
    return chosen
