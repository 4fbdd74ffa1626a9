"""What the examples share: arguments, the training loop, checkpoints, the report and the picture."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tinytensor as torch
from tinytensor import nn
from tqdm import tqdm


def arguments(description: str, **defaults: Any) -> argparse.ArgumentParser:
    """The options of every example; `defaults` sets those of epochs, batch_size and lr."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=defaults.get("epochs", 10), help="passes over the data")
    parser.add_argument(
        "--batch-size", type=int, default=defaults.get("batch_size", 64), help="samples in a step"
    )
    parser.add_argument("--lr", type=float, default=defaults.get("lr", 1e-3), help="learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of every random number")
    parser.add_argument("--device", default="cpu", help="where to train: cpu, cuda")
    parser.add_argument("--threads", type=int, default=0, help="processor threads, 0 for all")
    parser.add_argument("--plot", metavar="PNG", help="write curves and predictions to this file")
    parser.add_argument(
        "--checkpoint", metavar="FILE", help="save model and optimizer here after every epoch"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    return parser


def prepare(args: argparse.Namespace) -> torch.device:
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    return torch.device(args.device)


class Trainer:
    """Trains a classifier and remembers the curves."""

    def __init__(
        self, model: nn.Module, optimizer: Any, criterion: nn.Module, args: argparse.Namespace
    ) -> None:
        self.model, self.optimizer, self.criterion, self.args = model, optimizer, criterion, args
        self.device = torch.device(args.device)
        self.scheduler: Any = None  # stepped after every batch
        self.history: dict[str, list[float]] = {"loss": [], "accuracy": []}
        if args.resume:
            self._load()

    def _load(self) -> None:
        if not self.args.checkpoint or not Path(self.args.checkpoint).is_file():
            raise SystemExit(f"--resume: no checkpoint at {self.args.checkpoint!r}")
        state = torch.load(self.args.checkpoint, map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history = state["history"]

    def _save(self) -> None:
        if self.args.checkpoint:
            state = {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "history": self.history,
            }
            torch.save(state, self.args.checkpoint)

    def fit(self, train_loader: Any, test_loader: Any) -> None:
        start = time.perf_counter()
        done = len(self.history["loss"])
        for epoch in range(done, self.args.epochs):
            self._epoch(train_loader, f"epoch {epoch + 1}/{self.args.epochs}")
            targets, predictions = self.predict(test_loader)
            self.history["accuracy"].append(float((targets == predictions).mean()))
            print(
                f"epoch {epoch + 1}: loss {self.history['loss'][-1]:.4f}, accuracy {self.history['accuracy'][-1]:.2%}"
            )
            self._save()
        print(f"trained {self.args.epochs - done} epochs in {time.perf_counter() - start:.1f} s")

    def _epoch(self, loader: Any, title: str) -> None:
        self.model.train()
        total, count = 0.0, 0
        for inputs, targets in tqdm(loader, desc=title, leave=False):
            inputs, targets = inputs.to(self.device), targets.to(self.device)
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(inputs), targets)
            loss.backward()
            self.optimizer.step()
            if self.scheduler is not None:
                self.scheduler.step()
            total += loss.item() * len(targets)
            count += len(targets)
        self.history["loss"].append(total / max(count, 1))

    def predict(self, loader: Any) -> tuple[np.ndarray, np.ndarray]:
        """Targets and predicted classes over a loader."""
        self.model.eval()
        targets, predictions = [], []
        with torch.no_grad():
            for inputs, labels in loader:
                predictions.append(self.model(inputs.to(self.device)).argmax(1).cpu().numpy())
                targets.append(labels.numpy())
        return np.concatenate(targets), np.concatenate(predictions)


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


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def _curves(figure: Any, history: dict[str, list[float]]) -> None:
    for axes, (name, values) in zip(
        figure.subplots(1, len(history), squeeze=False).flat, history.items(), strict=True
    ):
        axes.plot(range(1, len(values) + 1), values, marker="o")
        axes.set(title=name, xlabel="epoch")
        axes.grid(alpha=0.3)


def _write(figure: Any, path: str) -> None:
    figure.savefig(path, dpi=110)
    print(f"wrote {path}")


def plot_curves(path: str, history: dict[str, list[float]]) -> None:
    figure = _pyplot().figure(figsize=(10, 3.5), layout="constrained")
    _curves(figure, history)
    _write(figure, path)


def plot(
    path: str, history: dict[str, list[float]], images: np.ndarray, titles: Sequence[tuple[str, bool]]
) -> None:
    """Curves of loss and accuracy above, pictures with their predicted classes below, wrong ones in red."""
    figure = _pyplot().figure(figsize=(10, 7), layout="constrained")
    top, bottom = figure.subfigures(2, 1)
    _curves(top, history)
    for axes, image, (title, right) in zip(bottom.subplots(2, 8).flat, images, titles, strict=False):
        axes.imshow(image, cmap="gray")
        axes.set_title(title, fontsize=9, color="black" if right else "red")
        axes.axis("off")
    _write(figure, path)


def finish(trainer: Trainer, loader: Any, pictures: Any, classes: Sequence[str], path: str | None) -> None:
    """The report over the test set and, where it is wanted, the picture. `pictures` are the test set's, as bytes."""
    targets, predictions = trainer.predict(loader)
    print(report(targets, predictions, classes))
    if path:
        titles = [(classes[p], bool(p == t)) for t, p in zip(targets[:16], predictions[:16], strict=True)]
        plot(path, trainer.history, np.asarray(pictures[:16]), titles)
