"""Without a device: what asks for one says so, and what need not ask works."""

from __future__ import annotations

import pytest
from util import STAND_IN, torch

cuda = pytest.importorskip(f"{torch.__name__}.cuda")
pytestmark = pytest.mark.skipif(cuda.is_available(), reason="there is a CUDA device")


@pytest.mark.parametrize(
    "ask",
    [
        lambda: torch.zeros(2).cuda(),
        lambda: torch.zeros(2).to("cuda"),
        lambda: torch.zeros(2, device="cuda"),
        lambda: torch.zeros(2).to(torch.device("cuda", 0)),
        lambda: cuda.current_device(),
        lambda: cuda.synchronize(),
        lambda: cuda.get_device_name(),
        lambda: cuda.get_device_capability(0),
        lambda: cuda.get_device_properties(0),
        lambda: cuda.device(0).__enter__(),
        lambda: cuda.Stream(),
        lambda: cuda.Event(),
    ],
)
def test_says_that_there_is_none(ask) -> None:
    with pytest.raises((AssertionError, RuntimeError), match="CUDA|not available|dummy"):
        ask()


def test_nothing_to_ask_for() -> None:
    assert not cuda.is_available() and cuda.device_count() == 0 and not cuda.is_initialized()
    assert cuda.memory_allocated() == cuda.max_memory_allocated() == cuda.memory_reserved() == 0
    cuda.empty_cache()
    cuda.manual_seed(1)
    cuda.manual_seed_all(2)
    with cuda.device(-1), cuda.device_of(torch.zeros(2)), cuda.stream(None):
        pass
    assert torch.device("cuda").type == "cuda" and str(torch.device("cuda:1")) == "cuda:1"


@pytest.mark.skipif(STAND_IN, reason="a name of ours")
def test_types_by_name() -> None:
    assert cuda.FloatTensor.dtype == torch.float32 and not isinstance(torch.zeros(2), cuda.FloatTensor)
