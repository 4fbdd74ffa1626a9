"""A small GPT learns a text letter by letter, and writes in its manner.

Any text file will do (--text); without one it reads this package's own documentation.
"""

from pathlib import Path

import tinytensor as torch
import tinytensor.nn.functional as F
from _training import arguments, plot_curves, prepare
from char_rnn import own_documentation
from tinytensor import nn
from tqdm import trange


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
    parser = arguments(__doc__, epochs=4, batch_size=16, lr=1e-3)
    parser.add_argument("--text", metavar="FILE", help="what to read")
    parser.add_argument("--steps", type=int, default=200, help="batches in an epoch")
    parser.add_argument("--context", type=int, default=64, help="letters that it looks back")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--length", type=int, default=300, help="letters to write at the end")
    args = parser.parse_args()
    device = prepare(args)

    text = Path(args.text).read_text() if args.text else own_documentation()
    letters = sorted(set(text))
    codes = torch.tensor([letters.index(letter) for letter in text])
    model = Gpt(len(letters), args.context, args.width, args.heads, args.blocks).to(device)
    print(f"{len(text)} letters, {sum(p.numel() for p in model.parameters())} weights")
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    history, first, places = {"loss": []}, 0, torch.arange(args.context + 1)
    if args.resume:
        state = torch.load(args.checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        history, first = state["history"], len(state["history"]["loss"])
    for epoch in range(first, args.epochs):
        total = 0.0
        for _ in trange(args.steps, desc=f"epoch {epoch + 1}", leave=False):
            passages = codes[torch.randint(0, len(codes) - args.context, (args.batch_size, 1)) + places].to(
                device
            )
            optimizer.zero_grad()
            loss = F.cross_entropy(model(passages[:, :-1]).flatten(0, 1), passages[:, 1:].flatten())
            loss.backward()
            optimizer.step()
            total += loss.item()
        history["loss"].append(total / args.steps)
        print(f"epoch {epoch + 1}: loss {history['loss'][-1]:.4f}")
        if args.checkpoint:
            saved = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "history": history}
            torch.save(saved, args.checkpoint)
    written = model.cpu().generate(codes[None, :10], args.length)[0].tolist()
    print("".join(letters[code] for code in written))
    if args.plot:
        plot_curves(args.plot, history)


if __name__ == "__main__":
    main()
