"""Two networks against each other: one draws digits (or shapes, without MNIST), the other tells them from real ones."""

import tinytensor as torch
import tinytensor.nn.functional as F
from _training import arguments, plot_curves, prepare
from tinytensor import nn
from tinytensor.utils.data import DataLoader
from tinytensor.vision import datasets, transforms
from tinytensor.vision.utils import save_image
from tqdm import tqdm

NOISE = 32


def generator():
    return nn.Sequential(
        *(nn.ConvTranspose2d(NOISE, 64, 4, bias=False), nn.BatchNorm2d(64), nn.ReLU()),
        *(nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()),
        *(nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Tanh()),
    )


def critic():
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 4, 2, 1), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(16, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(32, 64, 4, 2, 1, bias=False), nn.BatchNorm2d(64), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(64, 1, 4), nn.Flatten()),
    )


def start(module):
    """The first weights that such networks like."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def pictures(root, limit):
    """Grey pictures of 32 x 32 from -1 to 1."""
    transform = transforms.Compose(
        [transforms.Pad(2), transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]
    )
    grey = transforms.Compose(
        [transforms.Grayscale(), transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))]
    )
    try:
        data = datasets.MNIST(root, transform=transform, download=True)
    except RuntimeError as error:
        reason = str(error).splitlines()[0].rstrip(":")
        print(f"no MNIST ({reason}): drawing shapes instead")
        data = datasets.Shapes(transform=grey)
    return torch.utils.data.Subset(data, range(min(limit, len(data))))


def main():
    parser = arguments(__doc__, epochs=5, lr=2e-4)
    parser.add_argument("--data", default="./data", help="folder of the data sets")
    parser.add_argument("--limit", type=int, default=10_000, help="pictures to learn from")
    parser.add_argument(
        "--pictures", metavar="PNG", help="write drawn pictures to this file after every epoch"
    )
    args = parser.parse_args()
    device = prepare(args)

    loader = DataLoader(pictures(args.data, args.limit), args.batch_size, shuffle=True, drop_last=True)
    draw, judge = generator().apply(start).to(device), critic().apply(start).to(device)
    optimizers = [torch.optim.Adam(net.parameters(), lr=args.lr, betas=(0.5, 0.999)) for net in (draw, judge)]
    sample = torch.randn(64, NOISE, 1, 1, device=device)
    history = {"drawing": [], "judging": []}
    if args.resume:
        state = torch.load(args.checkpoint)
        for part, saved in zip((draw, judge, *optimizers), state["parts"], strict=True):
            part.load_state_dict(saved)
        history = state["history"]
    for epoch in range(len(history["drawing"]), args.epochs):
        totals = [0.0, 0.0]
        for real, _ in tqdm(loader, desc=f"epoch {epoch + 1}", leave=False):
            real = real.to(device)
            drawn = draw(torch.randn(len(real), NOISE, 1, 1, device=device))
            truth, lie = torch.ones(len(real), 1, device=device), torch.zeros(len(real), 1, device=device)

            optimizers[1].zero_grad()
            loss = F.binary_cross_entropy_with_logits(judge(real), truth)
            loss = loss + F.binary_cross_entropy_with_logits(judge(drawn.detach()), lie)
            loss.backward()
            optimizers[1].step()
            totals[1] += loss.item()

            optimizers[0].zero_grad()
            loss = F.binary_cross_entropy_with_logits(judge(drawn), truth)
            loss.backward()
            optimizers[0].step()
            totals[0] += loss.item()
        for name, total in zip(history, totals, strict=True):
            history[name].append(total / len(loader))
        print(
            f"epoch {epoch + 1}: " + ", ".join(f"{name} {values[-1]:.3f}" for name, values in history.items())
        )
        if args.pictures:
            with torch.no_grad():
                save_image(draw(sample).cpu(), args.pictures, normalize=True)
        if args.checkpoint:
            parts = [part.state_dict() for part in (draw, judge, *optimizers)]
            torch.save({"parts": parts, "history": history}, args.checkpoint)
    if args.plot:
        plot_curves(args.plot, history)


if __name__ == "__main__":
    main()
