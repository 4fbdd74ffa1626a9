"""What can be recorded."""

from __future__ import annotations

import enum
import warnings
from collections.abc import Iterable

import tinytensor


class ProfilerActivity(enum.Enum):
    CPU = 0
    XPU = 1
    MTIA = 2
    CUDA = 3
    HPU = 4
    PrivateUse1 = 5


def supported_activities() -> set[ProfilerActivity]:
    """What can be recorded here: the CPU's side of every operation."""
    return {ProfilerActivity.CPU}


def kineto_available() -> bool:
    """Whether PyTorch's tracing library is there: it never is; traces are written without it."""
    return False


def checked_activities(activities: Iterable[ProfilerActivity] | None) -> set[ProfilerActivity]:
    """The activities to record; CUDA falls away, with a warning, where there is no device."""
    wanted = set(activities or ()) or supported_activities()
    for activity in wanted:
        if not isinstance(activity, ProfilerActivity):
            raise TypeError(f"profile: activities are members of ProfilerActivity, got {activity!r}")
    if ProfilerActivity.CUDA in wanted and not tinytensor.cuda.is_available():
        warnings.warn("CUDA is not available, disabling CUDA profiling", stacklevel=3)
        wanted.discard(ProfilerActivity.CUDA)
    missing = wanted - supported_activities()
    if missing:
        names = ", ".join(sorted(activity.name for activity in missing))
        raise NotImplementedError(
            f"profile: activities of {names} are not recorded, only those of the CPU: leave {names} out"
        )
    return wanted
