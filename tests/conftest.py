"""Reports which module the tests run against."""

import util


def pytest_report_header() -> str:
    module = util.torch
    return f"module under test: {util.MODULE} {getattr(module, '__version__', '')}"
