"""Logistic regression tells two clouds of points apart, and a straight line between them is drawn."""

import numpy as np
import tinytensor as torch
from _training import Trainer, arguments, prepare, report
from tinytensor import nn
from tinytensor.utils.data import DataLoader, TensorDataset


def clouds(count):
    """Points around (-1, -1) and (1, 1)."""
    labels = torch.randint(0, 2, (count,))
    points = torch.randn(count, 2) + (2 * labels - 1).unsqueeze(1)
    return TensorDataset(points, labels)


class TwoClasses(nn.Module):
    """One score for each point; the scores of the classes are its negative and itself, halved."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 1)

    def forward(self, x):
        score = self.linear(x) / 2
        return torch.cat((-score, score), dim=1)


def draw(path, model, points, labels, history):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for name, values in history.items():
        left.plot(range(1, len(values) + 1), values, marker="o", label=name)
    left.set(title="training", xlabel="epoch")
    left.legend()
    right.scatter(*points.T, c=labels, s=8, cmap="coolwarm")
    (a, b), c = model.linear.weight.detach().numpy()[0], model.linear.bias.item()
    x = np.array([-4.0, 4.0])
    right.plot(x, -(a * x + c) / b, color="black")
    right.set(title="where the score is zero", xlim=(-4, 4), ylim=(-4, 4))
    figure.savefig(path, dpi=110)
    print(f"wrote {path}")


def main():
    args = arguments(__doc__, epochs=5, batch_size=32, lr=0.1).parse_args()
    device = prepare(args)
    train_set, test_set = clouds(2000), clouds(500)
    train_loader = DataLoader(train_set, args.batch_size, shuffle=True)
    test_loader = DataLoader(test_set, 500)

    model = TwoClasses().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
    trainer = Trainer(model, optimizer, nn.CrossEntropyLoss(), args)
    trainer.fit(train_loader, test_loader)
    print(report(*trainer.predict(test_loader), ["low", "high"]))
    if args.plot:
        points, labels = test_set.tensors
        draw(args.plot, model.cpu(), points.numpy(), labels.numpy(), trainer.history)


if __name__ == "__main__":
    main()
