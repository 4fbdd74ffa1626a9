"""Memory that processes share: share_memory_, queues, pipes, spawned processes, multiprocessing's names."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from nn.peer import compare
from util import STAND_IN, torch

mp = torch.multiprocessing


def test_share_memory():
    x = torch.arange(6.0)
    view = x.view(2, 3)[1]
    assert not x.is_shared() and x.share_memory_() is x and x.is_shared() and view.is_shared()
    view.fill_(9)
    assert x.tolist() == [0, 1, 2, 9, 9, 9]
    assert x.share_memory_().tolist() == [0, 1, 2, 9, 9, 9]
    assert x.dtype == torch.float32 and not x.clone().is_shared()
    assert torch.empty(0).share_memory_().is_shared() and torch.tensor(3).share_memory_().item() == 3


@pytest.mark.skipif(STAND_IN, reason="there the process ends by a segmentation fault")
def test_shared_storage_cannot_grow():
    with pytest.raises(RuntimeError, match="resiz"):
        torch.ones(3).share_memory_().resize_(10_000)


def test_parameters_are_shared_with_their_data():
    model = torch.nn.Linear(3, 2)
    model.share_memory()
    assert all(p.is_shared() and p.requires_grad for p in model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    assert model.weight.grad.tolist() == [[1, 1, 1]] * 2 and not model.weight.grad.is_shared()
    p = torch.nn.Parameter(torch.zeros(2))
    p.data.share_memory_()
    assert p.is_shared()


def test_data_follows_when_the_memory_moves():
    p = torch.nn.Parameter(torch.zeros(2))
    held, again = p.data, p.data.data
    p.share_memory_()
    held.add_(1)
    again.add_(1)
    assert p.tolist() == [2, 2] and held.is_shared() and again.is_shared()
    x = torch.zeros(2)
    x.resize_(1000)
    held = x.data
    x.resize_(100_000)
    held.fill_(3)
    assert x[:1000].tolist() == [3] * 1000


@pytest.mark.skipif(STAND_IN, reason="there the old memory is freed at once")
def test_old_memory_stays_for_those_who_look_at_it():
    array = np.ones(3)
    x = torch.from_numpy(array)
    look = x.numpy()
    x.share_memory_()
    del array
    gc.collect()
    x.fill_(2)
    assert look.tolist() == [1, 1, 1]
    assert x.tolist() == [2, 2, 2] and x.numpy().tolist() == [2, 2, 2]


def test_a_fork_shares():
    x = torch.zeros(3).share_memory_()
    if os.fork() == 0:
        x[1] = 5
        os._exit(0)
    os.wait()
    assert x.tolist() == [0, 5, 0]


# ---------------------------------------------------------------- queues and pipes


def test_identity_is_kept_in_a_queue():
    queue = mp.SimpleQueue()
    x = torch.arange(6.0)
    queue.put([x, x[2:], x.view(2, 3).t(), x])
    first, tail, turned, again = queue.get()
    assert first is again and x.is_shared()
    assert (
        first.data_ptr() == x.data_ptr() and tail.data_ptr() == x.data_ptr() + 8
    )  # it came back to its memory
    assert turned.stride() == (1, 3) and tail.tolist() == [2, 3, 4, 5]
    first[5] = -1
    assert x[5] == -1 and tail[3] == -1 and turned[2, 1] == -1


KINDS = {
    "double": lambda t: t.arange(3, dtype=t.float64),
    "bool": lambda t: t.tensor([True, False]),
    "half": lambda t: t.ones(2, dtype=t.bfloat16),
    "scalar": lambda t: t.tensor(4),
    "empty": lambda t: t.ones(0, 3),
    "leaf": lambda t: t.ones(2, requires_grad=True),
    "parameter": lambda t: t.nn.Parameter(t.ones(2)),
    "expanded": lambda t: t.ones(1, 2).expand(3, 2),
    "in a dict": lambda t: {"a": [t.ones(2)], "b": "text"},
    "model": lambda t: t.nn.Linear(2, 1, bias=False).state_dict(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind):
    def program(torch):
        queue = torch.multiprocessing.SimpleQueue()
        queue.put(KINDS[kind](torch))
        value = queue.get()
        return [value, type(value).__name__, getattr(value, "requires_grad", None)]

    compare(program)


def test_subclass_and_storage():
    class Marked(torch.Tensor):
        pass

    queue = mp.SimpleQueue()
    globals()["Marked"] = Marked
    Marked.__qualname__ = "Marked"
    x = torch.ones(2).as_subclass(Marked)
    storage = torch.ones(2).untyped_storage()
    queue.put((x, storage))
    y, other = queue.get()
    y.fill_(3)
    assert type(y) is Marked and x.tolist() == [3, 3]
    assert other.nbytes() == 8 and other.is_shared()


def test_no_graph_through_a_queue():
    x = torch.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="requires.grad"):
        mp.SimpleQueue().put(x)
    assert torch.equal(pickle.loads(pickle.dumps(x.detach())), x)  # an ordinary pickle copies


def double(inbox, outbox):
    for x in iter(inbox.get, None):
        x *= 2
        outbox.put(x)
    outbox.put(None)
    inbox.get()  # who sends a tensor must be there until it was received


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_changes_are_seen_on_both_sides(method):
    context = mp.get_context(method)
    inbox, outbox = context.Queue(), context.Queue()
    process = context.Process(target=double, args=(inbox, outbox))
    process.start()
    x = torch.ones(4)
    for _ in range(3):
        inbox.put(x)
        assert outbox.get(timeout=60) is not None
    assert x.tolist() == [8, 8, 8, 8]
    inbox.put(None)
    assert outbox.get(timeout=60) is None
    inbox.put(None)
    process.join(60)
    assert process.exitcode == 0


def add_rank(rank, x, scale):
    x[rank] += scale * (rank + 1)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_arguments_of_a_process(method):
    x = torch.zeros(3).share_memory_()
    mp.start_processes(add_rank, (x, 10), nprocs=3, start_method=method)
    assert x.tolist() == [10, 20, 30]


def test_pipe_and_pool():
    here, there = mp.Pipe()
    x = torch.ones(2)
    here.send(x)
    there.recv().fill_(4)
    assert x.tolist() == [4, 4]
    with mp.get_context("fork").Pool(2) as pool:
        assert [y.tolist() for y in pool.map(torch.exp, [torch.zeros(2)] * 4)] == [[1, 1]] * 4


@pytest.mark.skipif(STAND_IN, reason="about our own files")
def test_no_memory_is_left():
    def count():
        with open("/proc/self/maps") as file:
            return sum("memfd:tinytensor" in line for line in file)

    gc.collect()
    before, descriptors = count(), len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        x = torch.ones(1000).share_memory_()
        y = x.view(10, 100)[3]
        assert count() == before + 1
        del x
        assert count() == before + 1 and y.sum() == 100
        del y
        assert count() == before
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_process_that_is_killed_leaves_nothing():
    code = f"""
        import importlib, os, signal
        torch = importlib.import_module("{torch.__name__}")
        x = [torch.ones(100_000).share_memory_() for _ in range(10)]
        os.kill(os.getpid(), signal.SIGKILL)
    """
    before = set(os.listdir("/dev/shm"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=environment)
    assert set(os.listdir("/dev/shm")) <= before


# ---------------------------------------------------------------- several processes


def fail(rank):
    if rank == 1:
        raise ValueError("bad")


def leave(rank):
    if rank == 1:
        sys.exit(3)


def die(rank):
    if rank == 1:
        os.kill(os.getpid(), 9)


def test_first_failure_is_raised():
    with pytest.raises(
        mp.ProcessRaisedException,
        match="Process 1 terminated with the following error:\n(.|\n)*ValueError: bad",
    ):
        mp.start_processes(fail, nprocs=2, start_method="fork")
    with pytest.raises(mp.ProcessExitedException, match="process 1 terminated with exit code 3"):
        mp.start_processes(leave, nprocs=2, start_method="fork")
    with pytest.raises(mp.ProcessExitedException, match="process 1 terminated with signal SIGKILL") as caught:
        mp.start_processes(die, nprocs=2, start_method="fork")
    assert caught.value.signal_name == "SIGKILL"


def test_without_waiting():
    context = mp.spawn(add_rank, (torch.zeros(2).share_memory_(), 1), nprocs=2, join=False)
    assert len(context.pids()) == 2
    while not context.join(timeout=60):
        pass
    assert [process.exitcode for process in context.processes] == [0, 0]


def test_names():
    for name in multiprocessing.__all__:
        assert name == "Pool" or hasattr(mp, name), name
    assert mp.get_sharing_strategy() in mp.get_all_sharing_strategies()
    mp.set_sharing_strategy("file_descriptor")
    with pytest.raises(AssertionError, match="nope"):
        mp.set_sharing_strategy("nope")
