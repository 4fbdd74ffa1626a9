"""A residual network of 20 layers learns CIFAR-10 from pictures that are shifted and mirrored at random.

With --weights it is not trained: the file, such as a checkpoint of github.com/akamaster/pytorch_resnet_cifar10, is
loaded, and the test set classified.
"""

import tinytensor as torch
import tinytensor.nn.functional as F
from _training import Run, arguments, finish, prepare, train
from cifar_cnn import pictures
from tinytensor import nn
from tinytensor.utils.data import DataLoader
from tinytensor.vision import transforms

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Block(nn.Module):
    """Two 3 x 3 convolutions, and a way around them that has no weights."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.new_channels = stride, outputs - inputs

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.new_channels:
            half = self.new_channels // 2
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, half))
        return F.relu(x + y)


class ResNet20(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._stage(16, 16, 1)
        self.layer2 = self._stage(16, 32, 2)
        self.layer3 = self._stage(32, 64, 2)
        self.linear = nn.Linear(64, classes)

    def _stage(self, inputs, outputs, stride):
        blocks = [Block(inputs, outputs, stride), Block(outputs, outputs, 1), Block(outputs, outputs, 1)]
        return nn.Sequential(*blocks)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean(dim=(2, 3)))


def load_weights(model, path):
    """Fills the model from a state dict, which may stand in a larger checkpoint and come from DataParallel."""
    state = torch.load(path, map_location="cpu")
    state = state.get("state_dict", state)
    model.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})


def main():
    parser = arguments(__doc__, epochs=20, batch_size=128, lr=0.1)
    parser.add_argument("--data", default="./data", help="folder of the data sets")
    parser.add_argument("--weights", metavar="FILE", help="classify with these weights, do not train")
    args = parser.parse_args()
    device = prepare(args)

    plain = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)])
    augmented = transforms.Compose(
        [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), *plain.transforms]
    )
    train_set, test_set = pictures(args.data, augmented, plain)
    test_loader = DataLoader(test_set, 250)
    model = ResNet20().to(device)
    if args.weights:
        load_weights(model, args.weights)
        finish(model, Run(args), test_loader, test_set.data, test_set.classes)
        return
    train_loader = DataLoader(train_set, args.batch_size, shuffle=True)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=args.lr, momentum=0.9, weight_decay=1e-4, nesterov=True
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.lr, epochs=args.epochs, steps_per_epoch=len(train_loader)
    )
    run = train(model, optimizer, (train_loader, test_loader), args, scheduler)
    finish(model, run, test_loader, test_set.data, test_set.classes)


if __name__ == "__main__":
    main()
