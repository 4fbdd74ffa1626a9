"""The committed type stub says what the core has."""

from pathlib import Path

import pytest
from util import MODULE, torch

pytestmark = pytest.mark.skipif(MODULE != "tinytensor", reason="the stub is tinytensor's own")


def test_stub_is_up_to_date():
    from tinytensor._stub import stub

    committed = Path(torch.__file__).parent / "_C.pyi"
    assert committed.read_text() == stub(), "run: python -m tinytensor._stub python/tinytensor/_C.pyi"


def test_stub_is_python():
    compile((Path(torch.__file__).parent / "_C.pyi").read_text(), "_C.pyi", "exec")
