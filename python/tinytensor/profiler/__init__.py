"""What a program spends its time on, operation by operation.

    with profile(record_shapes=True) as prof:
        with record_function("forward"):
            loss = loss_fn(model(x), y)
        loss.backward()
    print(prof.key_averages().table(sort_by="self_cpu_time_total", row_limit=10))
    prof.export_chrome_trace("trace.json")

An event is a call of an operation from Python, under PyTorch's name for it (`aten::add`; what PyTorch has no operation
for is `tinytensor::...`), a node of backward (`AddmmBackward0`), a step of an optimizer, or a range that the program
names. What an operation does inside is one event: there are no events for the operations PyTorch would compose it of,
nor for those that a node of backward calls.
"""

from ._activities import ProfilerActivity, kineto_available, supported_activities
from ._events import DeviceType
from ._ranges import record_function
from .profiler import ProfilerAction, profile, schedule, tensorboard_trace_handler

__all__ = [
    "DeviceType",
    "ProfilerAction",
    "ProfilerActivity",
    "kineto_available",
    "profile",
    "record_function",
    "schedule",
    "supported_activities",
    "tensorboard_trace_handler",
]
