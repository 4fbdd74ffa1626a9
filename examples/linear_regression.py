"""Fits a line to noisy points by gradient descent, with tensors alone: no layers, no optimizer."""

import _plots
import tinytensor as torch
from _training import Run, arguments, prepare


class Line:
    """y = weight x + bias."""

    def __init__(self, device):
        self.weight = torch.zeros(1, 1, device=device, requires_grad=True)
        self.bias = torch.zeros(1, device=device, requires_grad=True)

    def __call__(self, x):
        return x @ self.weight + self.bias

    def step(self, rate):
        """Go down the gradient."""
        with torch.no_grad():
            for parameter in (self.weight, self.bias):
                parameter -= rate * parameter.grad
                parameter.grad = None

    def state_dict(self):
        return {"weight": self.weight.detach(), "bias": self.bias.detach()}

    def load_state_dict(self, state):
        with torch.no_grad():
            self.weight.copy_(state["weight"])
            self.bias.copy_(state["bias"])


def points_and_line(x, y, line):
    def panel(figure):
        axes = figure.subplots()
        axes.scatter(x.cpu().numpy(), y.cpu().numpy(), s=8)
        ends = torch.tensor([[0.0], [1.0]], device=x.device)
        axes.plot(ends.cpu().numpy(), line(ends).detach().cpu().numpy(), color="black")

    return panel


def main():
    args = arguments(__doc__, epochs=30, batch_size=100, lr=0.1).parse_args()
    device = prepare(args)
    x = torch.rand(1000, 1)
    y = 2 * x + 1 + 0.05 * torch.randn(1000, 1)
    x, y = x.to(device), y.to(device)

    line = Line(device)
    run = Run(args, line=line)
    for epoch in run.epochs():
        total = 0.0
        for batch in run.steps(torch.randperm(len(x)).split(args.batch_size), epoch):
            loss = ((line(x[batch]) - y[batch]) ** 2).mean()
            loss.backward()
            line.step(args.lr)
            total += loss.item() * len(batch)
        run.note(epoch, loss=total / len(x))
    print(f"y = {line.weight.item():.3f} x + {line.bias.item():.3f}")
    if args.plot:
        _plots.write_plot(args.plot, run.history, points_and_line(x, y, line))


if __name__ == "__main__":
    main()
