"""The PNG that --plot writes: a curve for each figure of the history and, below, what was learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def write_plot(
    path: str, history: dict[str, list[float]], panel: Callable[[Any], None] | None = None
) -> None:
    """Write the curves of the history and, below them, what `panel` draws on the figure that it is given."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(10, 7 if panel else 3.5), layout="constrained")
    top, bottom = figure.subfigures(2, 1) if panel else (figure, None)
    _curves(top, history)
    if panel:
        panel(bottom)
    figure.savefig(path, dpi=110)
    print(f"wrote {path}")


def _curves(figure: Any, history: dict[str, list[float]]) -> None:
    many = figure.subplots(1, len(history), squeeze=False).flat
    for axes, (name, values) in zip(many, history.items(), strict=True):
        axes.plot(range(1, len(values) + 1), values, marker="o" if len(values) < 40 else None)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set(title=name, xlabel="epoch")
        axes.grid(alpha=0.3)


def pictures(images: np.ndarray, titles: Sequence[tuple[str, bool]] = ()) -> Callable[[Any], None]:
    """A panel of pictures with their titles, those that are wrong in red."""

    def panel(figure: Any) -> None:
        many = figure.subplots(2, 8).flat
        for axes, image in zip(many, images, strict=False):
            axes.imshow(image, cmap="gray")
            axes.axis("off")
        for axes, (title, right) in zip(many, titles, strict=False):
            axes.set_title(title, fontsize=9, color="black" if right else "red")

    return panel


def points(
    places: np.ndarray, classes: np.ndarray, borders: Callable[[Any], None] | None = None
) -> Callable[[Any], None]:
    """A panel of points in the colours of their classes, and the borders that `borders` draws."""

    def panel(figure: Any) -> None:
        axes = figure.subplots()
        axes.scatter(*places.T, c=classes, s=8, cmap="coolwarm")
        axes.set(title="classes", aspect="equal", xlim=axes.get_xlim(), ylim=axes.get_ylim())
        if borders:
            borders(axes)

    return panel


def text(written: str) -> Callable[[Any], None]:
    """A panel of what was written."""
    lines = [
        line[start : start + 100] for line in written.splitlines() for start in range(0, len(line) or 1, 100)
    ]
    page = "\n".join(lines[:20]).replace("$", r"\$")  # no formulas

    def panel(figure: Any) -> None:
        figure.text(0.03, 0.95, page, family="monospace", fontsize=9, va="top")

    return panel
