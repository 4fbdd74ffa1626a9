"""An LSTM learns a text letter by letter, and writes in its manner.

Any text file will do (--text); without one it reads this package's own documentation.
"""

import _plots
import tinytensor as torch
import tinytensor.nn.functional as F
from _text import Text, learn, text_arguments
from _training import prepare
from tinytensor import nn

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

    @torch.no_grad()
    def generate(self, x, length, warmth=0.7):
        """The letters of x, and as many after them."""
        written, state = [x], None
        for _ in range(length):
            scores, state = self(x, state)
            x = torch.multinomial(F.softmax(scores[:, -1] / warmth, dim=-1), 1)
            written.append(x)
        return torch.cat(written, dim=1)


def main():
    args = text_arguments(__doc__, epochs=4, batch_size=32, lr=2e-3, steps=250).parse_args()
    device = prepare(args)
    text = Text(args.text)
    model = CharRnn(len(text.letters)).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    run = learn(model, lambda x: model(x)[0], optimizer, text, CONTEXT, args)
    written = text.decode(model.cpu().generate(text.codes[None, :10], args.length)[0])
    print(written)
    if args.plot:
        _plots.write_plot(args.plot, run.history, _plots.text(written))


if __name__ == "__main__":
    main()
