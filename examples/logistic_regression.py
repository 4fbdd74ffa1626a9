"""Logistic regression tells two clouds of points apart, and a straight line between them is drawn."""

import numpy as np
import tinytensor as torch
from _plots import points, write_plot
from _training import arguments, predict, prepare, report, train
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


def border(model):
    """Where the score is zero."""
    (a, b), c = model.linear.weight.detach().cpu().numpy()[0], model.linear.bias.item()
    x = np.array([-5.0, 5.0])
    return lambda axes: axes.plot(x, -(a * x + c) / b, color="black")


def main():
    args = arguments(__doc__, epochs=5, batch_size=32, lr=0.1).parse_args()
    device = prepare(args)
    train_set, test_set = clouds(2000), clouds(500)
    loaders = DataLoader(train_set, args.batch_size, shuffle=True), DataLoader(test_set, 500)
    model = TwoClasses().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
    run = train(model, optimizer, loaders, args)
    targets, predictions = predict(model, loaders[1], device)
    print(report(targets, predictions, ["low", "high"]))
    if args.plot:
        panel = points(test_set.tensors[0].numpy(), targets, border(model))
        write_plot(args.plot, run.history, panel)


if __name__ == "__main__":
    main()
