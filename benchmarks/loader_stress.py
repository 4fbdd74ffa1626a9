"""A loader under attack: 4 workers over many epochs, with workers killed, raising, and the whole interrupted.

Whatever happens, the epoch is continued from the last checkpoint, as a training program would. Every epoch
must see each sample exactly once and in the order of its seed, and leave no process, no file descriptor and
no shared memory.

    python benchmarks/loader_stress.py --epochs 100 --seed 0
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import os
import random
import signal
import sys
import threading
import time

import tinytensor as torch
from tinytensor.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

SAMPLES, BATCH, WORKERS = 192, 4, 4
ATTACKS = ("nothing", "kill", "raise", "interrupt", "interrupt all", "leave", "exit")


class Squares(Dataset):
    """Raises, or ends its process, at one sample, once."""

    def __init__(self, context):
        self.trap = context.Value("i", -1)
        self.deadly = context.Value("i", 0)

    def __len__(self):
        return SAMPLES

    def sprung(self, i):
        with self.trap.get_lock():
            if self.trap.value != i:
                return False
            self.trap.value = -1
            return True

    def __getitem__(self, i):
        if self.sprung(i):
            if self.deadly.value:
                os._exit(3)
            raise ValueError(f"sample {i} is bad")
        time.sleep(random.random() * 2e-4)
        return torch.tensor(i), torch.full((64, 64), float(i))


class Stream(Squares, IterableDataset):
    """The same samples one after the other, shared out over the workers."""

    def __iter__(self):
        info = get_worker_info()
        return (self[i] for i in range(info.id, SAMPLES, info.num_workers))


def new_loader(dataset, method, generator, persistent):
    options = {"shuffle": True, "generator": generator} if not isinstance(dataset, IterableDataset) else {}
    options |= {"batch_size": BATCH, "num_workers": WORKERS, "persistent_workers": persistent}
    return DataLoader(dataset, multiprocessing_context=method, **options)


def expected_order(dataset, seed):
    if not isinstance(dataset, IterableDataset):
        batches = list(
            DataLoader(range(SAMPLES), batch_size=BATCH, shuffle=True, generator=generator_of(seed))
        )
        return [i for batch in batches for i in batch.tolist()]
    streams = [list(range(w, SAMPLES, WORKERS)) for w in range(WORKERS)]
    rounds = range(0, SAMPLES // WORKERS, BATCH)
    return [i for begin in rounds for stream in streams for i in stream[begin : begin + BATCH]]


def generator_of(seed):
    generator = torch.Generator()
    generator.manual_seed(seed)
    return generator


# ---------------------------------------------------------------- attacks


class Interrupter:
    """Turns SIGINT into a KeyboardInterrupt while it is armed, once."""

    def __init__(self):
        self.armed = False
        signal.signal(signal.SIGINT, self.handle)

    def handle(self, number, frame):
        if self.armed:
            self.armed = False
            raise KeyboardInterrupt


def children():
    pids = []
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/children") as file:
            pids += [int(pid) for pid in file.read().split()]
    return [pid for pid in pids if b"resource_tracker" not in command_of(pid)]


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def start_attack(name, dataset, rng):
    """Lay the trap or set the clock; return the clock."""
    dataset.trap.value = rng.randrange(SAMPLES) if name in ("raise", "exit") else -1
    dataset.deadly.value = name == "exit"

    def strike():
        if name == "kill" and (pids := children()):
            send(rng.choice(pids), signal.SIGKILL)
        if name.startswith("interrupt"):
            for pid in children() if name == "interrupt all" else []:
                send(pid, signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    clock = threading.Timer(rng.random() * 0.08, strike)
    clock.start()
    return clock


def read(loader, checkpoint, seen, leave_after):
    """Go through what is left of the epoch; True when it is over."""
    for count, (numbers, values) in enumerate(loader):
        assert values.is_shared() and values.shape == (len(numbers), 64, 64)
        assert (values == numbers.view(-1, 1, 1)).all(), "values do not belong to their numbers"
        seen += numbers.tolist()
        checkpoint[0] = (loader.state_dict(), len(seen))
        if count == leave_after:
            return False
    return True


# ---------------------------------------------------------------- epochs


def run_epoch(number, rng, interrupter, tally):
    method = "spawn" if number % 20 == 7 else "fork"
    context = multiprocessing.get_context(method)
    dataset = (Stream if number % 4 == 3 else Squares)(context)
    persistent = rng.random() < 0.3
    generator = generator_of(number)
    loader = new_loader(dataset, method, generator, persistent)
    checkpoint, seen = [(None, 0)], []
    done = False
    while not done:
        state, length = checkpoint[0]
        del seen[length:]
        attack = rng.choice(ATTACKS)
        tally[attack] += 1
        if state is None or rng.random() < 0.5:  # as a new program, or with the loader that is there
            loader = new_loader(dataset, method, generator_of(number), persistent)
        if state is not None:
            loader.load_state_dict(state)
        clock = None
        try:
            interrupter.armed = True
            clock = start_attack(attack, dataset, rng)
            done = read(loader, checkpoint, seen, rng.randrange(20) if attack == "leave" else None)
            interrupter.armed = False
        except (KeyboardInterrupt, RuntimeError, ValueError) as error:
            interrupter.armed = False
            tally[type(error).__name__] += 1
            if isinstance(error, RuntimeError) and "exited unexpectedly" not in str(error):
                raise
            if isinstance(error, ValueError) and "is bad" not in str(error):
                raise
        interrupter.armed = False
        if clock is not None:
            clock.join()
    assert sorted(seen) == list(range(SAMPLES)), "lost or repeated samples"
    assert seen == expected_order(dataset, number), "another order"


def leftovers(before):
    """What an epoch has left behind."""
    found = {}
    if pids := children():
        found["processes"] = [(pid, command_of(pid)) for pid in pids]
    with open("/proc/self/maps") as file:
        if mapped := sum("memfd:tinytensor" in line for line in file):
            found["mappings"] = mapped
    if names := set(os.listdir("/dev/shm")) - before:
        found["names"] = names
    return found


def count_descriptors():
    return len(os.listdir("/proc/self/fd"))


def main(epochs, seed):
    rng = random.Random(seed)
    interrupter = Interrupter()
    tally = collections.Counter()
    begin, names, descriptors = time.time(), set(os.listdir("/dev/shm")), None
    longest = 0.0
    for number in range(epochs):
        epoch_begin = time.time()
        run_epoch(number, rng, interrupter, tally)
        longest = max(longest, time.time() - epoch_begin)
        found = leftovers(names)
        assert not found, f"epoch {number} left {found}"
        if number == min(10, epochs // 2):  # by now everything that is opened once is open
            descriptors = count_descriptors()
    if descriptors is not None:
        assert count_descriptors() <= descriptors, f"{count_descriptors()} descriptors, {descriptors} earlier"
    print(f"{epochs} epochs in {time.time() - begin:.1f} s, the longest {longest:.1f} s; {dict(tally)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    sys.exit(main(arguments.epochs, arguments.seed))
