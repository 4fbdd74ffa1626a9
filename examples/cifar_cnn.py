"""A small convolutional network learns to tell the ten classes of CIFAR-10 apart.

The pictures are read from --data, or downloaded. Without a network it learns drawn shapes instead.
"""

import tinytensor as torch
import tinytensor.nn.functional as F
from _training import arguments, finish, prepare, train
from tinytensor import nn
from tinytensor.utils.data import DataLoader
from tinytensor.vision import datasets, transforms


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)


def pictures(root, train_transform, test_transform):
    """CIFAR-10 for training and for the test, or drawn shapes where it is neither there nor to be had."""
    choices = (True, train_transform), (False, test_transform)
    try:
        return [datasets.CIFAR10(root, train, transform, download=True) for train, transform in choices]
    except RuntimeError as error:
        reason = str(error).splitlines()[0].rstrip(":")
        print(f"no CIFAR-10 ({reason}): training on drawn shapes instead")
        return [datasets.Shapes(train, transform) for train, transform in choices]


def main():
    parser = arguments(__doc__)
    parser.add_argument("--data", default="./data", help="folder of the data sets")
    args = parser.parse_args()
    device = prepare(args)

    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))]
    )
    train_set, test_set = pictures(args.data, transform, transform)
    loaders = DataLoader(train_set, args.batch_size, shuffle=True), DataLoader(test_set, 256)

    model = Net().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    run = train(model, optimizer, loaders, args)
    finish(model, run, loaders[1], test_set.data, test_set.classes)


if __name__ == "__main__":
    main()
