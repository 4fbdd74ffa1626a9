"""A layer of one's own and a function with a derivative of one's own, checked against finite differences."""

import tinytensor as torch
from _plots import points, write_plot
from _training import arguments, predict, prepare, report, train
from tinytensor import nn
from tinytensor.utils.data import DataLoader, TensorDataset


class Bump(torch.autograd.Function):
    """exp(-x x), with its derivative written by hand."""

    @staticmethod
    def forward(ctx, x):
        y = torch.exp(-x * x)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, gradient):
        x, y = ctx.saved_tensors
        return gradient * -2 * x * y


class RadialBasis(nn.Module):
    """How near each input is to each of some learned centres."""

    def __init__(self, features, centres):
        super().__init__()
        self.centres = nn.Parameter(torch.randn(centres, features))
        self.width = nn.Parameter(torch.ones(centres))

    def forward(self, x):
        distance = (x.unsqueeze(1) - self.centres).square().sum(-1).sqrt()
        return Bump.apply(distance / self.width)

    def extra_repr(self):
        return f"features={self.centres.size(1)}, centres={self.centres.size(0)}"


def rings(count):
    """Points of three rings, one around the other."""
    labels = torch.randint(0, 3, (count,))
    angle, radius = 6.2832 * torch.rand(count), 1 + labels + 0.2 * torch.randn(count)
    return TensorDataset(torch.stack((radius * angle.cos(), radius * angle.sin()), dim=1), labels)


def main():
    args = arguments(__doc__, epochs=15, lr=0.02).parse_args()
    device = prepare(args)
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    print("derivative is right:", torch.autograd.gradcheck(Bump.apply, (x,)))

    train_set, test_set = rings(3000), rings(1000)
    loaders = DataLoader(train_set, args.batch_size, shuffle=True), DataLoader(test_set, 500)
    model = nn.Sequential(RadialBasis(2, 24), nn.Linear(24, 3)).to(device)
    print(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    run = train(model, optimizer, loaders, args)
    targets, predictions = predict(model, loaders[1], device)
    print(report(targets, predictions, ["inner", "middle", "outer"]))
    if args.plot:
        write_plot(args.plot, run.history, points(test_set.tensors[0].numpy(), predictions))


if __name__ == "__main__":
    main()
