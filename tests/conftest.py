"""Reports which module the tests run against."""

import signal

import util

# A job in the background ignores Ctrl-C, and what it starts inherits that; tests of Ctrl-C start programs that must not.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    module = util.torch
    return f"module under test: {util.MODULE} {getattr(module, '__version__', '')}"
