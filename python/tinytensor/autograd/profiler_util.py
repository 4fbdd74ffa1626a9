"""`torch.autograd.profiler_util`: events and what they are kept in."""

from tinytensor.profiler._events import DeviceType, EventList, FunctionEvent, FunctionEventAvg, Interval

__all__ = ["DeviceType", "EventList", "FunctionEvent", "FunctionEventAvg", "Interval"]
