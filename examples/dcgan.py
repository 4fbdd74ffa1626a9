"""Two networks against each other: one draws digits (or shapes, without MNIST), the other tells them from real ones."""

import functools

import _plots
import tinytensor as torch
import tinytensor.nn.functional as F
from _training import Run, arguments, prepare
from tinytensor import nn
from tinytensor.utils.data import DataLoader
from tinytensor.vision import datasets, transforms
from tinytensor.vision.utils import save_image

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
    adam = functools.partial(torch.optim.Adam, lr=args.lr, betas=(0.5, 0.999))
    draw_optimizer, judge_optimizer = adam(draw.parameters()), adam(judge.parameters())
    sample = torch.randn(64, NOISE, 1, 1, device=device)
    truth, lie = torch.ones(args.batch_size, 1, device=device), torch.zeros(args.batch_size, 1, device=device)
    run = Run(args, draw=draw, judge=judge, draw_optimizer=draw_optimizer, judge_optimizer=judge_optimizer)
    for epoch in run.epochs():
        drawing = judging = 0.0
        for real, _ in run.steps(loader, epoch):
            drawn = draw(torch.randn(args.batch_size, NOISE, 1, 1, device=device))

            judge_optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(judge(real.to(device)), truth)
            loss = loss + F.binary_cross_entropy_with_logits(judge(drawn.detach()), lie)
            loss.backward()
            judge_optimizer.step()
            judging += loss.item()

            draw_optimizer.zero_grad()
            loss = F.binary_cross_entropy_with_logits(judge(drawn), truth)
            loss.backward()
            draw_optimizer.step()
            drawing += loss.item()
        run.note(epoch, drawing=drawing / len(loader), judging=judging / len(loader))
        if args.pictures:
            with torch.no_grad():
                save_image(draw(sample).cpu(), args.pictures, normalize=True)
    if args.plot:
        with torch.no_grad():
            drawn = draw(sample[:16]).squeeze(1).cpu().numpy()
        _plots.write_plot(args.plot, run.history, _plots.pictures(drawn))


if __name__ == "__main__":
    main()
