"""A convolutional network learns to read handwritten digits (MNIST)."""

import tinytensor as torch
import tinytensor.nn.functional as F
from _training import arguments, finish, prepare, train
from tinytensor import nn
from tinytensor.utils.data import DataLoader
from tinytensor.vision import datasets, transforms


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 5)
        self.conv2 = nn.Conv2d(16, 32, 5)
        self.drop = nn.Dropout(0.25)
        self.fc1 = nn.Linear(32 * 4 * 4, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc2(self.drop(x))


def main():
    parser = arguments(__doc__, epochs=4)
    parser.add_argument("--data", default="./data", help="folder of the data sets")
    parser.add_argument(
        "--fashion", action="store_true", help="pieces of clothing (FashionMNIST) in place of digits"
    )
    args = parser.parse_args()
    device = prepare(args)

    kind = datasets.FashionMNIST if args.fashion else datasets.MNIST
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    train_set, test_set = (kind(args.data, train, transform, download=True) for train in (True, False))
    loaders = DataLoader(train_set, args.batch_size, shuffle=True), DataLoader(test_set, 500)

    model = Net().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    run = train(model, optimizer, loaders, args)
    finish(model, run, loaders[1], test_set.data, test_set.classes)


if __name__ == "__main__":
    main()
