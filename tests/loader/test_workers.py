"""Worker processes: what they return, how they fail, and that nothing of them stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from nn.peer import compare
from util import STAND_IN, torch

data = torch.utils.data

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="workers are forked")


class Numbers(data.Dataset):
    def __init__(self, count=8):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        return self.at(i)

    def at(self, i):
        return i


def children_of_this_process():
    with open(f"/proc/{os.getpid()}/task/{os.getpid()}/children") as file:
        return {int(pid) for pid in file.read().split()}


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = children_of_this_process()
    descriptors = len(os.listdir("/proc/self/fd"))
    yield
    helpers = 3 if not STAND_IN else 9  # the resource tracker's pipe, and the like
    assert len(children_of_this_process() - before) <= 1
    assert len(os.listdir("/proc/self/fd")) <= descriptors + helpers


# ---------------------------------------------------------------- what comes


def test_all_kinds_of_batches():
    def program(torch):
        class Mixed(torch.utils.data.Dataset):
            def __len__(self):
                return 5

            def __getitem__(self, i):
                image = torch.full((3, 4), float(i))
                return {
                    "image": image,
                    "pair": (i, np.float32(i)),
                    "text": "x" * i,
                    "half": image.half(),
                    "none": image[:0],
                }

        return list(torch.utils.data.DataLoader(Mixed(), batch_size=2, num_workers=2))

    compare(program)


def test_tensors_come_in_shared_memory():
    for batch in data.DataLoader(data.TensorDataset(torch.arange(100.0)), batch_size=50, num_workers=1):
        assert batch[0].is_shared()
        batch[0].add_(1)  # they are ours to change


@pytest.mark.skipif(STAND_IN, reason="PyTorch keeps a descriptor per batch")
def test_kept_batches_hold_no_descriptors():
    before = len(os.listdir("/proc/self/fd"))
    batches = list(data.DataLoader(Numbers(600), batch_size=1, num_workers=2))
    assert len(os.listdir("/proc/self/fd")) <= before + 2
    assert [batch.item() for batch in batches] == list(range(600))
    torch.multiprocessing.SimpleQueue().put(batches[3])  # and yet they can be sent on


def test_long_batches_that_are_no_tensors():
    class Texts(Numbers):
        def at(self, i):
            return chr(97 + i) * 300_000

    batches = list(data.DataLoader(Texts(4), batch_size=2, num_workers=2, collate_fn=list))
    assert [[text[0] for text in batch] for batch in batches] == [["a", "b"], ["c", "d"]]
    assert all(len(text) == 300_000 for batch in batches for text in batch)


def test_long_lists_of_indices():
    """Orders and answers both larger than what a socket takes."""
    loader = data.DataLoader(Numbers(400_000), batch_size=100_000, num_workers=2, collate_fn=len)
    assert list(loader) == [100_000] * 4


def test_shared_tensors_stay_one():
    both = [torch.zeros(4).share_memory_(), torch.zeros(3)]

    class Same(Numbers):
        def at(self, i):
            x = torch.full((2, 3), float(i))
            return both[0], x, x.t(), x[1]

    (first, x, t, row) = next(iter(data.DataLoader(Same(), batch_size=None, num_workers=1)))
    assert x.tolist() == t.t().tolist() and row.tolist() == [0, 0, 0]
    x[0, 0] = 5
    assert t[0, 0] == 5
    first[2] = 7
    assert both[0][2] == 7


def test_many_shared_tensors_in_one_batch():
    parts = [torch.full((1,), float(i)).share_memory_() for i in range(300)]
    loader = data.DataLoader(Numbers(1), num_workers=1, collate_fn=lambda batch: parts)
    (batch,) = loader
    assert [part.item() for part in batch] == list(range(300))


def test_a_gradient_does_not_travel():
    class Wants(Numbers):
        def at(self, i):
            return torch.ones(2, requires_grad=True) * 2

    with pytest.raises(RuntimeError, match="grad"):
        next(iter(data.DataLoader(Wants(), num_workers=1)))


def test_what_cannot_be_pickled():
    loader = data.DataLoader(Numbers(2), num_workers=1, collate_fn=lambda batch: lambda: 1)
    if not STAND_IN:  # there it hangs
        with pytest.raises((AttributeError, TypeError, RuntimeError), match="pickle"):
            next(iter(loader))


def test_order_is_kept_though_workers_differ_in_speed():
    class Slow(Numbers):
        def at(self, i):
            time.sleep(0.02 * (data.get_worker_info().id == 0))
            return i

    loader = data.DataLoader(Slow(12), batch_size=1, num_workers=2)
    assert [batch.item() for batch in loader] == list(range(12))
    loader = data.DataLoader(Slow(12), batch_size=1, num_workers=2, in_order=False)
    numbers = [batch.item() for batch in loader]
    assert sorted(numbers) == list(range(12)) and numbers != list(range(12))


def test_spawned_workers():
    dataset = data.TensorDataset(torch.arange(10.0), torch.arange(10))
    loader = data.DataLoader(dataset, batch_size=4, num_workers=2, multiprocessing_context="spawn")
    assert [batch[1].tolist() for batch in loader] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert dataset.tensors[0].is_shared()  # the data set is not copied for every worker


def test_persistent_workers_stay():
    def who(batch):
        return os.getpid()

    loader = data.DataLoader(Numbers(4), num_workers=2, persistent_workers=True, collate_fn=who)
    first = list(loader)
    assert set(first) == set(loader) and len(set(first)) == 2
    iterator = iter(loader)
    next(iterator)
    assert iter(loader) is iterator  # an epoch that was left in the middle
    assert list(loader) == first
    loader = data.DataLoader(Numbers(4), num_workers=2, collate_fn=who)
    assert not set(loader) & set(first)


def test_init_function():
    def program(torch):
        def init(worker):
            torch.utils.data.get_worker_info().dataset.append(worker + 10)

        loader = torch.utils.data.DataLoader([0, 1, 2], num_workers=2, worker_init_fn=init, sampler=[3, 3, 0])
        return list(loader)

    compare(program)


def test_worker_info_is_frozen():
    class Meddler(Numbers):
        def at(self, i):
            try:
                data.get_worker_info().id = 5
            except Exception as error:
                return type(error).__name__

    assert list(data.DataLoader(Meddler(1), num_workers=1)) == [["FrozenInstanceError"]]
    assert data.get_worker_info() is None


def test_workers_inside_a_thread():
    import threading

    results = []
    thread = threading.Thread(target=lambda: results.extend(data.DataLoader(Numbers(4), num_workers=2)))
    thread.start()
    thread.join()
    assert [batch.item() for batch in results] == [0, 1, 2, 3]


# ---------------------------------------------------------------- failures


class Picky(Exception):
    def __init__(self, first, second):
        super().__init__(first, second)


@pytest.mark.parametrize(
    "error", [ValueError("oops"), KeyError("oops"), IndexError("oops"), Picky("oops", 1)], ids=repr
)
def test_exceptions(error):
    class Bad(Numbers):
        def at(self, i):
            if i == 5:
                raise error
            return i

    iterator = iter(data.DataLoader(Bad(), batch_size=2, num_workers=2))
    assert [next(iterator).tolist() for _ in range(2)] == [[0, 1], [2, 3]]
    kind = RuntimeError if isinstance(error, Picky) else type(error)
    with pytest.raises(kind) as caught:
        next(iterator)
    message = str(caught.value)
    assert message.startswith(
        f"Caught {type(error).__name__} in DataLoader worker process 0.\nOriginal Traceback"
    )
    assert "raise error" in message
    assert STAND_IN or "sample 5 of the dataset, in the batch [4, 5]" in message
    assert next(iterator).tolist() == [6, 7]
    with pytest.raises(StopIteration):
        next(iterator)


def test_exception_in_collate_and_init():
    def fail(batch):
        raise OSError("full")

    with pytest.raises(OSError, match="worker process 0(.|\n)*full"):
        list(data.DataLoader(Numbers(), num_workers=2, collate_fn=fail))
    with pytest.raises(OSError, match="worker process 0(.|\n)*full"):
        list(data.DataLoader(Numbers(), num_workers=2, worker_init_fn=fail))

    class Bad(data.IterableDataset):
        def __iter__(self):
            yield 1
            raise OSError("full")

    with pytest.raises(OSError, match="worker process 0(.|\n)*full"):
        list(data.DataLoader(Bad(), num_workers=1))


@pytest.mark.parametrize(
    "end", [lambda: os.kill(os.getpid(), signal.SIGKILL), lambda: os._exit(3)], ids=["kill", "exit"]
)
def test_a_worker_that_ends(end):
    class Deadly(Numbers):
        def at(self, i):
            if i == 5:
                end()
            return i

    begin = time.monotonic()
    iterator = iter(data.DataLoader(Deadly(), batch_size=2, num_workers=2))
    with pytest.raises(RuntimeError, match=r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly"):
        list(iterator)
    assert time.monotonic() - begin < 5
    if not STAND_IN:
        with pytest.raises(RuntimeError, match="SIGKILL|exit code 3"):
            next(iterator)


@pytest.mark.skipif(STAND_IN, reason="asks for the processes of our loader")
def test_an_idle_worker_is_killed():
    """Also when another worker is the one that is waited for."""

    class Slow(Numbers):
        def at(self, i):
            time.sleep(30 if i == 2 else 0)
            return i

    iterator = iter(data.DataLoader(Slow(), num_workers=2))
    next(iterator), next(iterator)
    os.kill(iterator._processes[1].pid, signal.SIGKILL)
    begin = time.monotonic()
    with pytest.raises(RuntimeError, match="SIGKILL"):
        next(iterator)
    assert time.monotonic() - begin < 8


@pytest.mark.skipif(STAND_IN, reason="PyTorch does not recover")
def test_persistent_workers_are_replaced_after_a_failure(tmp_path):
    class Once(Numbers):
        def at(self, i):
            flag = tmp_path / "failed"
            if i == 5 and not flag.exists():
                flag.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return i

    loader = data.DataLoader(Once(), num_workers=2, persistent_workers=True)
    with pytest.raises(RuntimeError):
        list(loader)
    assert [batch.item() for batch in loader] == list(range(8))


def test_timeout():
    class Slow(Numbers):
        def at(self, i):
            time.sleep(0.5)
            return i

    with pytest.raises(RuntimeError, match="timed out after 0.1 seconds"):
        list(data.DataLoader(Slow(), num_workers=1, timeout=0.1))


def test_leaving_early():
    for batch in data.DataLoader(Numbers(1000), num_workers=2):
        break
    iterator = iter(data.DataLoader(Numbers(1000), num_workers=2))
    del iterator


# ---------------------------------------------------------------- whole programs

PROGRAM = """
    import importlib, os, signal, sys, time
    torch = importlib.import_module("{module}")
    from {module}.utils.data import DataLoader, Dataset

    class Slow(Dataset):
        def __len__(self):
            return 100

        def __getitem__(self, i):
            os.write(1, b"%d\\n" % os.getpid())
            time.sleep({pause})
            return i

    if __name__ == "__main__":
        for batch in DataLoader(Slow(), num_workers=3, persistent_workers={persistent}):
            {body}
"""


def run_program(pause=0.05, body="pass", persistent=False):
    """Start the program; return it and the ids of its workers."""
    module = "torch" if STAND_IN else "tinytensor"
    text = textwrap.dedent(PROGRAM).format(module=module, pause=pause, body=body, persistent=persistent)
    program = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    pids = set()
    while len(pids) < 3 and (line := program.stdout.readline()):
        pids.add(int(line))
    return program, pids


def are_gone(pids, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(is_running(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("pause", [0.05, 60], ids=["busy", "stuck"])
@pytest.mark.parametrize("to_all", [True, False], ids=["all", "parent"])
def test_interrupt(pause, to_all):
    """Ctrl-C at a terminal goes to all processes."""
    program, pids = run_program(pause)
    (os.killpg if to_all else os.kill)(program.pid, signal.SIGINT)
    _, errors = program.communicate(timeout=12)
    assert program.returncode != 0 and are_gone(pids, 6)
    if not STAND_IN:
        assert errors.count("KeyboardInterrupt") == 1 and "Exception ignored" not in errors


@pytest.mark.parametrize("pause", [0.05, 60], ids=["busy", "stuck"])
def test_workers_go_with_their_parent(pause):
    if STAND_IN and pause == 60:
        pytest.skip("there a worker first ends its sample")
    program, pids = run_program(pause)
    os.kill(program.pid, signal.SIGKILL)
    program.wait()
    assert are_gone(pids, 10)
    program.communicate()


@pytest.mark.parametrize("persistent", [False, True])
def test_end_of_the_program(persistent):
    program, pids = run_program(0.01, body="sys.exit(7)", persistent=persistent)
    _, errors = program.communicate(timeout=10)
    assert program.returncode == 7 and are_gone(pids, 1) and not errors


@pytest.mark.skipif(STAND_IN, reason="about what we do in a forked copy")
def test_a_fork_leaves_the_workers_alone():
    iterator = iter(data.DataLoader(Numbers(20), num_workers=2))
    next(iterator)
    pid = os.fork()
    if pid == 0:
        del iterator
        os._exit(0)
    os.waitpid(pid, 0)
    assert len(list(iterator)) == 19


def test_stress():
    """The short form of benchmarks/loader_stress.py."""
    if STAND_IN:
        pytest.skip("the program is about our loader")
    path = os.path.join(os.path.dirname(__file__), "..", "..", "benchmarks", "loader_stress.py")
    program = subprocess.run(
        [sys.executable, path, "--epochs", "5", "--seed", "1"], capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert program.returncode == 0, program.stdout + program.stderr
