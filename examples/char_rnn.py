"""An LSTM learns a text letter by letter, and writes in its manner.

Any text file will do (--text); without one it reads this package's own documentation.
"""

from pathlib import Path

import tinytensor as torch
import tinytensor.nn.functional as F
from _training import arguments, plot_curves, prepare
from tinytensor import nn
from tqdm import trange

CONTEXT = 50


class CharRnn(nn.Module):
    def __init__(self, letters, width=64, hidden=192):
        super().__init__()
        self.embed = nn.Embedding(letters, width)
        self.lstm = nn.LSTM(width, hidden, num_layers=2, batch_first=True)
        self.head = nn.Linear(hidden, letters)

    def forward(self, x, state=None):
        y, state = self.lstm(self.embed(x), state)
        return self.head(y), state


def own_documentation():
    """The docstrings of the package, which is text enough."""
    documented = [torch.Tensor, *(getattr(torch, name) for name in dir(torch)), *vars(torch.Tensor).values()]
    return "\n\n".join(sorted({value.__doc__ for value in documented if getattr(value, "__doc__", None)}))


def batches(codes, size, steps):
    """Random passages, and the letters that follow each of their letters."""
    places = torch.arange(CONTEXT + 1)
    for _ in steps:
        passages = codes[torch.randint(0, len(codes) - CONTEXT, (size, 1)) + places]
        yield passages[:, :-1], passages[:, 1:]


@torch.no_grad()
def write(model, letters, start, length, warmth=0.7):
    index = {letter: code for code, letter in enumerate(letters)}
    x = torch.tensor([[index.get(letter, 0) for letter in start]])
    text, state = start, None
    for _ in range(length):
        scores, state = model(x, state)
        x = torch.multinomial(F.softmax(scores[:, -1] / warmth, dim=-1), 1)
        text += letters[x.item()]
    return text


def main():
    parser = arguments(__doc__, epochs=4, batch_size=32, lr=2e-3)
    parser.add_argument("--text", metavar="FILE", help="what to read")
    parser.add_argument("--steps", type=int, default=250, help="batches in an epoch")
    parser.add_argument("--length", type=int, default=300, help="letters to write at the end")
    args = parser.parse_args()
    device = prepare(args)

    text = Path(args.text).read_text() if args.text else own_documentation()
    letters = sorted(set(text))
    codes = torch.tensor([letters.index(letter) for letter in text])
    print(f"{len(text)} letters, {len(letters)} different ones")
    model = CharRnn(len(letters)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    history, first = {"loss": []}, 0
    if args.resume:
        state = torch.load(args.checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        history, first = state["history"], len(state["history"]["loss"])
    for epoch in range(first, args.epochs):
        total = 0.0
        for x, y in batches(
            codes, args.batch_size, trange(args.steps, desc=f"epoch {epoch + 1}", leave=False)
        ):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x.to(device))[0].flatten(0, 1), y.to(device).flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        history["loss"].append(total / args.steps)
        print(f"epoch {epoch + 1}: loss {history['loss'][-1]:.4f}")
        if args.checkpoint:
            saved = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "history": history}
            torch.save(saved, args.checkpoint)
    print(write(model.cpu(), letters, text[:10], args.length))
    if args.plot:
        plot_curves(args.plot, history)


if __name__ == "__main__":
    main()
