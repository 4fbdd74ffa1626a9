"""A small GPT learns a text letter by letter, and writes in its manner.

Any text file will do (--text); without one it reads this package's own documentation.
"""

import _plots
import tinytensor as torch
import tinytensor.nn.functional as F
from _text import Text, learn, text_arguments
from _training import prepare
from tinytensor import nn


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.qkv(self.norm1(x)).chunk(3, dim=-1)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).flatten(2))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Gpt(nn.Module):
    def __init__(self, letters, context, width, heads, blocks):
        super().__init__()
        self.context = context
        self.letter, self.place = nn.Embedding(letters, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, letters, bias=False)

    def forward(self, x):
        places = torch.arange(x.size(1), device=x.device)
        return self.head(self.norm(self.blocks(self.letter(x) + self.place(places))))

    @torch.no_grad()
    def generate(self, x, length, warmth=0.8):
        for _ in range(length):
            scores = self(x[:, -self.context :])[:, -1] / warmth
            x = torch.cat((x, torch.multinomial(F.softmax(scores, dim=-1), 1)), dim=1)
        return x


def main():
    parser = text_arguments(__doc__, epochs=4, batch_size=16, lr=1e-3, steps=200)
    parser.add_argument("--context", type=int, default=64, help="letters that it looks back")
    parser.add_argument("--width", type=int, default=128, help="numbers that a letter becomes")
    parser.add_argument("--heads", type=int, default=4, help="attentions side by side")
    parser.add_argument("--blocks", type=int, default=3, help="attentions one after another")
    args = parser.parse_args()
    device = prepare(args)
    text = Text(args.text)
    model = Gpt(len(text.letters), args.context, args.width, args.heads, args.blocks).to(device)
    print(f"{sum(p.numel() for p in model.parameters())} weights")
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    run = learn(model, model, optimizer, text, args.context, args)
    written = text.decode(model.cpu().generate(text.codes[None, :10], args.length)[0])
    print(written)
    if args.plot:
        _plots.write_plot(args.plot, run.history, _plots.text(written))


if __name__ == "__main__":
    main()
