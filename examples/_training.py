"""What the examples share: arguments, epochs with checkpoints, the training of classifiers and their report."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tinytensor as torch
from _plots import pictures, write_plot
from tinytensor import nn
from tqdm import tqdm


def arguments(description: str, **defaults: Any) -> argparse.ArgumentParser:
    """The options of every example; `defaults` sets those of epochs, batch_size and lr."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("--epochs", type=int, default=defaults.get("epochs", 10), help="passes over the data")
    add("--batch-size", type=int, default=defaults.get("batch_size", 64), help="samples in a step")
    add("--lr", type=float, default=defaults.get("lr", 1e-3), help="learning rate")
    add("--seed", type=int, default=0, help="seed of every random number")
    add("--device", default="cpu", help="where to train: cpu, cuda")
    add("--threads", type=int, default=0, help="processor threads, 0 for all")
    add("--plot", metavar="PNG", help="write curves and predictions to this file")
    add("--checkpoint", metavar="FILE", help="save the state of the training here after every epoch")
    add("--resume", action="store_true", help="go on from the checkpoint")
    return parser


def prepare(args: argparse.Namespace) -> torch.device:
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    return torch.device(args.device)


class Run:
    """A training epoch by epoch: the history of its figures, and a checkpoint to go on from as if it had not ended.

    `parts` is everything with a state_dict: models, optimizers, schedulers.
    """

    def __init__(self, args: argparse.Namespace, **parts: Any) -> None:
        self.args, self.parts = args, parts
        self.history: dict[str, list[float]] = {}
        if args.resume:
            self._load()

    def _load(self) -> None:
        if not self.args.checkpoint or not Path(self.args.checkpoint).is_file():
            raise SystemExit(f"--resume: no checkpoint at {self.args.checkpoint!r}")
        state = torch.load(self.args.checkpoint, map_location=self.args.device)
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        self.history = state["history"]
        torch.set_rng_state(state["random"].cpu())

    def epochs(self) -> Iterator[int]:
        """The numbers of the epochs that are still to be done, from 1 on."""
        done = len(next(iter(self.history.values()), []))
        start = time.perf_counter()
        yield from range(done + 1, self.args.epochs + 1)
        print(f"trained {self.args.epochs - done} epochs in {time.perf_counter() - start:.1f} s")

    def steps(self, batches: Any, epoch: int) -> Any:
        """The batches of an epoch, with a progress bar."""
        return tqdm(batches, desc=f"epoch {epoch}/{self.args.epochs}", leave=False)

    def note(self, epoch: int, **figures: float) -> None:
        """End an epoch: keep and print its figures, save the checkpoint."""
        for name, value in figures.items():
            self.history.setdefault(name, []).append(value)
        texts = [f"{n} {v:.2%}" if n == "accuracy" else f"{n} {v:.4f}" for n, v in figures.items()]
        print(f"epoch {epoch}: {', '.join(texts)}")
        if self.args.checkpoint:
            states = {name: part.state_dict() for name, part in self.parts.items()}
            torch.save(
                {**states, "history": self.history, "random": torch.get_rng_state()}, self.args.checkpoint
            )


# ---------------------------------------------------------------- classifiers


def predict(model: nn.Module, loader: Any, device: torch.device) -> tuple[np.ndarray, np.ndarray]:
    """Targets and predicted classes over a loader."""
    model.eval()
    targets, predictions = [], []
    with torch.no_grad():
        for inputs, labels in loader:
            predictions.append(model(inputs.to(device)).argmax(1).cpu().numpy())
            targets.append(labels.numpy())
    return np.concatenate(targets), np.concatenate(predictions)


def train(
    model: nn.Module,
    optimizer: Any,
    loaders: tuple[Any, Any],
    args: argparse.Namespace,
    scheduler: Any = None,
) -> Run:
    """Train a classifier on the first loader, and test it on the second after every epoch."""
    device, criterion = torch.device(args.device), nn.CrossEntropyLoss()
    parts = {"model": model, "optimizer": optimizer}
    run = Run(args, **parts if scheduler is None else {**parts, "scheduler": scheduler})
    for epoch in run.epochs():
        model.train()
        total, count = 0.0, 0
        for inputs, targets in run.steps(loaders[0], epoch):
            inputs, targets = inputs.to(device), targets.to(device)
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            total += loss.item() * len(targets)
            count += len(targets)
        truth, predictions = predict(model, loaders[1], device)
        run.note(epoch, loss=total / max(count, 1), accuracy=float((truth == predictions).mean()))
    return run


def report(targets: np.ndarray, predictions: np.ndarray, classes: Sequence[str]) -> str:
    """Accuracy, precision and recall of every class, and the confusion matrix (rows: truth)."""
    count = len(classes)
    confusion = np.bincount(targets * count + predictions, minlength=count * count).reshape(count, count)
    hits = confusion.diagonal()
    precision = hits / np.maximum(confusion.sum(0), 1)
    recall = hits / np.maximum(confusion.sum(1), 1)
    width = max(map(len, classes))
    cell = len(str(confusion.max())) + 1
    lines = [f"accuracy {hits.sum() / max(len(targets), 1):.2%}", f"{'':{width}} precision recall  confusion"]
    for row, name in enumerate(classes):
        cells = "".join(f"{number:{cell}d}" for number in confusion[row])
        lines.append(f"{name:{width}}    {precision[row]:6.2%} {recall[row]:6.2%} {cells}")
    return "\n".join(lines)


def finish(model: nn.Module, run: Run, loader: Any, images: Any, classes: Sequence[str]) -> None:
    """The report over the test set and, where it is wanted, the plot. `images` are the test set's, as bytes."""
    targets, predictions = predict(model, loader, torch.device(run.args.device))
    print(report(targets, predictions, classes))
    if run.args.plot:
        titles = [(classes[p], bool(p == t)) for t, p in zip(targets[:16], predictions[:16], strict=True)]
        write_plot(run.args.plot, run.history, pictures(np.asarray(images[:16]), titles))
