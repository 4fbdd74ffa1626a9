"""Threads, memory, fork, signals, instruction sets, and graphs too deep for a stack."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from util import MODULE, torch

ours = pytest.mark.skipif(MODULE != "tinytensor", reason="tinytensor's own functions")


def run_python(code, **environment):
    """Runs a program in a fresh interpreter and returns what it printed."""
    program = f"import {MODULE} as torch\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_number_of_threads(threads):
    threads(2)
    assert torch.get_num_threads() == 2
    with pytest.raises(RuntimeError):
        threads(0)


@pytest.mark.parametrize("count", [1, 2])
def test_fork(threads, count):
    threads(count)
    x = torch.ones(1_000_000)
    assert (x + x).sum().item() == 2_000_000
    child = os.fork()
    if child == 0:
        os._exit(0 if (x + x).sum().item() == 2_000_000 else 1)
    for _ in range(600):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.05)
    else:
        os.kill(child, signal.SIGKILL)
        pytest.fail("the child hangs")
    assert status == 0
    assert (x + x).sum().item() == 2_000_000


def test_python_threads_at_once():
    x = torch.arange(300_000, dtype=torch.float64)
    results = []
    workers = [threading.Thread(target=lambda: results.append((x * 2 + 1).sum().item())) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert results == [(np.arange(300_000) * 2.0 + 1).sum()] * 4


def test_ctrl_c_stops_backward():
    code = """
import os, signal, threading, time
x = torch.ones(16, requires_grad=True)
y = x
for _ in range(50_000): y = y * 1.0
loss = y.sum()
threading.Timer(0.02, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    for _ in range(100): loss.backward(retain_graph=True)
    print("finished")
except KeyboardInterrupt:
    print("interrupted")
"""
    assert run_python(code) == "interrupted"


def test_a_million_nodes():
    code = """
x = torch.ones(1, requires_grad=True)
y = x
for _ in range(1_000_000): y = y + 1.0
y.backward()
print(x.grad.item(), y.item())
del y
z = x
for _ in range(1_000_000): z = z + 1.0
del z
print("freed")
"""
    assert run_python(code).split() == ["1.0", "1000001.0", "freed"]


def test_denormals_are_kept():
    tiny = torch.tensor([1e-40, -1e-42])
    assert (tiny * 0.5).tolist() == (np.float32([1e-40, -1e-42]) * np.float32(0.5)).tolist()
    assert torch.full((100_000,), 1e-40).sum().item() > 0


@ours
def test_reference_counts_of_python_objects():
    class Tagged(torch.Tensor):
        pass

    leaf = torch.ones(3).as_subclass(Tagged)
    leaf.requires_grad_()
    leaf.tag = "kept"
    out = (leaf * 2).sum()
    del leaf
    node = out.grad_fn
    while not hasattr(node, "variable"):
        node = node.next_functions[0][0]
    variable = node.variable
    assert variable.tag == "kept" and type(variable) is Tagged


def test_grad_is_the_same_object():
    x = torch.ones(3, requires_grad=True)
    (x * x).sum().backward()
    assert x.grad is x.grad
    x.grad.note = 1
    assert x.grad.note == 1


@ours
def test_grad_computes_only_what_is_asked_for():
    weight = torch.zeros(1000, 1000, requires_grad=True)
    x = torch.ones(1, 1000, requires_grad=True)
    y = (x @ weight).sum()
    torch.reset_peak_memory_stats()
    before = torch.memory_stats()["in_use"]
    (grad,) = torch.autograd.grad(y, x, retain_graph=True)
    assert grad.shape == x.shape
    assert torch.memory_stats()["peak_in_use"] - before < 100_000  # the weight's gradient has 4 MB
    y.backward()
    assert weight.grad is not None


@ours
def test_memory_statistics():
    torch.empty_cache()
    before = torch.memory_stats()
    x = torch.empty(4_000_000)
    during = torch.memory_stats()
    assert during["in_use"] - before["in_use"] >= 16_000_000
    del x
    after = torch.memory_stats()
    assert after["in_use"] == before["in_use"] and after["cached"] >= 16_000_000
    torch.empty_cache()
    assert torch.memory_stats()["cached"] == 0


@ours
def test_instruction_sets_agree():
    code = """
import tinytensor
torch.manual_seed(0)
x = torch.randn(1000)
print(torch.instruction_set(), *[f"{v:.6e}" for v in (x.exp().sum(), x.tanh().sum(), (x * x).mean())])
"""
    results = {}
    for name in torch.instruction_sets():
        isa, *values = run_python(code, TINYTENSOR_ISA=name).split()
        assert isa == name
        results[name] = np.array(values, dtype=float)
    for values in results.values():
        np.testing.assert_allclose(values, results["base"], rtol=2e-6)
