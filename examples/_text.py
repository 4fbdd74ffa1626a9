"""What the examples that learn a text share: the text as numbers, passages of it, the training."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tinytensor as torch
import tinytensor.nn.functional as F
from _training import Run, arguments
from tinytensor import nn


def text_arguments(description: str, **defaults: Any) -> argparse.ArgumentParser:
    parser = arguments(description, **defaults)
    parser.add_argument("--text", metavar="FILE", help="what to read")
    parser.add_argument("--steps", type=int, default=defaults["steps"], help="batches in an epoch")
    parser.add_argument("--length", type=int, default=300, help="letters to write at the end")
    return parser


def own_documentation() -> str:
    """The docstrings of the package, which is text enough."""
    documented = [torch.Tensor, *(getattr(torch, name) for name in dir(torch)), *vars(torch.Tensor).values()]
    return "\n\n".join(sorted({value.__doc__ for value in documented if getattr(value, "__doc__", None)}))


class Text:
    """A text, its letters numbered."""

    def __init__(self, path: str | None) -> None:
        text = Path(path).read_text() if path else own_documentation()
        self.letters = sorted(set(text))
        numbers = {letter: number for number, letter in enumerate(self.letters)}
        self.codes = torch.tensor([numbers[letter] for letter in text])
        print(f"{len(text)} letters, {len(self.letters)} different ones")

    def decode(self, codes: torch.Tensor) -> str:
        return "".join(self.letters[code] for code in codes.tolist())

    def passages(self, count: int, length: int) -> torch.Tensor:
        """Passages from random places, a row each."""
        starts = torch.randint(0, len(self.codes) - length + 1, (count, 1))
        return self.codes[starts + torch.arange(length)]


def learn(
    model: nn.Module,
    scores_of: Callable[[torch.Tensor], torch.Tensor],
    optimizer: Any,
    text: Text,
    context: int,
    args: argparse.Namespace,
) -> Run:
    """Train on passages: after each letter, the scores are to tell the next one."""
    run = Run(args, model=model, optimizer=optimizer)
    for epoch in run.epochs():
        total = 0.0
        for _ in run.steps(range(args.steps), epoch):
            passages = text.passages(args.batch_size, context + 1).to(args.device)
            optimizer.zero_grad()
            loss = F.cross_entropy(scores_of(passages[:, :-1]).flatten(0, 1), passages[:, 1:].flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        run.note(epoch, loss=total / args.steps)
    return run
